import type { Pool } from '../../db/client.ts';
import { readAdoptHealth, type AdoptHealth } from '../adopt/status-store.ts';
import { readCarrierState } from '../carriers/store.ts';
import { systemClock } from '../clock.ts';
import type { Log } from '../log.ts';
import { runLoop } from '../loop.ts';
import type { Money } from '../payments/money.ts';
import { readMoney } from '../payments/read-money.ts';
import { readOpenFindings, readPassAges } from '../reconcile/status-store.ts';
import type { Metrics } from '../metrics.ts';
import { readPushHealth, type PushHealth } from '../push/status-store.ts';
import { readWebhookHealth, type WebhookHealth } from '../webhook/status-store.ts';
import { readOldestRows } from './age-store.ts';
import { readUnfinished } from './status-store.ts';

const everyMs = 5_000;
/** A sum over every payment takes most of a second where there are a million. */
const moneyEveryMs = 60_000;

/** Keeps the gauges that are read from tables fresh. */
export async function keepGauges(
  { pool, metrics, log, topic }: { pool: Pool; metrics: Metrics; log: Log; topic: string },
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
    setWebhook(metrics, await readWebhookHealth(pool));
    const { carriers, ageSeconds } = await readCarrierState(pool);
    metrics.carriers.set(carriers);
    metrics.carriersAgeSeconds.set(ageSeconds);
    const ages = await readPassAges(pool);
    metrics.reconcilePassSeconds.reset(); // an app that was retired has none
    for (const { appid, sweep, ageSeconds: age } of ages)
      metrics.reconcilePassSeconds.set({ appid, sweep }, age);
    for (const { kind, payments } of await readOpenFindings(pool))
      metrics.reconcileOpen.set({ kind }, payments);
    return 'idle';
  };
  const money = async (): Promise<'idle'> => {
    setMoney(metrics, await readMoney(pool, { appid: null, now: systemClock(), limit: 0, topic }));
    return 'idle';
  };
  const loop = (name: string, ms: number, work: () => Promise<'idle'>): Promise<void> => {
    const waits = { idleMinMs: ms, idleMaxMs: ms, errorMinMs: ms, errorMaxMs: ms };
    return runLoop(work, { name, ...waits, log, heartbeats: metrics.heartbeats }, signal);
  };
  await Promise.all([loop('gauges', everyMs, step), loop('gauges.money', moneyEveryMs, money)]);
}

function setMoney(metrics: Metrics, { places, deadlines }: Money): void {
  for (const [place, { payments, unknown, fen }] of Object.entries(places)) {
    metrics.moneyPayments.set({ place }, payments);
    metrics.moneyUnknown.set({ place }, unknown);
    metrics.moneyFen.set({ place }, fen);
  }
  for (const [within, { payments, fen }] of Object.entries(deadlines)) {
    metrics.moneyDuePayments.set({ within }, payments);
    metrics.moneyDueFen.set({ within }, fen);
  }
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

function setWebhook(metrics: Metrics, health: WebhookHealth | null): void {
  metrics.webhookWaiting.set(health?.waiting ?? 0);
  metrics.webhookWaitingSeconds.set(health?.waitingSeconds ?? 0);
  metrics.webhookPaused.set(health?.pausedAt == null ? 0 : 1);
  metrics.webhookForgotten.set(health?.forgotten ?? 0);
}
