import { messageOf } from '../errors.ts';
import { runLoop } from '../loop.ts';
import type { MaintenanceDeps, RelayDeps, RelayOptions } from './deps.ts';
import { dropBehind, type LastLogged } from './partitions/drop.ts';
import { makeAhead } from './partitions/make.ts';
import { readCursor, readPassedOver } from './partitions/store.ts';
import { repairRemedy } from './remedies.ts';
import { readStatus, type Blocker } from './status-store.ts';

const partitionsEveryMs = 30_000;
const metricsEveryMs = 5_000;
/** A writer that is open for this long is not about to commit. */
const blockerWarnMs = 10_000;

/** What the leader hears from here, and how long it leads. */
export type MaintenanceLinks = {
  /** Somebody released parked rows. */
  onReleased: () => void;
  onSequenceBehind: () => void;
  /** The sequence was behind the cursor before: rows may have been written there. */
  checkPassedOver: boolean;
  signal: AbortSignal;
};

/** The leader's housekeeping: partitions ahead of the writers and behind the retention, and who keeps it back. */
export async function maintain(
  deps: RelayDeps,
  options: RelayOptions,
  links: MaintenanceLinks,
): Promise<void> {
  const loop = (name: string, everyMs: number, step: () => Promise<void>): Promise<void> =>
    runLoop(
      async () => {
        await step();
        return 'idle';
      },
      {
        name,
        idleMinMs: everyMs,
        idleMaxMs: everyMs,
        errorMinMs: everyMs,
        errorMaxMs: everyMs,
        log: deps.log,
        heartbeats: deps.metrics.heartbeats,
      },
      links.signal,
    );
  const lastLogged: LastLogged = new Map();
  await Promise.all([
    loop('relay.partitions', partitionsEveryMs, async () => {
      await makeAhead(deps);
      await dropBehind(deps, options, lastLogged);
    }),
    loop('relay.metrics', metricsEveryMs, () => showLag(deps, options, links)),
    links.checkPassedOver ? warnPassedOver(deps, options) : Promise.resolve(),
  ]);
}

/** Rows that were written behind the cursor before somebody set the sequence: nobody publishes them unless asked. */
async function warnPassedOver(
  { pool, log, metrics }: MaintenanceDeps,
  { shard }: RelayOptions,
): Promise<void> {
  try {
    const to = await readCursor(pool, shard);
    const { rows, firstId } = await readPassedOver(pool, { from: 0, to });
    metrics.relayPassedOver.set(rows);
    if (rows > 0) log.error({ rows, first_id: firstId, remedy: repairRemedy }, 'outbox.rows_passed_over');
  } catch (error) {
    log.warn({ err: messageOf(error), remedy: repairRemedy }, 'outbox.passed_over_not_counted');
  }
}

async function showLag(
  { pool, metrics, log }: MaintenanceDeps,
  options: RelayOptions,
  links: MaintenanceLinks,
): Promise<void> {
  const { lagSeconds, blocker, parkedRows, releasedRows, sequence } = await readStatus(pool, options.shard);
  if (sequence !== null) links.onSequenceBehind();
  if (releasedRows > 0) links.onReleased();
  metrics.relayParkedRows.set(parkedRows);
  metrics.relayLagSeconds.set(lagSeconds);
  showBlocker({ metrics, log }, blocker);
}

function showBlocker(
  { metrics, log }: Pick<MaintenanceDeps, 'metrics' | 'log'>,
  blocker: Blocker | null,
): void {
  metrics.relayHeldSeconds.set(blocker?.ageSeconds ?? 0);
  metrics.relayHolderSeconds.reset();
  if (blocker === null) return;
  const { pid, user, application, ageSeconds, query } = blocker;
  metrics.relayHolderSeconds.set(
    {
      pid: String(pid ?? ''),
      user: user ?? '',
      application: application ?? '',
      query: query ?? '',
    },
    ageSeconds,
  );
  if (ageSeconds * 1_000 >= blockerWarnMs)
    log.warn({ pid, user, application, age_s: Math.round(ageSeconds), query: query ?? '' }, 'relay.held');
}
