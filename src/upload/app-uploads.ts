import { monotonicMs, sleep, turn } from '../clock.ts';
import { messageOf } from '../errors.ts';
import { createDoorbell, type Doorbell } from '../loop.ts';
import { ClaimLowerBound } from './claim-lower-bound.ts';
import { claimPending } from './claim-store.ts';
import type { UploaderOptions } from './deps.ts';
import type { LeasedRow } from './row.ts';
import { attempt, release, recordAttempt, type AttemptDeps } from './attempt.ts';
import { createSlots } from './slots.ts';

/**
 * Rows are claimed one window ahead, so that a slot that frees finds its next row at hand; a claim is asked for when
 * there is room for this part of a window, since a small one costs almost as much as a large one.
 */
const claimPart = 4;
/** Answers that wait to be put on record, in windows: beyond that no call is started. */
const unrecordedWindows = 4;
const idleMinMs = 5;
const idleMaxMs = 100;
const pausedMs = 250;
/** A hold that lasts this long is no hiccup: the rows claimed ahead go back to the table. */
const holdKeepsMs = 1_000;

/**
 * One app's uploads: claims ahead of a window of calls, and starts a call when a slot and a permit are there. Its
 * window and backlog are its own, so that no app waits for another. Resolves when `signal` has aborted and nothing
 * is in flight; `hardStop` ends calls that are still under way.
 */
export async function runAppUploads(
  deps: AttemptDeps,
  options: UploaderOptions & { appid: string; doorbell: Doorbell },
  signals: { signal: AbortSignal; hardStop: AbortSignal },
): Promise<void> {
  const { appid, window, timing } = options;
  const { signal, hardStop } = signals;
  const { heartbeats } = deps.metrics;
  const ready: LeasedRow[] = [];
  const floor = new ClaimLowerBound();
  const claimBell = createDoorbell();
  const startBell = createDoorbell();
  const slots = createSlots(window, {
    onStart: () => deps.metrics.uploadInFlight.inc(),
    onEnd: () => {
      deps.metrics.uploadInFlight.dec();
      if (room() >= worthAClaim()) claimBell.ring();
      startBell.ring();
    },
  });
  const recording = createSlots(window * unrecordedWindows, { onEnd: () => startBell.ring() });
  const call = async (row: LeasedRow): Promise<void> => {
    const settled = await attempt(deps, options, row, hardStop);
    if (settled !== null) recording.start(() => recordAttempt(deps, settled));
  };
  /** Paused by WeChat or a person, or held because nothing can be sent. */
  const blocked = (): boolean => deps.pauses.isPaused(appid, 'upload') || deps.holds.isHeld(appid);
  let ahead = window;
  const room = (): number => window + ahead - slots.busy() - ready.length;
  const worthAClaim = (): number => Math.max(1, Math.min(ahead, window / claimPart));

  const claim = async (limit: number): Promise<number> => {
    const askedAtMs = monotonicMs();
    const rows = await claimPending(deps.pool, {
      dueSinceMs: floor.from(askedAtMs),
      appid,
      limit,
      owner: options.instance,
      leaseMs: timing.leaseMs,
      acknowledgements: options.acknowledgements,
    });
    for (const { dueAtMs } of rows.slice(-1)) floor.claimed(dueAtMs);
    deps.leases.add(rows, askedAtMs);
    ready.push(...rows);
    if (rows.length > 0) startBell.ring();
    return rows.length;
  };

  /** One claim after the other: what frees up while one is on its way to disk makes the next one larger. */
  const claimRows = async (): Promise<void> => {
    let idleMs = idleMinMs;
    while (!signal.aborted) {
      heartbeats.beat(`upload.claims ${appid}`);
      if (blocked()) {
        await sleep(pausedMs, signal);
      } else if (room() < worthAClaim()) {
        await claimBell.waitFor(idleMaxMs, signal);
      } else if ((await claim(room()).catch(onClaimError)) > 0) {
        idleMs = idleMinMs;
      } else {
        await options.doorbell.waitFor(idleMs, signal);
        idleMs = Math.min(idleMs * 2, idleMaxMs);
      }
    }
  };

  const onClaimError = async (error: unknown): Promise<number> => {
    if (isMeeting(error)) return 0;
    deps.log.warn({ appid, err: messageOf(error) }, 'claim.failed');
    await sleep(timing.retryMinMs, signal);
    return 0;
  };

  /** Starts what has a row, a slot and a permit; the permit is taken last, so that it is used at once. */
  const startCalls = async (): Promise<void> => {
    while (!signal.aborted) {
      heartbeats.beat(`upload.calls ${appid}`);
      const wanted = Math.min(ready.length, slots.free(), recording.free());
      if (wanted === 0 || blocked()) {
        await startBell.waitFor(idleMaxMs, signal);
        await turn(); // answers that arrived together free their slots together
        await giveBackStale();
        continue;
      }
      const { granted, retryAfterMs } = await deps.budget.take({ appid, lane: 'write', wanted });
      for (const row of ready.splice(0, granted)) slots.start(() => call(row));
      // Under a limit rows would wait with a lease: hold no more of them than the next grants can use.
      ahead = granted < wanted ? Math.max(1, granted) : Math.min(window, ahead * 2);
      if (granted >= wanted) continue;
      heartbeats.beat(`upload.calls ${appid}`, retryAfterMs);
      await sleep(retryAfterMs, signal);
    }
  };

  /** Rows that wait longer than half a lease (a pause, a slow limit) go back to the table. */
  let staleCheckedMs = monotonicMs();
  const giveBackStale = async (): Promise<void> => {
    if (ready.length === 0 || monotonicMs() - staleCheckedMs < idleMaxMs) return;
    staleCheckedMs = monotonicMs();
    const stale = (row: LeasedRow): boolean =>
      deps.pauses.isPaused(appid, 'upload') ||
      deps.holds.isHeld(appid, holdKeepsMs) ||
      !deps.leases.covers(row, monotonicMs(), timing.leaseMs / 2);
    const rows = ready.filter(stale);
    ready.splice(0, ready.length, ...ready.filter((row) => !rows.includes(row)));
    await Promise.all(rows.map((row) => release(deps, row)));
  };

  await Promise.all([claimRows(), startCalls()]);
  for (const loop of ['claims', 'calls']) heartbeats.end(`upload.${loop} ${appid}`);
  await Promise.all(ready.splice(0).map((row) => release(deps, row)));
  await slots.drained();
  await recording.drained();
}

/** Two claims met on one payment: the index let one through, and the next look sees it. */
const isMeeting = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === '23505';
