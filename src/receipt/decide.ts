import { jittered } from '../clock.ts';
import { orderKeyOf } from '../shipment/payment.ts';
import type { NotifyResult } from '../wechat/receipt-calls.ts';
import type { Order } from '../wechat/order.ts';
import type { Outcome } from '../wechat/outcome.ts';
import type { OrderResult } from '../wechat/replies.ts';
import type { Advance, AfterSend, BeforeSend, ReceiptRow } from './row.ts';

/** What becomes of the one reminder of a payment (wechat.md §1.5, §7.18). Pure. */
export type Now = { nowMs: number; random: () => number; timing: ReceiptTiming };

export type ReceiptTiming = {
  /** From one look to the next: doubles from the first to the second. */
  waitMinMs: number;
  waitMaxMs: number;
  /** A reminder that cannot go out for so long is refused. */
  giveUpMs: number;
  /** So long an unknown outcome is looked at; WeChat settles express payments ten days after the shipment. */
  readForMs: number;
};

const minuteMs = 60_000;
const dayMs = 86_400_000;

export const defaultReceiptTiming: ReceiptTiming = {
  waitMinMs: minuteMs,
  waitMaxMs: 6 * 60 * minuteMs,
  giveUpMs: 60 * dayMs,
  readForMs: 30 * dayMs,
};

const express = 1;
/** Order states: 1 to ship, 2 shipped, 3 confirmed, 4 complete, 5 refunded, 6 awaiting settlement (wechat.md §1.3). */
const shipped = 2;
const refunded = 5;
const moot: readonly (number | null)[] = [3, 4, 6];

const used = 10060030;
const notShipped = 10060028;

export function waitOf(waits: number, { timing, random }: Now): number {
  return jittered(Math.min(timing.waitMaxMs, timing.waitMinMs * 2 ** Math.min(waits, 30)), random);
}

/** Whether the call may be made now. Only a read that shows the payment as shipped by express lets it out. */
export function decideBeforeSend(row: ReceiptRow, read: OrderResult, now: Now): BeforeSend {
  if (now.nowMs - row.createdAtMs > now.timing.giveUpMs)
    return { to: 'rejected', detail: 'WeChat did not show the payment as shipped in time' };
  if (read.kind !== 'order') return waitAgain(row, unreadable(read), now);
  return ended(read.order) ?? whenShipped(row, read.order, now);
}

function whenShipped(row: ReceiptRow, { orderState, shipping, transactionId }: Order, now: Now): BeforeSend {
  if (shipping === null || orderState !== shipped || shipping.finishShipping !== true)
    return waitAgain(row, 'WeChat does not show the payment as shipped', now);
  if (shipping.logisticsType === null) return waitAgain(row, 'the read does not say how it was shipped', now);
  if (shipping.logisticsType !== express)
    return { to: 'rejected', detail: 'a reminder is for express alone' };
  // Both names of a payment lead to one reminder by the transaction alone (run.ts I4): without it there is none.
  const transaction = transactionId ?? transactionIn(row.payment);
  return transaction === null
    ? waitAgain(row, 'the read does not say which transaction it is', now)
    : { to: 'send', transactionId: transaction };
}

function transactionIn(payment: string): string | null {
  const key = orderKeyOf(payment);
  return key.order_number_type === 2 ? key.transaction_id : null;
}

/** What ends a reminder whatever was sent. */
function ended({ orderState }: Order): Advance | null {
  if (moot.includes(orderState))
    return { to: 'moot', detail: `the receipt is confirmed or settled (order state ${orderState})` };
  return orderState === refunded ? { to: 'rejected', detail: 'the payment was refunded' } : null;
}

/**
 * What an answer means. Only codes that prove that nothing happened lead back to a call: everything else that is no
 * success may have spent the payment's one reminder, and is `unknown`.
 */
export function decideAfterSend(row: ReceiptRow, { outcome, answer }: NotifyResult, now: Now): AfterSend {
  if (answer.notSent === true)
    return { to: 'pending', afterMs: unsentMs(outcome, now), spent: false, detail: reasonOf(outcome) };
  if (outcome.kind === 'accepted')
    return { to: 'acknowledged', spent: true, detail: 'WeChat took the reminder' };
  if (answer.errcode === used)
    return { to: 'acknowledged', spent: true, detail: 'the reminder had been used already' };
  if (answer.errcode === notShipped)
    return { ...waitAgain(row, 'WeChat does not hold the payment as shipped', now), spent: true };
  return whenRefused(row, outcome, now);
}

function whenRefused(row: ReceiptRow, outcome: Outcome, now: Now): AfterSend {
  switch (outcome.kind) {
    case 'invalid':
      return { to: 'rejected', spent: true, detail: outcome.reason };
    case 'not_yet_visible':
      return { ...waitAgain(row, 'WeChat does not know the payment', now), spent: true };
    case 'throttled':
    case 'token':
    case 'account_stop':
      return { to: 'pending', afterMs: unsentMs(outcome, now), spent: false, detail: reasonOf(outcome) };
    case 'accepted':
    case 'unchanged':
    case 'read_first':
    case 'unknown':
      return { to: 'unknown', afterMs: waitOf(0, now), spent: true, detail: reasonOf(outcome) };
  }
}

/** A read may end an unknown outcome; it never leads back to a call. */
export function decideUnknown(row: ReceiptRow, read: OrderResult, now: Now): Advance {
  const end = read.kind === 'order' ? ended(read.order) : null;
  if (end !== null) return end;
  const detail = 'whether WeChat took the reminder is not known: it is not made again by itself';
  const over = now.nowMs - (row.sentAtMs ?? row.createdAtMs) > now.timing.readForMs;
  return { to: 'unknown', afterMs: over ? null : waitOf(row.waits, now), detail };
}

/** The payment's upload is under way: nothing is asked of WeChat. */
export const waitForUpload = (row: ReceiptRow, now: Now): Advance =>
  waitAgain(row, "the payment's upload is not final yet", now);

const waitAgain = (row: ReceiptRow, detail: string, now: Now): Extract<Advance, { to: 'pending' }> => ({
  to: 'pending',
  afterMs: waitOf(row.waits, now),
  detail,
});

const unsentMs = (outcome: Outcome, now: Now): number =>
  jittered(outcome.kind === 'throttled' ? outcome.retryAfterMs : now.timing.waitMinMs, now.random);

const unreadable = (read: Exclude<OrderResult, { kind: 'order' }>): string =>
  read.kind === 'absent'
    ? 'WeChat does not know the payment'
    : `no answer to the read: ${reasonOf(read.outcome)}`;

export const reasonOf = (outcome: Outcome): string => ('reason' in outcome ? outcome.reason : outcome.kind);
