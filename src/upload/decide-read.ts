import type { Verdict } from './content.ts';
import type { Held, Transition } from './row.ts';
import { backoffMs, jittered, type Context } from './timing.ts';
import { waitForPayment } from './decide-send.ts';

/** What get_order told; `absent` is 10060001, `failed` is no answer that could be used. */
export type Reading =
  /** `shipped`: WeChat holds something for the payment, whatever it is. */
  | { kind: 'verdict'; verdict: Verdict; shipped?: boolean }
  | { kind: 'absent' }
  | { kind: 'failed'; reason: string };

/** Two reads, apart, before "WeChat does not hold it" is believed: reads lag (facts.md §6.11). */
const readsToBelieve = 2;

/** Codes that prove the payment finished, whatever a lagging read shows: never sent again from here (P5). */
const finishedCodes: readonly (number | null)[] = [10060002, 10060003];
const notShippable = 10060004;

/** An `unknown` row after a read. Pure: this is the one place that lets an unknown outcome be sent again (P4). */
export function decideAfterRead(row: Held, reading: Reading, context: Context): Transition {
  if (reading.kind === 'failed') return readAgain(row, context, `the read failed: ${reading.reason}`);
  if (reading.kind === 'absent') return afterOpen(row, context);
  const { verdict } = reading;
  switch (verdict.kind) {
    case 'same':
      return { to: 'acknowledged', detail: 'a read shows that WeChat holds this content' };
    case 'refunded':
      return { to: 'rejected', detail: 'the payment was refunded: nothing is to be shipped' };
    case 'closed':
      return notShippableNow(verdict.orderState);
    case 'open':
      return afterOpen(row, context);
    case 'finished':
      return row.kind === 'corrected' && verdict.count === 1
        ? afterOpen(row, context)
        : conflict(verdict.count);
  }
}

function afterOpen(row: Held, context: Context): Transition {
  if (finishedCodes.includes(row.errcode))
    return readAgain(row, context, 'WeChat says finished, the read does not');
  const absentReads = row.absentReads + 1;
  if (absentReads < readsToBelieve) {
    return {
      to: 'unknown',
      readAfterMs: jittered(context.timing.readGapMs, context.random),
      absentReads,
      detail: 'a read does not show this content: once more',
    };
  }
  if (row.errcode === notShippable) return waitToShip(row, context);
  return sendAgain(row, context);
}

/** At once after the first send; a row that keeps coming back waits longer, and a day of that is enough. */
function sendAgain(row: Held, context: Context): Transition {
  if (context.nowMs - row.receivedAtMs > context.timing.unreadableAfterMs) {
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

/** 10060004 while WeChat shows "to ship": too early, or a state that the read does not name (facts.md §6.4). */
function waitToShip(row: Held, context: Context): Transition {
  const wait = waitForPayment(row, context);
  return wait.to === 'parked' ? notShippableNow(1) : wait;
}

function readAgain(row: Held, { nowMs, random, timing }: Context, detail: string): Transition {
  if (nowMs - row.uploadTimeMs > timing.unreadableAfterMs)
    return { to: 'parked', reason: 'unreadable', detail, retryAfterMs: null };
  // A tenth of the time that has passed: seconds at first, hours at the end of the day.
  const waitMs = Math.max(timing.readGapMs, (nowMs - row.uploadTimeMs) / 10);
  return {
    to: 'unknown',
    readAfterMs: jittered(waitMs, random),
    absentReads: row.absentReads,
    detail,
  };
}

const conflict = (count: number): Transition => ({
  to: 'parked',
  reason: 'conflict',
  detail:
    count >= 2
      ? 'WeChat holds other content and the re-ship chance is spent: only the console shows what the buyer sees'
      : 'WeChat holds other content for this finished payment: send a correction event, or resolve it by hand',
  retryAfterMs: null,
});

const notShippableNow = (orderState: number): Transition => ({
  to: 'parked',
  reason: 'not_shippable',
  detail: `WeChat takes no shipping for this payment (order_state ${orderState})`,
  retryAfterMs: null,
});

/** What is known of the payment's other events before a row with history is sent. */
export type Siblings = {
  /** An acknowledged event of ours finished the payment, however far a read lags behind. */
  finished: boolean;
  /** A correction that was forgotten used up the re-ship chance. */
  chanceSpent?: boolean;
  /** Hashes of acknowledged bodies. */
  acknowledgedHashes: readonly string[];
};

export type BeforeSend = { to: 'send' } | Transition;

/** A row whose payment was written to before: whether this body may be sent now. Pure; upholds P5. */
export function decideBeforeSend(
  row: Held,
  known: { reading: Reading; siblings: Siblings },
  context: Context,
): BeforeSend {
  const { reading, siblings } = known;
  if (reading.kind === 'failed')
    return {
      to: 'pending',
      afterMs: jittered(context.timing.readGapMs, context.random),
      spent: false,
      detail: `the read before the write failed: ${reading.reason}`,
    };
  if (reading.kind === 'absent') return waitForPayment(row, context);
  const { verdict } = reading;
  if (restatesBlindly(row, reading)) return olderEvent;
  switch (verdict.kind) {
    case 'same':
      return { to: 'acknowledged', detail: 'WeChat held this content already' };
    case 'refunded':
      return { to: 'rejected', detail: 'the payment was refunded: nothing is to be shipped' };
    case 'closed':
      return notShippableNow(verdict.orderState);
    case 'open':
      return beforeOpen(row, siblings, context);
    case 'finished':
      return beforeFinished(row, verdict.count, siblings);
  }
}

function beforeFinished(row: Held, readCount: number, { chanceSpent = false }: Siblings): BeforeSend {
  const count = chanceSpent ? 2 : readCount;
  return row.kind === 'corrected' && count === 1 ? { to: 'send' } : conflict(count);
}

const restatesBlindly = (row: Held, reading: Extract<Reading, { kind: 'verdict' }>): boolean =>
  row.caution === 'older' && reading.shipped === true && reading.verdict.kind !== 'same';

/** This database does not know what was sent before it; what WeChat shows may be newer than this event. */
const olderEvent: Transition = {
  to: 'parked',
  reason: 'older_event',
  detail: 'the event is older than this database, and WeChat holds other content: nothing was sent',
  retryAfterMs: null,
};

function beforeOpen(row: Held, siblings: Siblings, context: Context): BeforeSend {
  if (!siblings.finished) {
    return row.kind === 'shipped'
      ? { to: 'send' }
      : { to: 'rejected', detail: 'the payment is not finished: send a shipped event, not a correction' };
  }
  if (siblings.acknowledgedHashes.includes(row.bodyHash))
    return { to: 'acknowledged', detail: 'an earlier event carried this very content' };
  if (siblings.chanceSpent === true) return conflict(2);
  if (row.kind === 'shipped') return conflict(1);
  return {
    to: 'pending',
    afterMs: jittered(context.timing.readGapMs, context.random),
    spent: false,
    detail: 'the read lags behind our own record: the correction waits',
  };
}
