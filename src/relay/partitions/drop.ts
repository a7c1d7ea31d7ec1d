import { monotonicMs, sleep } from '../../clock.ts';
import { messageOf } from '../../errors.ts';
import type { MaintenanceDeps, RelayOptions } from '../deps.ts';
import { detachedRemedy, passedOverRemedy } from '../remedies.ts';
import { passedPartitions } from './decide.ts';
import * as partitions from './store.ts';

const hourMs = 3_600_000;

type Retention = Pick<RelayOptions, 'shard' | 'retentionHours'>;

/** When a subject was logged last: each is a line an hour, not one a round. */
export type LastLogged = Map<string, number>;

type DropDeps = MaintenanceDeps & { lastLogged: LastLogged };

/**
 * Frees the disk behind the cursor and the retention: empties a partition, takes it out of the table, drops it. Each step
 * is made again by a later round if it has to wait; none is made where a row was not published.
 */
export async function dropBehind(
  deps: MaintenanceDeps,
  options: Retention,
  lastLogged: LastLogged = new Map(),
): Promise<void> {
  const { pool } = deps;
  const own = { ...deps, lastLogged };
  const cursor = await partitions.readCursor(pool, options.shard);
  const present = await partitions.readPartitions(pool);
  const emptied = new Set<string>();
  for (const partition of passedPartitions(present, cursor)) {
    if (!(await emptyIfOld(own, partition, options))) continue;
    emptied.add(partition.name);
    await detachPolitely(deps, partition.name).catch((error: unknown) =>
      logWaiting(deps, partition.name, error),
    );
  }
  await forgetParked(deps, { cursor, emptied });
  for (const table of await partitions.readDetached(pool)) await dropDetached(own, table, cursor);
}

/** What was parked and published since is kept as long as its row: nobody asks for it below every partition with rows. */
async function forgetParked(
  { pool }: MaintenanceDeps,
  { cursor, emptied }: { cursor: number; emptied: ReadonlySet<string> },
): Promise<void> {
  if (await partitions.hasDefaultRows(pool)) return; // they may be of any id
  // Read after the default one is empty: a repair that has just emptied it put its rows into partitions of their own.
  const kept = (await partitions.readPartitions(pool)).filter(({ name }) => !emptied.has(name));
  await partitions.forgetParkedBelow(pool, Math.min(cursor, ...kept.map(({ from }) => from)));
}

/** Empties a passed partition whose last row is older than the retention. True when it has no rows, from now or before. */
async function emptyIfOld(
  deps: DropDeps,
  partition: partitions.OutboxPartition,
  { retentionHours }: Retention,
): Promise<boolean> {
  const { pool, lastLogged } = deps;
  const { name } = partition;
  const writtenAt = await partitions.lastWrittenAt(pool, name);
  if (writtenAt === null) return true;
  const ageMs = (await partitions.databaseNow(pool)).getTime() - writtenAt.getTime();
  if (ageMs < retentionHours * hourMs || wasJustLogged(lastLogged, name)) return false;
  if (await hasPassedOver(deps, partition)) return false;
  try {
    await partitions.emptyPartition(pool, name);
    return true;
  } catch (error) {
    logWaiting(deps, name, error);
    return false;
  }
}

/** Whether it has rows that nobody published: the log names them, and their partition stays. */
async function hasPassedOver(
  { pool, log, metrics, lastLogged }: DropDeps,
  { name, from, to }: partitions.OutboxPartition,
): Promise<boolean> {
  const { rows, firstId } = await partitions.readPassedOver(pool, { from, to: to - 1 });
  metrics.relayPassedOver.set(rows);
  if (rows === 0) return false;
  lastLogged.set(name, monotonicMs());
  log.error(
    { partition: name, rows, first_id: firstId, remedy: passedOverRemedy },
    'outbox.rows_passed_over',
  );
  return true;
}

/** The lock is asked for without a wait, so that no writer queues behind us; between two writers there is a moment. */
async function detachPolitely({ pool }: MaintenanceDeps, name: string): Promise<void> {
  for (let left = detachTries; ; left--) {
    try {
      return await partitions.detachPartition(pool, name);
    } catch (error) {
      if (left <= 1) throw error;
    }
    await sleep(detachEveryMs);
  }
}
const detachTries = 40;
const detachEveryMs = 25;

/**
 * Drops what the relay detached: the table is empty, and the cursor has passed it. A table with rows was detached by a
 * person: the log says that the relay does not see them.
 */
async function dropDetached(
  deps: DropDeps,
  table: partitions.OutboxPartition,
  cursor: number,
): Promise<void> {
  const { pool, log, lastLogged } = deps;
  const { name } = table;
  try {
    if (await partitions.hasRows(pool, name)) {
      if (wasJustLogged(lastLogged, name)) return;
      lastLogged.set(name, monotonicMs());
      log.warn({ partition: name, remedy: detachedRemedy(table) }, 'outbox.partition_detached');
    } else if (passedPartitions([table], cursor).length > 0) {
      await partitions.dropDetached(pool, name);
      log.info({ partition: name }, 'outbox.partition_dropped');
    }
  } catch (error) {
    logWaiting(deps, name, error);
  }
}

const logWaiting = ({ log }: MaintenanceDeps, name: string, error: unknown): void =>
  log.debug({ partition: name, err: messageOf(error) }, 'outbox.drop_waits');

const wasJustLogged = (lastLogged: LastLogged, subject: string): boolean =>
  monotonicMs() - (lastLogged.get(subject) ?? -Infinity) < hourMs;
