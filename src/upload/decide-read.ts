import { jittered } from '../clock.ts';
import type { Verdict } from './content.ts';
import { waitForPayment } from './decide-send.ts';
import { conflict, isUnreadable, mayRewrite, nothingToShip, unreadable, type Reading } from './reading.ts';
import type { LeasedRow, Transition } from './row.ts';
import { finishedCodes, type Siblings } from './siblings.ts';
import { backoffMs, type Context } from './timing.ts';

/** Two reads, apart, before "WeChat does not hold it" is believed: reads lag (wechat.md §6.11). */
const readsToBelieve = 2;
/** A day of waiting (a pause, an outage) is not a day of trying: both are asked for before a person is. */
const sendsToGiveUp = 5;
const notShippable = 10060004;
const saidUnchanged = 10060023;

/** An `unknown` row after a read. Pure: this is the one place that lets an unknown outcome be sent again (P4). */
export function decideAfterRead(
  row: LeasedRow,
  { reading, siblings }: { reading: Reading; siblings: Siblings },
  context: Context,
): Transition {
  switch (reading.kind) {
    case 'failed':
      return reading.blameless
        ? readLater(row, reading, context)
        : readAgain(row, context, `the read failed: ${reading.reason}`);
    case 'absent':
      return row.errcode === saidUnchanged
        ? readAgain(row, context, 'WeChat says unchanged, the read does not know the payment')
        : afterOpen(row, context);
    case 'verdict':
      return afterVerdict(row, { verdict: reading.verdict, siblings }, context);
  }
}

function afterVerdict(
  row: LeasedRow,
  { verdict, siblings }: { verdict: Verdict; siblings: Siblings },
  context: Context,
): Transition {
  const afterOther = row.errcode === saidUnchanged ? afterUnchanged : afterOpen;
  switch (verdict.kind) {
    case 'same':
      return { to: 'acknowledged', detail: 'a read shows that WeChat holds this content' };
    case 'open':
      return afterOther(row, context, siblings);
    case 'other_kind':
    case 'finished':
      return mayRewrite(row, verdict.count) ? afterOther(row, context, siblings) : conflict(verdict);
    case 'refunded':
    case 'settled':
    case 'closed':
      return nothingToShip(verdict);
  }
}

function afterOpen(row: LeasedRow, context: Context): Transition {
  if (finishedCodes.some((code) => code === row.errcode))
    return readAgain(row, context, 'WeChat says finished, the read does not');
  if (!isBelieved(row)) return onceMore(row, context);
  return row.errcode === notShippable ? waitToShip(row, context) : sendAgain(row, context);
}

/** Nothing more is sent: either WeChat keeps a parcel that this event takes back, or the reads lag behind its word. */
function afterUnchanged(row: LeasedRow, context: Context, { takesBack }: Siblings): Transition {
  if (!isBelieved(row)) return onceMore(row, context);
  return takesBack
    ? conflict({ kind: 'kept', count: 0 })
    : { to: 'acknowledged', detail: 'WeChat says that it held this content already' };
}

const isBelieved = ({ absentReads }: LeasedRow): boolean => absentReads + 1 >= readsToBelieve;

const onceMore = (row: LeasedRow, { timing, random }: Context): Transition => ({
  to: 'unknown',
  readAfterMs: jittered(timing.readGapMs, random),
  absentReads: row.absentReads + 1,
  failedReads: 0,
  detail: 'a read does not show this content: once more',
});

/** At once after the first send; a row that keeps coming back waits longer, and a day of that is enough. */
function sendAgain(row: LeasedRow, context: Context): Transition {
  const sentForMs = context.nowMs - row.firstSentAtMs;
  if (row.attempts >= sendsToGiveUp && sentForMs > context.timing.unreadableAfterMs) {
    return {
      to: 'parked',
      reason: 'unrecognised',
      detail: `sent ${row.attempts} times without an effect or a clear answer`,
      retryAfterMs: null,
    };
  }
  return {
    to: 'pending',
    afterMs: row.attempts > 1 ? backoffMs(row.attempts, context) : 0,
    spent: true,
    detail: 'two reads show that WeChat does not hold this content',
  };
}

/** 10060004 while WeChat shows "to ship": too early, or a state that the read does not name (wechat.md §6.4). */
function waitToShip(row: LeasedRow, context: Context): Transition {
  const wait = waitForPayment(row, context);
  if (wait.to === 'parked') return nothingToShip({ kind: 'closed', orderState: 1 });
  return {
    ...wait,
    detail: 'WeChat refuses to ship it (10060004) and shows it as to ship: tried again for a day',
  };
}

/** A failed read of its own: longer waits, and after a day of them a person. */
function readAgain(row: LeasedRow, context: Context, detail: string): Transition {
  if (isUnreadable(row, context)) return unreadable(detail);
  const failedReads = row.failedReads + 1;
  return {
    to: 'unknown',
    readAfterMs: backoffMs(failedReads, context),
    absentReads: row.absentReads,
    failedReads,
    detail,
  };
}

const readLater = (
  row: LeasedRow,
  { reason }: { reason: string },
  { random, timing }: Context,
): Transition => ({
  to: 'unknown',
  readAfterMs: jittered(timing.readGapMs, random),
  absentReads: row.absentReads,
  failedReads: row.failedReads,
  detail: `not read: ${reason}`,
});
