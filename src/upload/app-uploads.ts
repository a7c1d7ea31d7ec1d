import { monotonicMs, sleep, turn } from '../clock.ts';
import { messageOf } from '../errors.ts';
import { createDoorbell, type Doorbell } from '../loop.ts';
import { attempt } from './attempt.ts';
import { ClaimLowerBound } from './claim-lower-bound.ts';
import { claimPending, findOvertaken } from './claim-store.ts';
import { afterGrant, openClaimWindow, rowsToClaim, type ClaimWindow } from './claim-window.ts';
import type { AttemptDeps, UploaderOptions } from './deps.ts';
import { ReadyRows } from './ready-rows.ts';
import { recordAttempt, release } from './record-attempt.ts';
import type { LeasedRow } from './row.ts';
import { createSlots, type Slots } from './slots.ts';

/** Answers that wait to be put on record, in windows: beyond that no call is started. */
const unrecordedWindows = 4;
const idleMinMs = 5;
const idleMaxMs = 100;
const pausedMs = 250;
/** WeChat unreachable for so long is no hiccup: the rows claimed ahead go back to the table. */
const unreachableKeepsMs = 1_000;

type AppOptions = UploaderOptions & { appid: string; doorbell: Doorbell };
type Signals = { signal: AbortSignal; hardStop: AbortSignal };

/** What the two loops of one app share. */
type AppUploads = {
  deps: AttemptDeps;
  options: AppOptions;
  ready: ReadyRows;
  calls: Slots;
  records: Slots;
  claimWindow: ClaimWindow;
  lowerBound: ClaimLowerBound;
  /** Rung when there is room for a claim. */
  claimBell: Doorbell;
  /** Rung when a row, a slot or a place to record may be there for a call. */
  callBell: Doorbell;
};

/**
 * One app's uploads: claims ahead of a window of calls, and starts a call when a slot and a permit are there. Its
 * window and backlog are its own, so that no app waits for another. Resolves when `signal` has aborted and nothing
 * is in flight; `hardStop` ends calls that are still under way.
 */
export async function runAppUploads(
  deps: AttemptDeps,
  options: AppOptions,
  { signal, hardStop }: Signals,
): Promise<void> {
  const app = openApp(deps, options);
  await Promise.all([claimRows(app, signal), startCalls(app, { signal, hardStop })]);
  for (const loop of ['claims', 'calls']) deps.metrics.heartbeats.end(`upload.${loop} ${options.appid}`);
  await giveBack(app, app.ready.take(app.ready.size));
  await app.calls.drained();
  await app.records.drained();
}

function openApp(deps: AttemptDeps, options: AppOptions): AppUploads {
  const { window } = options;
  const callBell = createDoorbell();
  const calls = createSlots(window, {
    onStart: () => deps.metrics.uploadInFlight.inc(),
    onEnd: () => {
      deps.metrics.uploadInFlight.dec();
      if (wantedRows(app) > 0) app.claimBell.ring();
      callBell.ring();
    },
  });
  const app: AppUploads = {
    deps,
    options,
    ready: new ReadyRows(monotonicMs()),
    calls,
    records: createSlots(window * unrecordedWindows, { onEnd: () => callBell.ring() }),
    claimWindow: openClaimWindow(window),
    lowerBound: new ClaimLowerBound(),
    claimBell: createDoorbell(),
    callBell,
  };
  return app;
}

const wantedRows = ({ claimWindow, calls, ready }: AppUploads): number =>
  rowsToClaim(claimWindow, { busy: calls.busy(), ready: ready.size });

/** Paused by WeChat or a person, or nothing can be sent. */
const isBlocked = ({ deps, options: { appid } }: AppUploads): boolean =>
  deps.pauses.isPaused(appid, 'upload') || deps.reach.isUnreachable(appid);

/** One claim after the other: what frees up while one is on its way to disk makes the next one larger. */
async function claimRows(app: AppUploads, signal: AbortSignal): Promise<void> {
  const { deps, options } = app;
  let idleMs = idleMinMs;
  while (!signal.aborted) {
    deps.metrics.heartbeats.beat(`upload.claims ${options.appid}`);
    const limit = wantedRows(app);
    if (isBlocked(app)) {
      await sleep(pausedMs, signal);
    } else if (limit === 0) {
      await app.claimBell.waitFor(idleMaxMs, signal);
    } else if ((await claim(app, { limit, signal })) > 0) {
      idleMs = idleMinMs;
    } else {
      await options.doorbell.waitFor(idleMs, signal);
      idleMs = Math.min(idleMs * 2, idleMaxMs);
    }
  }
}

/** How many rows were claimed. */
async function claim(
  app: AppUploads,
  { limit, signal }: { limit: number; signal: AbortSignal },
): Promise<number> {
  const { deps, options } = app;
  const askedAtMs = monotonicMs();
  try {
    const rows = await claimPending(deps.pool, {
      dueSinceMs: app.lowerBound.from(askedAtMs),
      appid: options.appid,
      limit,
      owner: options.instance,
      leaseMs: options.timing.leaseMs,
      acknowledgements: options.acknowledgements,
    });
    for (const { dueAtMs } of rows.slice(-1)) app.lowerBound.claimed(dueAtMs);
    deps.leases.add(rows, askedAtMs);
    const overtaken = await findOvertaken(deps.pool, options.appid, rows);
    app.ready.add(overtaken.size === 0 ? rows : rows.filter((row) => !overtaken.has(row.id)));
    if (rows.length > 0) app.callBell.ring();
    if (overtaken.size > 0)
      await giveBack(
        app,
        rows.filter((row) => overtaken.has(row.id)),
      );
    return rows.length;
  } catch (error) {
    deps.log.warn({ appid: options.appid, err: messageOf(error) }, 'claim.failed');
    await sleep(options.timing.retryMinMs, signal);
    return 0;
  }
}

/** Starts what has a row, a slot and a permit; the permit is taken last, so that it is used at once. */
async function startCalls(app: AppUploads, signals: Signals): Promise<void> {
  const { heartbeats } = app.deps.metrics;
  while (!signals.signal.aborted) {
    heartbeats.beat(`upload.calls ${app.options.appid}`);
    const wanted = Math.min(app.ready.size, app.calls.free(), app.records.free());
    if (wanted > 0 && !isBlocked(app)) await startGranted(app, wanted, signals);
    else await waitForWork(app, signals.signal);
  }
}

async function startGranted(app: AppUploads, wanted: number, { signal, hardStop }: Signals): Promise<void> {
  const { deps, options } = app;
  const { appid } = options;
  const { granted, retryAfterMs } = await deps.budget.take({ appid, kind: 'write', wanted });
  for (const row of app.ready.take(granted)) app.calls.start(() => call(app, row, hardStop));
  app.claimWindow = afterGrant(app.claimWindow, { wanted, granted });
  if (granted >= wanted) return;
  deps.metrics.heartbeats.beat(`upload.calls ${appid}`, retryAfterMs);
  await sleep(retryAfterMs, signal);
}

/** The record is made outside the call's slot: a window of calls must not wait for the database. */
async function call(
  { deps, options, records }: AppUploads,
  row: LeasedRow,
  signal: AbortSignal,
): Promise<void> {
  const decided = await attempt(deps, options, row, signal);
  if (decided !== null) records.start(() => recordAttempt(deps, decided));
}

async function waitForWork(app: AppUploads, signal: AbortSignal): Promise<void> {
  await app.callBell.waitFor(idleMaxMs, signal);
  await turn(); // answers that arrived together free their slots together
  await giveBack(
    app,
    app.ready.takeStale(monotonicMs(), (row) => isStale(app, row)),
  );
}

/** Rows that wait longer than half a lease (a pause, a slow limit) go back to the table. */
const isStale = ({ deps, options: { appid, timing } }: AppUploads, row: LeasedRow): boolean =>
  deps.pauses.isPaused(appid, 'upload') ||
  deps.reach.isUnreachable(appid, unreachableKeepsMs) ||
  !deps.leases.covers(row, monotonicMs(), timing.leaseMs / 2);

async function giveBack({ deps }: AppUploads, rows: readonly LeasedRow[]): Promise<void> {
  await Promise.all(rows.map((row) => release(deps, row)));
}
