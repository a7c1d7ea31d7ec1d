import { withoutLiterals } from '../../db/statement-text.ts';
import { messageOf } from '../errors.ts';
import { runLoop } from '../loop.ts';
import { missingPartitions, passedPartitions } from './partitions.ts';
import * as partitions from './partition-store.ts';
import type { RelayDeps, RelayOptions } from './deps.ts';
import { readStatus } from './status-store.ts';
import { readLastId } from './store.ts';

const hourMs = 3_600_000;
const partitionsEveryMs = 30_000;
const metricsEveryMs = 5_000;
/** A writer that is open for this long is not about to commit. */
const heldWarnMs = 10_000;

/** The leader's housekeeping: partitions ahead of the writers and behind the retention, and what holds it back. */
export async function keepUp(deps: RelayDeps, options: RelayOptions, signal: AbortSignal): Promise<void> {
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
      signal,
    );
  await Promise.all([
    loop('relay.partitions', partitionsEveryMs, async () => {
      await makeAhead(deps);
      await dropBehind(deps, options);
    }),
    loop('relay.metrics', metricsEveryMs, () => showLag(deps, options)),
  ]);
}

type Keeper = Pick<RelayDeps, 'pool' | 'log' | 'metrics'>;

/** Failing is an alarm, not a stop: the default partition takes what has no other. */
export async function makeAhead({ pool, log, metrics }: Keeper): Promise<void> {
  let failed = 0;
  const present = await partitions.readPartitions(pool);
  for (const partition of missingPartitions(present, await readLastId(pool))) {
    await partitions
      .makePartition(pool, partition)
      .then(() => log.info({ partition: partition.name }, 'outbox.partition_made'))
      .catch((error: unknown) => {
        failed += 1;
        log.error({ partition: partition.name, err: messageOf(error) }, 'outbox.partition_not_made');
      });
  }
  const defaultRows = await partitions.hasDefaultRows(pool);
  metrics.relayPartitionsMissing.set(failed);
  metrics.relayDefaultRows.set(defaultRows ? 1 : 0);
  if (defaultRows)
    log.error(
      { remedy: 'see docs/operations.md, "Rows in the default partition"' },
      'outbox.default_has_rows',
    );
}

export async function dropBehind(
  { pool, log }: Keeper,
  options: Pick<RelayOptions, 'shard' | 'retentionHours'>,
): Promise<void> {
  const cursor = await partitions.readCursor(pool, options.shard);
  const now = await partitions.databaseNow(pool);
  const waits = (name: string) => (error: unknown) =>
    log.debug({ partition: name, err: messageOf(error) }, 'outbox.drop_waits');
  for (const { name, to } of passedPartitions(await partitions.readPartitions(pool), cursor)) {
    const writtenAt = await partitions.lastWrittenAt(pool, name);
    if (writtenAt !== null && now.getTime() - writtenAt.getTime() < options.retentionHours * hourMs) continue;
    await partitions.deleteJournal(pool, to);
    await partitions
      .emptyPartition(pool, name)
      .then(() => partitions.detachPartition(pool, name))
      .catch(waits(name));
  }
  for (const name of await partitions.readDetached(pool, cursor))
    await partitions
      .dropDetached(pool, name)
      .then(() => log.info({ partition: name }, 'outbox.partition_dropped'))
      .catch(waits(name));
}

async function showLag({ pool, metrics, log }: Keeper, options: RelayOptions): Promise<void> {
  const { lagSeconds, heldBy } = await readStatus(pool, options.shard);
  metrics.relayLagSeconds.set(lagSeconds);
  metrics.relayHeldSeconds.set(heldBy?.ageSeconds ?? 0);
  metrics.relayHolderSeconds.reset();
  if (heldBy === null) return;
  const { pid, user, application, ageSeconds, query } = heldBy;
  metrics.relayHolderSeconds.set(
    {
      pid: String(pid ?? ''),
      user: user ?? '',
      application: application ?? '',
      query: withoutLiterals(query ?? ''),
    },
    ageSeconds,
  );
  if (ageSeconds * 1_000 >= heldWarnMs)
    log.warn(
      { pid, user, application, age_s: Math.round(ageSeconds), query: withoutLiterals(query ?? '') },
      'relay.held',
    );
}
