import { monotonicMs } from '../clock.ts';
import type { StepResult } from '../loop.ts';
import type { Failed } from '../wechat/client.ts';
import type { Order } from '../wechat/order.ts';
import { applyCompared } from './apply.ts';
import { describeAnswer, failSweep, isOfPayment, mayRead } from './call.ts';
import { compareOrders } from './compare.ts';
import type { ReconcileDeps, ReconcileOptions } from './deps.ts';
import {
  deleteWishes,
  endFindings,
  endPass,
  postponeAsked,
  readAsked,
  readNow,
  saveProgress,
  takeSweep,
} from './store.ts';

const atOnce = 20;
/** Until a payment is read again whose answer says nothing of it. */
const postponedMs = 900_000;
/** How soon a wish is heard. */
const lookEveryMs = 1_000;

/**
 * Payments that somebody wished compared, and suspicions whose second read is due: each by a read of its own. A wish goes
 * with the transaction that holds what its read said.
 */
export async function stepAsked(
  deps: ReconcileDeps,
  options: ReconcileOptions,
  appid: string,
  signal: AbortSignal,
): Promise<StepResult> {
  if (deps.pauses.isPaused(appid, 'read')) return 'idle';
  const saved = { appid, sweep: 'asked' as const, owner: options.owner };
  const row = await takeSweep(deps.pool, { ...saved, leaseMs: options.leaseMs });
  if (row === null) return 'idle';
  const askedBefore = await readNow(deps.pool);
  const readAt = deps.clock();
  const ids = await readAsked(deps.pool, { appid, limit: atOnce, now: readAt, apartMs: options.apartMs });
  if (ids.length > 0) {
    const untilMs = monotonicMs() + options.leaseMs / 2;
    const { orders, done, odd, failed } = await readOrders(deps, { appid, ids, untilMs }, signal);
    const compared = await compareOrders(deps.pool, options, { appid, orders, readAt });
    await applyCompared(deps, options, { appid, readAt, compared }, async (tx, { offered }) => {
      await deleteWishes(tx, { appid, transactionIds: done, askedBefore });
      await endFindings(tx, { appid, readAt, shown: shownOf(compared) }, done);
      await postponeAsked(tx, { appid, transactionIds: odd, readAt, byMs: postponedMs });
      const { failures: _failures, ...progress } = row;
      await saveProgress(tx, saved, { progress, begins: true, listed: orders.length, offered });
    });
    deps.metrics.reconcileListed.inc({ sweep: 'asked' }, orders.length);
    if (failed !== null) {
      if (!signal.aborted) await failSweep(deps, { ...saved, failures: row.failures }, failed);
      return 'idle';
    }
    if (ids.length === atOnce) return 'busy';
  }
  await endPass(deps.pool, saved, lookEveryMs);
  return 'idle';
}

const shownOf = (compared: Awaited<ReturnType<typeof compareOrders>>) =>
  compared.flatMap(({ transactionId, contradiction }) =>
    contradiction === null ? [] : [{ transactionId, kind: contradiction.kind }],
  );

type Reads = { orders: Order[]; done: string[]; odd: string[]; failed: Failed | null };

/**
 * One after the other, until a call fails that any other would, too, or half of the lease is over: slow reads are no other
 * instance's as well. `done` are those that WeChat answered about, also that
 * it knows none, or none of such a name; `odd` those of which its answer says nothing. Neither holds up another (P7).
 */
async function readOrders(
  deps: ReconcileDeps,
  { appid, ids, untilMs }: { appid: string; ids: readonly string[]; untilMs: number },
  signal: AbortSignal,
): Promise<Reads> {
  const reads: Reads = { orders: [], done: [], odd: [], failed: null };
  for (const id of ids) {
    if (monotonicMs() > untilMs || !(await mayRead(deps, appid, signal))) break;
    const key = { order_number_type: 2 as const, transaction_id: id };
    const read = await deps.wechat.getOrder({ appid, key }, signal);
    if (read.kind === 'failed' && !isOfPayment(read)) return { ...reads, failed: read };
    if (read.kind === 'failed') {
      deps.log.warn({ appid, payment: id, err: describeAnswer(read.answer) }, 'reconcile.odd_payment');
      reads[read.outcome.kind === 'invalid' ? 'done' : 'odd'].push(id);
      continue;
    }
    reads.done.push(id);
    if (read.kind === 'order')
      reads.orders.push({ ...read.order, transactionId: read.order.transactionId ?? id });
  }
  return reads;
}
