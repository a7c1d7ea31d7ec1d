import { monotonicMs, sleep } from '../clock.ts';
import { messageOf } from '../errors.ts';
import { readSiblingRows } from './alias-store.ts';
import { applyToApp, readOrder, countAttempt } from './read-order.ts';
import { freezeDelta } from './claim-store.ts';
import { decideBeforeSend, waitForPausedReads, type BeforeSend } from './decide-read.ts';
import { decideAfterSend, decideNotSent } from './decide-send.ts';
import { deltaOf } from './delta.ts';
import type { UploaderDeps, UploaderOptions } from './deps.ts';
import type { Holds } from '../apps/holds.ts';
import type { Leases } from './leases.ts';
import type { Pauses } from '../apps/pauses.ts';
import type { Recorder } from './recorder.ts';
import type { AttemptRecord, LeasedRow, Transition } from './row.ts';

export type AttemptDeps = UploaderDeps & { pauses: Pauses; recorder: Recorder; leases: Leases; holds: Holds };

const released: Transition = {
  to: 'pending',
  afterMs: 0,
  spent: false,
  detail: 'given back before it was sent',
};

/**
 * One claimed row: read first where its payment has a history, send, decide. Never rejects; null when nothing was
 * decided, and then the lease runs out and reads settle it. Putting it on record is {@link recordAttempt}, outside the slot
 * of the call: a window of calls must not wait for the database.
 */
export async function attempt(
  deps: AttemptDeps,
  options: UploaderOptions,
  row: LeasedRow,
  signal: AbortSignal,
): Promise<DecidedAttempt | null> {
  const attempts: AttemptRecord[] = [];
  try {
    const decided = await decide(deps, options, { row, attempts }, signal);
    const last = attempts.at(-1)?.answer;
    const transition = last?.notSent === true ? decideNotSent(last, contextOf(deps, options)) : decided;
    return { row, from: 'uploading', transition, attempts: attempts.filter(wasSent) };
  } catch (error) {
    deps.log.error({ ...idsOf(row), err: messageOf(error) }, 'upload.failed');
    deps.leases.drop(row);
    return null;
  }
}

/** What was not sent is no attempt (P6). */
const wasSent = ({ answer }: AttemptRecord): boolean => answer.notSent !== true;

async function decide(
  deps: AttemptDeps,
  options: UploaderOptions,
  flight: { row: LeasedRow; attempts: AttemptRecord[] },
  signal: AbortSignal,
): Promise<Transition> {
  const { row, attempts } = flight;
  if (row.history || options.readBeforeFirstSend) {
    const before = await readBefore(deps, options, flight, signal);
    if (before.to !== 'send') return before;
  }
  const body = await bodyOf(deps, options, row);
  if (body === null) return released;
  // A call that could outlive the lease is not begun, be it the second one with a new token: another instance may own
  // the row by its end.
  const mayCall = (): boolean => deps.leases.covers(row, monotonicMs(), options.callTimeoutMs);
  if (!mayCall()) return released;
  const startedAtMs = monotonicMs();
  const { outcome, answer } = await deps.wechat.upload(
    { appid: row.appid, body, uploadTime: new Date(row.uploadTimeMs), mayCall },
    signal,
  );
  deps.holds.heard(row.appid, { answer, outcome, startedAtMs });
  attempts.push({ kind: 'send', outcome: outcome.kind, answer, uploadTimeMs: row.uploadTimeMs });
  countAttempt(deps.metrics, { kind: 'send', outcome: outcome.kind, answer });
  if (answer.notSent !== true) deps.metrics.uploadSeconds.observe(answer.durationMs / 1000);
  await applyToApp(deps, row.appid, outcome, { endpoint: 'upload' });
  return decideAfterSend(row, outcome, contextOf(deps, options));
}

/** What goes on the wire: frozen before the first send, never rendered again. Null when the lease was lost. */
async function bodyOf(deps: AttemptDeps, options: UploaderOptions, row: LeasedRow): Promise<string | null> {
  if (row.deltaBody !== null) return row.deltaBody;
  if (!options.deltaApps.has(row.appid) || !row.history || row.kind !== 'shipped') return row.body;
  const rows = await readSiblingRows(deps.pool, row, false);
  const delta = deltaOf(
    row.body,
    rows.flatMap(({ body }) => (body === null ? [] : [body])),
  );
  return delta === row.body ? row.body : freezeDelta(deps.pool, row, delta);
}

async function readBefore(
  deps: AttemptDeps,
  options: UploaderOptions,
  { row, attempts }: { row: LeasedRow; attempts: AttemptRecord[] },
  signal: AbortSignal,
): Promise<BeforeSend> {
  if (deps.pauses.isPaused(row.appid, 'read')) return waitForPausedReads(contextOf(deps, options));
  if (!(await takeRead(deps, row.appid, signal))) return released;
  const asked = await readOrder(deps, row, signal);
  attempts.push(...asked.attempts);
  return decideBeforeSend(row, asked, contextOf(deps, options));
}

/** Waits for the share of reads; false when stopped meanwhile. */
export async function takeRead(
  { budget }: Pick<UploaderDeps, 'budget'>,
  appid: string,
  signal: AbortSignal,
): Promise<boolean> {
  while (!signal.aborted) {
    const { granted, retryAfterMs } = await budget.take({ appid, lane: 'read', wanted: 1 });
    if (granted === 1) return true;
    await sleep(retryAfterMs, signal);
  }
  return false;
}

export const contextOf = (deps: UploaderDeps, options: UploaderOptions) => ({
  nowMs: deps.clock().getTime(),
  random: deps.random,
  timing: options.timing,
});

export type DecidedAttempt = {
  row: LeasedRow;
  from: 'uploading' | 'unknown';
  transition: Transition;
  attempts: readonly AttemptRecord[];
};

/** Puts a decision on record, tells about it, and lets go of the row. */
export async function recordAttempt(deps: AttemptDeps, settled: DecidedAttempt): Promise<void> {
  const recorded = await deps.recorder.record(settled);
  deps.leases.drop(settled.row);
  logOutcome(deps, settled, recorded);
  if (settled.transition.to !== 'unknown') deps.doorbell.ring(); // it, or the payment's next, may be due
}

function logOutcome(
  deps: AttemptDeps,
  { row, transition, attempts }: DecidedAttempt,
  recorded: string,
): void {
  const answer = attempts.at(-1)?.answer;
  const line = {
    ...idsOf(row),
    state: transition.to,
    recorded,
    attempts: row.attempts,
    errcode: answer?.errcode,
    rid: answer?.rid,
    duration_ms: answer?.durationMs,
    detail: transition.detail,
  };
  deps.metrics.uploadTransitions.inc({ state: transition.to });
  switch (transition.to) {
    case 'acknowledged':
      deps.metrics.commitToAcknowledgedSeconds.observe(
        Math.max(0, deps.clock().getTime() - row.receivedAtMs) / 1000,
      );
      return deps.log.info(line, 'upload.acknowledged');
    case 'rejected':
    case 'parked':
      return deps.log.warn(line, `upload.${transition.to}`);
    case 'pending':
    case 'unknown':
      return deps.log.debug(line, 'upload.postponed');
  }
}

export const idsOf = (row: LeasedRow): object => ({
  event_id: row.eventId,
  appid: row.appid,
  payment: row.payment,
  version: row.version,
  upload_id: row.id,
  traceparent: row.traceparent ?? undefined,
});

/** Rows that were claimed and not sent go back as they were. */
export const release = (deps: AttemptDeps, row: LeasedRow): Promise<void> =>
  recordAttempt(deps, { row, from: 'uploading', transition: released, attempts: [] });
