import { monotonicMs, sleep } from '../clock.ts';
import { createDoorbell, runLoop, type Doorbell } from '../loop.ts';
import { wakeParked } from './claim-store.ts';
import { expireLeases, renewLeases } from './lease-store.ts';
import type { AttemptDeps, UploaderDeps, UploaderOptions } from './deps.ts';
import { runAppUploads } from './app-uploads.ts';
import { createAppReach } from '../apps/app-reach.ts';
import { Leases } from './leases.ts';
import { createPauses } from '../apps/pauses.ts';
import { watchReach } from '../apps/watch-reach.ts';
import { runAppReads } from './app-reads.ts';
import { Recorder } from './recorder.ts';
import { keepServing } from '../apps/serving.ts';

/**
 * The uploader. Reads fahuo.upload, writes WeChat, fahuo.upload, fahuo.attempt and acknowledgements.
 *
 * I1 A row is `uploading`, with its upload_time, before a byte of it is sent (P1, P8).
 * I2 An outcome that may have had an effect is read, and only two reads apart lead back to a send (P4).
 * I3 A payment with a history, or with a key that only a read can tell, is read before it is written (P5).
 * I4 At most one row of a payment is in flight, under either of its keys, in version order (P3).
 * I5 An outcome is recorded under the epoch of its claim: a lease that was lost writes nothing but the attempt (P6).
 * I6 What was not sent is no attempt: the whole app waits, and one probe asks whether WeChat is back (P6).
 */
export async function runUploader(
  deps: UploaderDeps,
  options: UploaderOptions,
  signal: AbortSignal,
): Promise<void> {
  const { timing } = options;
  const hardStop = new AbortController();
  const allDone = new AbortController();
  const recorder = new Recorder(deps, {
    owner: options.instance,
    acknowledgements: options.acknowledgements,
    retryMs: Math.min(timing.retryMinMs, timing.leaseMs / 10),
  });
  const attemptDeps: AttemptDeps = {
    ...deps,
    recorder,
    pauses: createPauses(deps),
    leases: new Leases(timing.leaseMs),
    reach: createAppReach(deps.random),
  };
  await attemptDeps.pauses.refresh().catch(() => undefined); // the sweep tries again
  const doorbells = new Map<string, Doorbell>();
  /** One app, until it retires or all stop: what it has in flight ends first. Its pending rows stay as they are. */
  const serve = async ({ appid }: { appid: string }, stop: AbortSignal): Promise<void> => {
    const app = { ...options, appid, doorbell: createDoorbell() };
    doorbells.set(appid, app.doorbell);
    const signals = { signal: stop, hardStop: hardStop.signal };
    await Promise.all([
      runAppUploads(attemptDeps, app, signals),
      runAppReads(attemptDeps, app, signals),
      watchReach(attemptDeps, appid, stop),
    ]);
    doorbells.delete(appid);
  };
  const background = [
    ringApps(deps.doorbell, doorbells, signal),
    keepLeases(attemptDeps, options, allDone.signal),
    sweep(attemptDeps, options, signal),
    keepServing(attemptDeps, options, signal),
  ];
  signal.addEventListener('abort', () => void enforceDeadline(), { once: true });
  const enforceDeadline = async (): Promise<void> => {
    await sleep(timing.drainMs, allDone.signal);
    hardStop.abort();
    await sleep(timing.drainMs, allDone.signal);
    recorder.giveUp();
  };
  await options.apps.each(serve, signal);
  allDone.abort();
  await Promise.all(background);
}

/** One ring of the consumer's doorbell is one for every app. */
async function ringApps(
  doorbell: Doorbell,
  apps: ReadonlyMap<string, Doorbell>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await doorbell.waitFor(60_000, signal);
    for (const bell of apps.values()) bell.ring();
  }
}

/** Also while draining: what is in flight stays ours until it is on record. */
async function keepLeases(deps: AttemptDeps, options: UploaderOptions, signal: AbortSignal): Promise<void> {
  const { leaseMs } = options.timing;
  const step = async (): Promise<'idle'> => {
    const rows = deps.leases.rows();
    const askedAtMs = monotonicMs();
    if (rows.length === 0) return 'idle';
    const kept = await renewLeases(deps.pool, rows, { owner: options.instance, leaseMs });
    deps.leases.renewed(rows, kept, askedAtMs);
    return 'idle';
  };
  await runLoop(step, loopOptions('leases', leaseMs / 3, deps), signal);
}

async function sweep(deps: AttemptDeps, options: UploaderOptions, signal: AbortSignal): Promise<void> {
  const step = async (): Promise<'idle'> => {
    const expired = await expireLeases(deps.pool, options.timing.readAfterMs);
    if (expired > 0) deps.log.warn({ rows: expired }, 'leases.expired');
    await wakeParked(deps.pool);
    await deps.pauses.refresh();
    return 'idle';
  };
  await runLoop(step, loopOptions('sweep', Math.min(1_000, options.timing.leaseMs / 5), deps), signal);
}

const loopOptions = (name: string, everyMs: number, deps: UploaderDeps) => ({
  name: `upload.${name}`,
  idleMinMs: everyMs,
  idleMaxMs: everyMs,
  errorMinMs: Math.min(everyMs, 500),
  errorMaxMs: Math.min(everyMs * 4, 5_000),
  log: deps.log,
  heartbeats: deps.metrics.heartbeats,
});
