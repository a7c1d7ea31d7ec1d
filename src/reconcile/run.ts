import { sweeps } from '../../db/states.ts';
import type { AppSet } from '../apps/app-set.ts';
import { runLoop, type StepResult } from '../loop.ts';
import { stepAsked } from './asked.ts';
import type { ReconcileDeps, ReconcileOptions } from './deps.ts';
import { firstLoose, forgetLoose, insertSweeps, noticeUploads } from './store.ts';
import { stepSweep } from './sweep.ts';

/**
 * Reconcile. Reads WeChat's list of payments, single payments, fahuo.upload and the outbox; writes fahuo.payment, the
 * findings and how far it came, and offers again by the consumer's door and the verbs of upload alone.
 *
 * R1 Nothing is sent from here: what is offered again is read by the uploader before it is written (P4, P5).
 * R2 One read is believed in nothing: what follows from a contradiction, follows from a second read, apart.
 * R3 How far a sweep has come is committed with what its page said: a kill lists a page twice, and passes none over.
 * R4 One instance at a time lists an app; a lease that ran out goes to another one.
 * R5 Calls come out of the app's budget for reads; a pause of the app, or of its reads, stops them.
 */
export async function runReconcile(
  deps: ReconcileDeps,
  options: ReconcileOptions & { apps: Pick<AppSet, 'each'> },
  signal: AbortSignal,
): Promise<void> {
  const loop = (
    name: string,
    { everyMs, step, stop }: { everyMs: number; step: () => Promise<StepResult>; stop: AbortSignal },
  ): Promise<void> => {
    const waits = { idleMinMs: everyMs, idleMaxMs: everyMs, errorMinMs: everyMs, errorMaxMs: 30 * everyMs };
    const { log, metrics } = deps;
    return runLoop(step, { ...waits, name: `reconcile.${name}`, log, heartbeats: metrics.heartbeats }, stop);
  };
  const ofApp = async ({ appid }: { appid: string }, stop: AbortSignal): Promise<void> => {
    let isReady = false;
    // Within the steps: a database that is away at the start, or when an app is added, is waited for as at any other time.
    const once = async (): Promise<void> => {
      if (isReady) return;
      await deps.pauses.refresh();
      await insertSweeps(deps.pool, appid, sweeps);
      isReady = true;
    };
    const every = (name: string, step: () => Promise<StepResult>): Promise<void> =>
      loop(`${name} ${appid}`, { everyMs: lookEveryMs, stop, step: () => once().then(step) });
    const sweep = (kind: 'recent' | 'whole'): Promise<void> => {
      const of = { appid, sweep: kind, walked: new Set<string>() };
      return every(kind, () => stepSweep(deps, options, of, stop));
    };
    await Promise.all([
      sweep('recent'),
      sweep('whole'),
      every('asked', () => stepAsked(deps, options, appid, stop)),
    ]);
  };
  await Promise.all([
    options.apps.each(ofApp, signal),
    loop('pauses', {
      everyMs: lookEveryMs,
      step: () => deps.pauses.refresh().then(() => 'idle'),
      stop: signal,
    }),
    loop('noticed', { everyMs: noticeEveryMs, step: createNotice(deps), stop: signal }),
  ]);
}

const lookEveryMs = 1_000;
const noticeEveryMs = 5_000;
const noticedAtOnce = 2_000;

const looseAtOnce = 1_000;

function createNotice({ pool }: ReconcileDeps): () => Promise<StepResult> {
  let last = firstLoose;
  return async () => {
    if ((await noticeUploads(pool, noticedAtOnce)) === noticedAtOnce) return 'busy';
    last = await forgetLoose(pool, last, looseAtOnce);
    return 'idle';
  };
}
