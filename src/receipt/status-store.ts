import type { Queryable } from '../../db/client.ts';
import {
  callColumns,
  receiptColumns,
  traceColumns,
  type Receipt,
  type ReceiptCall,
  type Trace,
} from './verbs-store.ts';

export type ReceiptHealth = {
  /** Reminders that are not said yet, and payments whose parcels are followed. */
  waiting: number;
  followed: number;
  /** Reminders of which nobody knows whether they went out. */
  unknown: number;
};

/** By the indexes of what is due: they do not grow with what has ended. */
export async function readReceiptHealth(db: Queryable): Promise<ReceiptHealth> {
  const { rows } = await db.query<ReceiptHealth>(
    `select count(*) filter (where state <> 'unknown')::int as waiting, count(*) filter (where state = 'unknown')::int as unknown,
       (select count(*)::int from fahuo.trace where state in ('waiting', 'following')) as followed
     from fahuo.receipt where state in ('pending', 'sending', 'unknown')`,
  );
  return rows[0] ?? { waiting: 0, followed: 0, unknown: 0 };
}

/** What a payment's story has of its receipt, by any appid. */
export type ReceiptStory = {
  /** `eventId`: of the event that asked for it. */
  reminders: (Named & Receipt & { eventId: string | null })[];
  traces: (Named & Trace)[];
  calls: (Named & ReceiptCall)[];
};
type Named = { appid: string; payment: string };

const storyCalls = 50;

/** By either name of the payment: a reminder knows the transaction that a read told before its call. */
export async function readReceiptStory(db: Queryable, payment: string): Promise<ReceiptStory> {
  const reminders = await db.query<ReceiptStory['reminders'][number]>(
    `select appid, payment, event_id as "eventId", ${receiptColumns} from fahuo.receipt where payment = $1 or transaction_id = $1 order by id`,
    [payment],
  );
  const names = [payment, ...reminders.rows.map((one) => one.payment)];
  const traces = await db.query<Named & Trace>(
    `select appid, payment, ${traceColumns} from fahuo.trace where payment = any($1) order by id`,
    [names],
  );
  const calls = await db.query<Named & ReceiptCall>(
    `select appid, payment, ${callColumns}
     from (select * from fahuo.receipt_call where payment = any($1) order by id desc limit $2) c order by id`,
    [names, storyCalls],
  );
  return { reminders: reminders.rows, traces: traces.rows, calls: calls.rows };
}
