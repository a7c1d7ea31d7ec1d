import type { Pool } from '../../db/client.ts';
import { readAdoptHealth, type AdoptHealth } from '../adopt/status-store.ts';
import { readCarrierState } from '../carriers/store.ts';
import type { Log } from '../log.ts';
import { runLoop } from '../loop.ts';
import type { Metrics } from '../metrics.ts';
import { readPushHealth, type PushHealth } from '../push/status-store.ts';
import { readOldestRows } from './age-store.ts';
import { readUnfinished } from './status-store.ts';

const everyMs = 5_000;

/** Keeps the gauges that are read from tables fresh. */
export async function keepGauges(
  { pool, metrics, log }: { pool: Pool; metrics: Metrics; log: Log },
  signal: AbortSignal,
): Promise<void> {
  const step = async (): Promise<'idle'> => {
    const unfinished = await readUnfinished(pool);
    for (const { state, rows } of unfinished) metrics.uploadRows.set({ state }, rows);
    metrics.uploadOldestSeconds.set(Math.max(0, ...unfinished.map(({ ageSeconds }) => ageSeconds ?? 0)));
    for (const { table, ageSeconds } of await readOldestRows(pool))
      metrics.oldestRowSeconds.set({ table }, ageSeconds);
    for (const shop of await readAdoptHealth(pool)) setAdopted(metrics, shop);
    setPushed(metrics, await readPushHealth(pool));
    const { carriers, ageSeconds } = await readCarrierState(pool);
    metrics.carriers.set(carriers);
    metrics.carriersAgeSeconds.set(ageSeconds);
    return 'idle';
  };
  const waits = { idleMinMs: everyMs, idleMaxMs: everyMs, errorMinMs: everyMs, errorMaxMs: everyMs };
  await runLoop(step, { name: 'gauges', ...waits, log, heartbeats: metrics.heartbeats }, signal);
}

function setAdopted(
  metrics: Metrics,
  { name: shop, waiting, waitingSeconds, held, proposed }: AdoptHealth,
): void {
  metrics.adoptWaitingRows.set({ shop }, waiting);
  metrics.adoptWaitingSeconds.set({ shop }, waitingSeconds);
  metrics.adoptPayments.set({ shop, state: 'held' }, held);
  metrics.adoptPayments.set({ shop, state: 'proposed' }, proposed);
}

/** An app that is warned of no more has no gauge. */
function setPushed(metrics: Metrics, { waiting, waitingSeconds, warnings }: PushHealth): void {
  metrics.pushWaiting.set(waiting);
  metrics.pushWaitingSeconds.set(waitingSeconds);
  metrics.pushWarnings.reset();
  for (const { appid, event, count } of warnings) metrics.pushWarnings.set({ appid, event }, count);
}
