import type { Sweep } from '../../db/states.ts';
import type { StepResult } from '../loop.ts';
import type { ListRequest, ListResult } from '../wechat/client.ts';
import { applyCompared } from './apply.ts';
import { failSweep, mayRead } from './call.ts';
import { compareOrders } from './compare.ts';
import type { ReconcileDeps, ReconcileOptions } from './deps.ts';
import { endPass, saveProgress, takeSweep, type Saved } from './store.ts';
import { afterPage, isCutShort, nextPage, payTimeOf, type Next } from './windows.ts';

const toShip = 1;

type Of = {
  appid: string;
  sweep: Exclude<Sweep, 'asked'>;
  /** The cursors of the window under way, as this process has come by them. */
  walked: Set<string>;
};
type Page = Extract<Next, { kind: 'page' }>;

/** One page of one sweep, where it is due and nobody else's; `busy` while its pass goes on. */
export async function stepSweep(
  deps: ReconcileDeps,
  options: ReconcileOptions,
  of: Of,
  signal: AbortSignal,
): Promise<StepResult> {
  const { appid, sweep, walked } = of;
  if (deps.pauses.isPaused(appid, 'read')) return 'idle';
  const saved = { appid, sweep, owner: options.owner };
  const row = await takeSweep(deps.pool, { ...saved, leaseMs: options.leaseMs });
  if (row === null) return 'idle';
  const next = nextPage(row, deps.clock().getTime(), options);
  if (next.kind === 'done') {
    await endPass(deps.pool, saved, sweep === 'recent' ? options.everyMs : options.wholeEveryMs);
    return 'idle';
  }
  if (!(await mayRead(deps, appid, signal))) return 'idle';
  if (next.progress.cursor === null) walked.clear();
  else walked.add(next.progress.cursor);
  const readAt = deps.clock();
  const listed = await deps.wechat.listOrders(requestOf(of, next, options), signal);
  if (listed.kind === 'failed') {
    if (!signal.aborted) await failSweep(deps, { ...saved, failures: row.failures }, listed);
    return 'idle';
  }
  return (await takePage(deps, options, { saved, next, page: listed, walked, readAt })) ? 'busy' : 'idle';
}

const requestOf = (
  { appid, sweep }: Of,
  { progress }: Page,
  { pageSize }: ReconcileOptions,
): ListRequest => ({
  appid,
  payTime: payTimeOf(progress.window),
  pageSize,
  ...(sweep === 'recent' ? { orderState: toShip } : {}),
  ...(progress.cursor === null ? {} : { lastIndex: progress.cursor }),
});

/** False when another instance has the sweep by now. */
async function takePage(
  deps: ReconcileDeps,
  options: ReconcileOptions,
  {
    saved,
    next,
    page,
    walked,
    readAt,
  }: Pick<Of, 'walked'> & {
    saved: Saved;
    next: Page;
    page: Extract<ListResult, { kind: 'page' }>;
    readAt: Date;
  },
): Promise<boolean> {
  const { appid, sweep } = saved;
  const { progress, begins } = next;
  if (page.unreadable > 0 || isCutShort(progress, page, walked))
    deps.log.warn(
      { appid, sweep, unreadable: page.unreadable, last_index: page.lastIndex },
      'reconcile.odd_page',
    );
  const compared = await compareOrders(deps.pool, options, { appid, orders: page.orders, readAt });
  const kept: ('done' | 'stale')[] = [];
  await applyCompared(deps, options, { appid, readAt, compared }, async (tx, { offered }) => {
    const after = {
      progress: afterPage(progress, page, walked),
      begins,
      listed: page.orders.length,
      offered,
    };
    kept.push(await saveProgress(tx, saved, after));
  });
  deps.metrics.reconcileListed.inc({ sweep }, page.orders.length);
  return kept.includes('done');
}
