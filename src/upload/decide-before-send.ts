import { jittered } from '../clock.ts';
import type { Verdict } from './content.ts';
import { waitForPayment } from './decide-send.ts';
import { conflict, isUnreadable, mayRewrite, nothingToShip, unreadable, type Reading } from './reading.ts';
import type { LeasedRow, Transition } from './row.ts';
import type { Siblings } from './siblings.ts';
import { backoffMs, type Context } from './timing.ts';

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
    case 'verdict': {
      const decided = beforeWrite(row, { ...reading, siblings }, context);
      return decided.to === 'send' && siblings.lastUploadTimeMs >= row.uploadTimeMs
        ? claimedTogether
        : decided;
    }
  }
}

function beforeWrite(
  row: LeasedRow,
  { verdict, shipped, siblings }: { verdict: Verdict; shipped: boolean; siblings: Siblings },
  context: Context,
): BeforeSend {
  const stays = shippedAlready(row, { verdict, shipped });
  if (stays !== null) return stays;
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

/** What of WeChat's own stays, for an event that others may have come before: null where the event may go on. */
function shippedAlready(
  { caution }: LeasedRow,
  { verdict, shipped }: { verdict: Verdict; shipped: boolean },
): Transition | null {
  if (!shipped || verdict.kind === 'same') return null;
  if (caution === 'older') return olderEvent;
  return caution === 'backfill' ? shippedBefore : null;
}

/** This database does not know what was sent before it; what WeChat shows may be newer than this event. */
const olderEvent: Transition = {
  to: 'parked',
  reason: 'older_event',
  detail: 'the event is older than this database, and WeChat holds other content: nothing was sent',
  retryAfterMs: null,
};

/** The shop uploaded it itself, before fahuo came: whatever it said stands. */
const shippedBefore: Transition = {
  to: 'acknowledged',
  detail: 'WeChat showed the payment as shipped before the backfill: nothing was sent',
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

/** Claimed before a read told of the other key: WeChat would refuse this upload_time, and the next claim draws a later one. */
const claimedTogether: Transition = {
  to: 'pending',
  afterMs: 0,
  spent: false,
  detail: 'a row of the other key of the payment was claimed at the same time or later',
};

const sendLater = (detail: string, { random, timing }: Context): Transition => ({
  to: 'pending',
  afterMs: jittered(timing.readGapMs, random),
  spent: false,
  detail,
});

/** The reads of the app are paused: nobody is asked, and the row asks again before long. */
export const waitForPausedReads = ({ random, timing }: Context): Transition => ({
  to: 'pending',
  afterMs: jittered(pausedReadGaps * timing.readGapMs, random),
  spent: false,
  detail: 'reads are paused for this app, and nothing is written before a read',
});
const pausedReadGaps = 6;
