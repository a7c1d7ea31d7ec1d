import { inTransaction } from '../../db/client.ts';
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
const lockWaitMs = 50;

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

/** Failing is an alarm, not a stop: the default partition takes what has no other. */
export async function makeAhead({ pool, log }: RelayDeps): Promise<void> {
  const present = await partitions.readPartitions(pool);
  for (const partition of missingPartitions(present, await readLastId(pool))) {
    await inTransaction(pool, async (tx) => {
      await partitions.limitLockWait(tx, lockWaitMs);
      await partitions.makePartition(tx, partition);
    })
      .then(() => log.info({ partition: partition.name }, 'outbox.partition_made'))
      .catch((error: unknown) =>
        log.error({ partition: partition.name, err: messageOf(error) }, 'outbox.partition_not_made'),
      );
  }
  if (await partitions.hasDefaultRows(pool))
    log.error(
      { remedy: 'see docs/operations.md, "Rows in the default partition"' },
      'outbox.default_has_rows',
    );
}

export async function dropBehind({ pool, log }: RelayDeps, options: RelayOptions): Promise<void> {
  const cursor = await partitions.readCursor(pool, options.shard);
  const now = await partitions.databaseNow(pool);
  for (const { name, to } of passedPartitions(await partitions.readPartitions(pool), cursor)) {
    const writtenAt = await partitions.lastWrittenAt(pool, name);
    if (writtenAt !== null && now.getTime() - writtenAt.getTime() < options.retentionHours * hourMs) continue;
    if (writtenAt !== null) await partitions.emptyPartition(pool, name);
    await partitions.deleteJournal(pool, to);
    await inTransaction(pool, (tx) => partitions.dropPartition(tx, name))
      .then(() => log.info({ partition: name }, 'outbox.partition_dropped'))
      .catch((error: unknown) => log.debug({ partition: name, err: messageOf(error) }, 'outbox.drop_waits'));
  }
}

async function showLag({ pool, metrics }: RelayDeps, options: RelayOptions): Promise<void> {
  const status = await readStatus(pool, options.shard);
  metrics.relayLagSeconds.set(status.lagSeconds);
  metrics.relayHeldSeconds.set(status.heldBy?.ageSeconds ?? 0);
}
