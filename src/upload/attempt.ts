import { monotonicMs } from '../clock.ts';
import { messageOf } from '../errors.ts';
import { readSiblingRows } from './alias-store.ts';
import { countAttempt, recordsOf, wasSent } from './attempt-records.ts';
import { decideBeforeSend, waitForPausedReads, type BeforeSend } from './decide-before-send.ts';
import { decideAfterSend, decideNotSent } from './decide-send.ts';
import { deltaOf } from './delta.ts';
import { contextOf, type AttemptDeps, type UploaderOptions } from './deps.ts';
import { freezeDelta } from './lease-store.ts';
import { idsOf, released } from './record-attempt.ts';
import { applyToApp, readOrder, takeRead } from './read-order.ts';
import type { AttemptRecord, Decided, LeasedRow, Transition } from './row.ts';

/** A row on its way, and the requests that were made for it. */
type InFlight = { row: LeasedRow; attempts: AttemptRecord[] };

/**
 * One claimed row: read first where its payment has a history, send, decide. Never rejects; null when nothing was
 * decided, and then the lease runs out and reads find out what became of it. `recordAttempt` puts the decision on record.
 */
export async function attempt(
  deps: AttemptDeps,
  options: UploaderOptions,
  row: LeasedRow,
  signal: AbortSignal,
): Promise<Decided | null> {
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

async function decide(
  deps: AttemptDeps,
  options: UploaderOptions,
  inFlight: InFlight,
  signal: AbortSignal,
): Promise<Transition> {
  const { row } = inFlight;
  if (row.history || options.readBeforeFirstSend) {
    const before = await readBefore(deps, options, inFlight, signal);
    if (before.to !== 'send') return before;
  }
  const body = await bodyOf(deps, options, row);
  return body === null ? released : send(deps, options, { ...inFlight, body }, signal);
}

async function send(
  deps: AttemptDeps,
  options: UploaderOptions,
  { row, attempts, body }: InFlight & { body: string },
  signal: AbortSignal,
): Promise<Transition> {
  // A call that could outlive the lease is not begun, be it the second one with a new token: another instance may own
  // the row by its end.
  const mayCall = (): boolean => deps.leases.covers(row, monotonicMs(), options.callTimeoutMs);
  if (!mayCall()) return released;
  const startedAtMs = monotonicMs();
  const { appid, uploadTimeMs } = row;
  const request = { appid, body, uploadTime: new Date(uploadTimeMs), mayCall };
  const sent = await deps.wechat.upload(request, signal);
  const { outcome, answer } = sent;
  deps.reach.noteCall(appid, { answer, outcome, startedAtMs });
  const records = recordsOf({ kind: 'send', outcome: outcome.kind, uploadTimeMs }, sent);
  attempts.push(...records);
  for (const record of records) countAttempt(deps.metrics, record);
  if (answer.notSent !== true) deps.metrics.uploadSeconds.observe(answer.durationMs / 1000);
  await applyToApp(deps, appid, outcome, { endpoint: 'upload' });
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
  { row, attempts }: InFlight,
  signal: AbortSignal,
): Promise<BeforeSend> {
  if (deps.pauses.isPaused(row.appid, 'read')) return waitForPausedReads(contextOf(deps, options));
  if (!(await takeRead(deps, row.appid, signal))) return released;
  const asked = await readOrder(deps, row, signal);
  attempts.push(...asked.attempts);
  return decideBeforeSend(row, asked, contextOf(deps, options));
}
