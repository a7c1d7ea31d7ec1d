import { createPauses } from '../apps/pauses.ts';
import { keepRates } from '../apps/rates.ts';
import { openCarrierList } from '../carriers/list.ts';
import { systemClock, systemRandom } from '../clock.ts';
import { acceptMessages } from '../consumer/handle.ts';
import { openAll } from '../opened.ts';
import type { ReconcileDeps, ReconcileOptions } from '../reconcile/deps.ts';
import { runReconcile } from '../reconcile/run.ts';
import type { CarrierIds } from '../shipment/combinations.ts';
import type { Config } from './config.ts';
import { opensNothing, runTogether, type OpenRole } from './role.ts';
import { topicsOf } from './services.ts';
import { openCalls } from './shared-state.ts';

/** WeChat's list of payments ↔ what we hold of them, by itself; does nothing where FAHUO_RECONCILE is false. */
export const openReconcile: OpenRole = (context) => {
  const { config, pool, log, metrics, instance, apps } = context;
  if (!config.reconcile.enabled) return opensNothing(() => Promise.resolve());
  return openAll(log, async (opened) => {
    const { budget, wechat } = await openCalls({ config, pool, log, apps, opened });
    const pauses = createPauses({ pool, log, metrics });
    const shared = { pool, log, metrics, budget, wechat, pauses, clock: systemClock, random: systemRandom };
    const deps: ReconcileDeps = { ...shared, acceptMessages };
    const options = reconcileOptionsOf(config, instance, await openCarrierList(pool));
    const run = (signal: AbortSignal): Promise<void> =>
      runTogether(
        [(stop) => keepRates(deps, apps, stop), (stop) => runReconcile(deps, { ...options, apps }, stop)],
        signal,
      );
    return { run };
  });
};

/** What a page takes besides its call, at most, or nearly. */
const pageMs = 5_000;

export function reconcileOptionsOf(config: Config, owner: string, carriers: CarrierIds): ReconcileOptions {
  const { events, acks } = topicsOf(config);
  const { maskContacts, carrierAliases, group } = config.consumer;
  const { acknowledgements } = config.upload;
  return {
    ...config.reconcile,
    owner,
    leaseMs: 2 * config.wechat.callTimeoutMs + pageMs,
    topics: { events, acks },
    group,
    accept: { carriers, maskContacts, carrierAliases, acknowledgements, clock: systemClock },
  };
}
