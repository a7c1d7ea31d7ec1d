import { jittered } from '../clock.ts';
import type { Verdict } from './content.ts';
import { waitForPayment } from './decide-send.ts';
import type { LeasedRow, Transition } from './row.ts';
import { finishedCodes, type Siblings } from './siblings.ts';
import { backoffMs, type Context } from './timing.ts';

/**
 * What get_order told; `absent` is 10060001, `failed` is no answer that could be used. `blameless` says that the read
 * did not fail for this payment: it was not sent, or the token, a quota or the account stood in its way.
 */
export type Reading =
  /** `shipped`: WeChat holds something for the payment, whatever it is. */
  | { kind: 'verdict'; verdict: Verdict; shipped: boolean }
  | { kind: 'absent' }
  | { kind: 'failed'; reason: string; blameless: boolean };

/** Two reads, apart, before "WeChat does not hold it" is believed: reads lag (wechat.md §6.11). */
const readsToBelieve = 2;
/** A day of waiting (a pause, an outage) is not a day of trying: both are asked for before a person is. */
const sendsToGiveUp = 5;
const failedReadsToGiveUp = 10;
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

/** Only a correction writes to what is finished or of another kind, and only while the chance is there (P5). */
const mayRewrite = (row: LeasedRow, count: number): boolean => row.kind === 'corrected' && count < 2;

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
  return wait.to === 'parked' ? nothingToShip({ kind: 'closed', orderState: 1 }) : wait;
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

/** Counted from the first of the reads that failed one after the other, not from the event's arrival. */
function isUnreadable(row: LeasedRow, { nowMs, timing }: Context): boolean {
  if (row.unreadSinceMs === null || row.failedReads < failedReadsToGiveUp - 1) return false;
  return nowMs - row.unreadSinceMs > timing.unreadableAfterMs;
}

const unreadable = (detail: string): Transition => ({
  to: 'parked',
  reason: 'unreadable',
  detail,
  retryAfterMs: null,
});

type Conflict = { kind: 'other_kind' | 'finished' | 'kept'; count: number };

const conflictDetails: Record<Conflict['kind'], string> = {
  other_kind:
    'WeChat holds this payment with another delivery_mode or logistics_type, and a change spends its re-ship chance: send a correction event, or resolve it by hand',
  kept: 'WeChat merges parcel lists and keeps a parcel that this event takes back: only the console can remove it',
  finished:
    'WeChat holds other content for this finished payment: send a correction event, or resolve it by hand',
};

const conflict = ({ kind, count }: Conflict): Transition => ({
  to: 'parked',
  reason: 'conflict',
  detail:
    count >= 2
      ? 'WeChat holds other content and the re-ship chance is spent: only the console shows what the buyer sees'
      : conflictDetails[kind],
  retryAfterMs: null,
});

function nothingToShip(verdict: Extract<Verdict, { kind: 'refunded' | 'settled' | 'closed' }>): Transition {
  switch (verdict.kind) {
    case 'refunded':
      return { to: 'rejected', detail: 'the payment was refunded: nothing is to be shipped' };
    case 'settled':
      return {
        to: 'rejected',
        detail: 'already settled: WeChat completed this virtual order itself, nothing is to be shipped',
      };
    case 'closed':
      return {
        to: 'parked',
        reason: 'not_shippable',
        detail: `WeChat takes no shipping for this payment (order_state ${verdict.orderState})`,
        retryAfterMs: null,
      };
  }
}

export type BeforeSend = { to: 'send' } | Transition;

/** A row whose payment was or may have been written to before: whether this body may be sent now. Pure; upholds P5. */
export function decideBeforeSend(
  row: LeasedRow,
  { reading, siblings }: { reading: Reading; siblings: Siblings },
  context: Context,
): BeforeSend {
  if (siblings.inFlight) return sendLater("the payment's other key is on the wire", context);
  if (siblings.overtaken) return supersededNext;
  switch (reading.kind) {
    case 'failed':
      return reading.blameless
        ? sendLater(`not read: ${reading.reason}`, context)
        : waitForRead(row, context, `the read before the write failed: ${reading.reason}`);
    case 'absent':
      return waitForPayment(row, context);
    case 'verdict':
      return beforeWrite(row, { ...reading, siblings }, context);
  }
}

function beforeWrite(
  row: LeasedRow,
  { verdict, shipped, siblings }: { verdict: Verdict; shipped: boolean; siblings: Siblings },
  context: Context,
): BeforeSend {
  if (restatesBlindly(row, { verdict, shipped })) return olderEvent;
  switch (verdict.kind) {
    case 'same':
      return { to: 'acknowledged', detail: 'WeChat held this content already' };
    case 'refunded':
    case 'settled':
    case 'closed':
      return nothingToShip(verdict);
    case 'open':
    case 'other_kind':
    case 'finished':
      return row.kind === 'shipped'
        ? beforeShipping(verdict, siblings)
        : beforeCorrecting(row, { verdict, siblings }, context);
  }
}

const restatesBlindly = (
  row: LeasedRow,
  { verdict, shipped }: { verdict: Verdict; shipped: boolean },
): boolean => row.caution === 'older' && shipped && verdict.kind !== 'same';

/** This database does not know what was sent before it; what WeChat shows may be newer than this event. */
const olderEvent: Transition = {
  to: 'parked',
  reason: 'older_event',
  detail: 'the event is older than this database, and WeChat holds other content: nothing was sent',
  retryAfterMs: null,
};

type Different = Extract<Verdict, { kind: 'open' | 'other_kind' | 'finished' }>;

function beforeShipping(verdict: Different, siblings: Siblings): BeforeSend {
  if (verdict.kind !== 'open') return conflict(verdict);
  const isFinished = siblings.finished || siblings.spent;
  if (isFinished && siblings.carried)
    return { to: 'acknowledged', detail: 'an earlier event carried this very content' };
  if (siblings.otherKind) return conflict({ kind: 'other_kind', count: countOf(siblings) });
  return isFinished ? conflict({ kind: 'finished', count: countOf(siblings) }) : { to: 'send' };
}

function beforeCorrecting(
  row: LeasedRow,
  { verdict, siblings }: { verdict: Different; siblings: Siblings },
  context: Context,
): BeforeSend {
  if (siblings.spent) return conflict({ kind: 'finished', count: countOf(siblings) });
  if (verdict.kind !== 'open') return mayRewrite(row, verdict.count) ? { to: 'send' } : conflict(verdict);
  if (siblings.finished || siblings.otherKind)
    return waitForRead(row, context, 'the read lags behind our own record: the correction waits');
  return { to: 'rejected', detail: 'the payment is not finished: send a shipped event, not a correction' };
}

const countOf = ({ spent }: Siblings): number => (spent ? 2 : 1);

/** Nothing goes out without a read: longer waits, and after a day of failed reads a person. */
function waitForRead(row: LeasedRow, context: Context, detail: string): Transition {
  if (isUnreadable(row, context)) return unreadable(detail);
  const failedReads = row.failedReads + 1;
  return { to: 'pending', afterMs: backoffMs(failedReads, context), spent: false, failedReads, detail };
}

const supersededNext: Transition = {
  to: 'pending',
  afterMs: 0,
  spent: false,
  detail: 'a newer version was acknowledged under the other key of the payment',
};

const sendLater = (detail: string, { random, timing }: Context): Transition => ({
  to: 'pending',
  afterMs: jittered(timing.readGapMs, random),
  spent: false,
  detail,
});

/** The reads of the app are paused: nobody is asked, and the row looks again before long. */
export const waitForPausedReads = ({ random, timing }: Context): Transition => ({
  to: 'pending',
  afterMs: jittered(pausedReadGaps * timing.readGapMs, random),
  spent: false,
  detail: 'reads are paused for this app, and nothing is written before a read',
});
const pausedReadGaps = 6;
