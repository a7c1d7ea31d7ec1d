import type { Pool } from '../../db/client.ts';
import { createPauses } from '../apps/pauses.ts';
import { monotonicMs } from '../clock.ts';
import { runLoop, type StepResult } from '../loop.ts';
import { leaseMs, type ReceiptDeps, type ReceiptOptions, type WorkDeps } from './deps.ts';
import { remind } from './remind.ts';
import { askOpen, claimReceipts, doubtLost } from './store.ts';
import { claimTraces } from './trace-store.ts';
import { trace } from './trace.ts';

/**
 * Receipts. Reads fahuo.receipt and WeChat, writes WeChat, fahuo.receipt, fahuo.trace and fahuo.receipt_call.
 *
 * I1 A row is `sending`, committed with its time, before a byte of its call is sent.
 * I2 What may have had its effect is `unknown`, and leads to no call: a read ends it, or a person asks for another.
 * I3 A call goes out right after a read that shows the payment as shipped by express, and not confirmed.
 * I4 A payment has one row under each of its names, and one call under both.
 * I5 A buyer's phone is sealed until it is used, stands in no log, and is forgotten when WeChat follows the parcels.
 */
export async function runReceipts(
  deps: ReceiptDeps,
  options: ReceiptOptions,
  signal: AbortSignal,
): Promise<void> {
  const work = { ...deps, pauses: createPauses(deps) };
  await options.apps.each(({ appid }, stop) => runApp(work, { ...options, appid }, stop), signal);
}

const rowsAtOnce = 16;

type AppOptions = ReceiptOptions & { appid: string };

function runApp(deps: WorkDeps, options: AppOptions, signal: AbortSignal): Promise<void> {
  const loop = {
    name: `receipt ${options.appid}`,
    idleMinMs: options.idleMinMs,
    idleMaxMs: options.idleMaxMs,
    errorMinMs: options.idleMinMs,
    errorMaxMs: 5_000,
    log: deps.log,
  };
  return runLoop(() => step(deps, options, signal), loop, signal);
}

/** Exported for its test: one look for due rows, and all that follows from it. */
export async function step(deps: WorkDeps, options: AppOptions, signal: AbortSignal): Promise<StepResult> {
  const { pool, log, metrics } = deps;
  const { appid, instance: owner } = options;
  const lost = await doubtLost(pool, appid);
  if (lost > 0) {
    log.warn({ appid, rows: lost }, 'receipt.calls_lost');
    metrics.receiptTransitions.inc({ state: 'unknown' }, lost);
  }
  const asked = await askAll(pool, appid);
  const claimedAtMs = monotonicMs();
  const rows = await claimReceipts(pool, { appid, owner, leaseMs: leaseMs(options), limit: rowsAtOnce });
  await Promise.all(rows.map((row) => remind(deps, options, { row, claimedAtMs }, signal)));
  const traced = options.trace.apps.has(appid) ? await traceDue(deps, options, signal) : 0;
  return asked + rows.length + traced > 0 ? 'busy' : 'idle';
}

/** Asks for reminders of events that stayed open. Returns how many are open no more. */
async function askAll(pool: Pool, appid: string): Promise<number> {
  let closed = 0;
  for (let asked = 0; asked < rowsAtOnce; asked++) {
    const outcome = await askOpen(pool, appid);
    if (outcome === null) break;
    if (outcome !== 'open') closed += 1;
  }
  return closed;
}

async function traceDue(deps: WorkDeps, options: AppOptions, signal: AbortSignal): Promise<number> {
  const { appid, instance: owner } = options;
  const claimedAtMs = monotonicMs();
  const rows = await claimTraces(deps.pool, { appid, owner, leaseMs: leaseMs(options), limit: rowsAtOnce });
  await Promise.all(rows.map((row) => trace(deps, options, { row, claimedAtMs }, signal)));
  return rows.length;
}
