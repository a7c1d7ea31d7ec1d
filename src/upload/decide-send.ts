import { jittered } from '../clock.ts';
import type { Answer, Outcome } from '../wechat/outcome.ts';
import type { LeasedRow, Transition } from './row.ts';
import { notVisibleWaitMs, type Context } from './timing.ts';

/**
 * Where a row goes after its send was answered, or was not. Pure. Nothing here leads from an outcome that may have
 * had an effect back to `pending`: only reads do (P4, P5).
 */
export function decideAfterSend(row: LeasedRow, outcome: Outcome, context: Context): Transition {
  switch (outcome.kind) {
    case 'accepted':
      return { to: 'acknowledged', detail: null };
    case 'unchanged':
      return afterUnchanged(row);
    case 'not_yet_visible':
      return waitForPayment(row, context);
    case 'invalid':
      return { to: 'rejected', detail: outcome.reason };
    case 'read_first':
      return { to: 'unknown', readAfterMs: 0, absentReads: 0, detail: outcome.reason };
    case 'throttled':
      return afterThrottle(outcome, context);
    case 'token':
      return giveBack(jittered(context.timing.retryMinMs, context.random), 'the token was refused twice');
    case 'account_stop':
      return giveBack(0, outcome.reason);
    case 'unknown':
      return afterUnknown(outcome, context);
  }
}

/**
 * WeChat held this content already, or it merges parcel lists and kept one that this event takes back: where the payment
 * was written to before, a read shows which.
 */
const afterUnchanged = (row: LeasedRow): Transition =>
  row.history
    ? { to: 'unknown', readAfterMs: 0, absentReads: 0, detail: 'WeChat says that nothing changed' }
    : { to: 'acknowledged', detail: 'WeChat held this content already' };

/** A day's quota pauses the endpoint, and the end of the pause frees its rows: nothing else must keep them back until then. */
const afterThrottle = (
  { scope, retryAfterMs }: Extract<Outcome, { kind: 'throttled' }>,
  { random }: Context,
): Transition => giveBack(scope === 'day' ? 0 : jittered(retryAfterMs, random), 'throttled by WeChat');

const giveBack = (afterMs: number, detail: string): Transition => ({
  to: 'pending',
  afterMs,
  spent: false,
  detail,
});

/**
 * Nothing of the call went out: the row goes back as it was. While WeChat is unreachable the whole app's rows stay where
 * they are (see apps/reach.ts), so this wait matters only to a row that failed alone.
 */
export const decideNotSent = (answer: Answer, { timing, random }: Context): Transition =>
  giveBack(jittered(timing.retryMinMs, random), `not sent: ${answer.errmsg ?? answer.failure ?? 'no token'}`);

function afterUnknown(outcome: Extract<Outcome, { kind: 'unknown' }>, context: Context): Transition {
  if (outcome.notSent === true)
    return giveBack(jittered(context.timing.retryMinMs, context.random), outcome.reason);
  return {
    to: 'unknown',
    readAfterMs: jittered(context.timing.readAfterMs, context.random),
    absentReads: 0,
    detail: outcome.reason,
  };
}

/** 10060001 is a delay, then a question: parked a day after the first send, tried daily to day 14 (wechat.md §6.1, §7.9). */
export function waitForPayment(row: LeasedRow, context: Context): Transition {
  const { timing, nowMs } = context;
  const ageMs = nowMs - row.firstSentAtMs;
  if (ageMs < timing.notVisibleForMs) {
    return {
      to: 'pending',
      afterMs: notVisibleWaitMs(row.attempts, context),
      spent: true,
      detail: 'WeChat does not know the payment yet',
    };
  }
  return {
    to: 'parked',
    reason: 'payment_not_found',
    detail: 'WeChat does not know the payment: see the check-list in docs/operations.md',
    retryAfterMs: ageMs < timing.parkedRetryForMs ? timing.parkedRetryMs : null,
  };
}
