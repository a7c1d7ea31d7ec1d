import type { ReceiptState } from '../../db/states.ts';
import { RECEIVED } from '../shipment/events.ts';
import type { Names } from './decode.ts';

/** A received event as a row. */
export type NewReceipt = {
  appid: string;
  payment: string;
  eventId: string;
  source: string;
  /** Since 1970, as the event says it. */
  receivedSeconds: number;
  eventTime: string;
  traceparent: string | null;
  topic: string;
  partition: number;
  offset: number;
  notes: string | null;
};

/** What the tables hold of received events and of their payments. */
export type ReceiptRivals = {
  /** Of received events, and of shipments (`receivedSeconds` is null) that have their ids. */
  events: readonly ReceiptRival[];
  /** The payments that have a reminder. */
  reminders: readonly { appid: string; payment: string; state: ReceiptState }[];
};
export type ReceiptRival = Pick<NewReceipt, 'eventId' | 'source' | 'appid' | 'payment'> & {
  receivedSeconds: number | null;
};

export type JudgedReceipt =
  /** It asks for the payment's reminder. */
  | { kind: 'first' }
  /** The payment has its one reminder. */
  | { kind: 'second' }
  | { kind: 'duplicate'; state: ReceiptState | null }
  | { kind: 'conflict'; detail: string };

/** What the door makes of a received event beside what is there (wechat.md §7.18). Pure. */
export function judgeReceipt(receipt: NewReceipt, rivals: ReceiptRivals): JudgedReceipt {
  const reminder = rivals.reminders.find((one) => isOfPayment(one, receipt));
  const ofEvent = rivals.events.filter((one) => isOfEvent(one, receipt));
  if (ofEvent.length === 0) return { kind: reminder === undefined ? 'first' : 'second' };
  // A shipment of another producer may have its id as well: both are answered.
  const isSame = ofEvent.some(
    (one) => isOfPayment(one, receipt) && one.receivedSeconds === receipt.receivedSeconds,
  );
  if (isSame) return { kind: 'duplicate', state: reminder?.state ?? null };
  const { eventId, source } = receipt;
  return {
    kind: 'conflict',
    detail: `the event id ${eventId} of ${source} was used before with other content`,
  };
}

const isOfEvent = (one: ReceiptRival, { eventId, source }: NewReceipt): boolean =>
  one.eventId === eventId && one.source === source;

const isOfPayment = (one: { appid: string; payment: string }, { appid, payment }: NewReceipt): boolean =>
  one.appid === appid && one.payment === payment;

/** What a received event names that becomes a dead letter. */
export const namesOfReceipt = ({ eventId, source, appid, payment }: NewReceipt): Names => ({
  eventId,
  type: RECEIVED,
  source,
  appid,
  payment,
  version: null,
});
