import { sweeps } from '../../db/states.ts';
import { runLoop, type StepResult } from '../loop.ts';
import { stepAsked } from './asked.ts';
import type { ReconcileDeps, ReconcileOptions } from './deps.ts';
import { insertSweeps, noticeUploads } from './store.ts';
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
  options: ReconcileOptions & { apps: readonly string[] },
  signal: AbortSignal,
): Promise<void> {
  const loop = (name: string, everyMs: number, step: () => Promise<StepResult>): Promise<void> => {
    const waits = { idleMinMs: everyMs, idleMaxMs: everyMs, errorMinMs: everyMs, errorMaxMs: 30 * everyMs };
    const { log, metrics } = deps;
    return runLoop(
      step,
      { ...waits, name: `reconcile.${name}`, log, heartbeats: metrics.heartbeats },
      signal,
    );
  };
  await deps.pauses.refresh();
  for (const appid of options.apps) await insertSweeps(deps.pool, appid, sweeps);
  const ofApp = (appid: string): Promise<void>[] => [
    loop(`recent ${appid}`, lookEveryMs, () => stepSweep(deps, options, { appid, sweep: 'recent' }, signal)),
    loop(`whole ${appid}`, lookEveryMs, () => stepSweep(deps, options, { appid, sweep: 'whole' }, signal)),
    loop(`asked ${appid}`, lookEveryMs, () => stepAsked(deps, options, appid, signal)),
  ];
  await Promise.all([
    ...options.apps.flatMap(ofApp),
    loop('pauses', lookEveryMs, () => deps.pauses.refresh().then(() => 'idle')),
    loop('noticed', noticeEveryMs, () => notice(deps)),
  ]);
}

const lookEveryMs = 1_000;
const noticeEveryMs = 5_000;
const noticedAtOnce = 2_000;

const notice = async ({ pool }: ReconcileDeps): Promise<StepResult> =>
  (await noticeUploads(pool, noticedAtOnce)) === noticedAtOnce ? 'busy' : 'idle';
