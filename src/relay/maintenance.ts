import { monotonicMs, sleep } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { runLoop } from '../loop.ts';
import { missingPartitions, passedPartitions } from './partitions/decide.ts';
import * as partitions from './partitions/store.ts';
import type { RelayDeps, RelayOptions } from './deps.ts';
import { detachedRemedy, passedOverRemedy, repairRemedy } from './remedies.ts';
import { readStatus, type Holder } from './status-store.ts';
import { readLastId } from './store.ts';

const hourMs = 3_600_000;
const partitionsEveryMs = 30_000;
const metricsEveryMs = 5_000;
/** A writer that is open for this long is not about to commit. */
const heldWarnMs = 10_000;

/** What the leader is told, and how long it leads. */
export type MaintenanceLinks = {
  /** Somebody released parked rows. */
  onReleased: () => void;
  onSequenceBehind: () => void;
  /** The sequence was behind the cursor before: rows may have been written there. */
  checkPassedOver: boolean;
  signal: AbortSignal;
};

/** The leader's housekeeping: partitions ahead of the writers and behind the retention, and what holds it back. */
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
  const told: Told = new Map();
  await Promise.all([
    loop('relay.partitions', partitionsEveryMs, async () => {
      await makeAhead(deps);
      await dropBehind(deps, options, told);
    }),
    loop('relay.metrics', metricsEveryMs, () => showLag(deps, options, links)),
    links.checkPassedOver ? warnPassedOver(deps, options) : Promise.resolve(),
  ]);
}

/** Rows that were written behind the cursor before somebody set the sequence: nobody publishes them unless asked. */
async function warnPassedOver({ pool, log, metrics }: Keeper, { shard }: RelayOptions): Promise<void> {
  try {
    const to = await partitions.readCursor(pool, shard);
    const { rows, firstId } = await partitions.readPassedOver(pool, { from: 0, to });
    metrics.relayPassedOver.set(rows);
    if (rows > 0) log.error({ rows, first_id: firstId, remedy: repairRemedy }, 'outbox.rows_passed_over');
  } catch (error) {
    log.warn({ err: messageOf(error), remedy: repairRemedy }, 'outbox.passed_over_not_counted');
  }
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
  if (defaultRows) log.error({ remedy: repairRemedy }, 'outbox.default_has_rows');
}

type Retention = Pick<RelayOptions, 'shard' | 'retentionHours'>;

/** What was said before, by its subject and when it is worth another look: each is a line an hour, not one a round. */
export type Told = Map<string, number>;

/**
 * Frees the disk behind the cursor and the retention: empties a partition, takes it out of the table, drops it. Each step
 * is made again by a later round if it has to wait; none is made where a row was not published.
 */
export async function dropBehind(keeper: Keeper, options: Retention, told: Told = new Map()): Promise<void> {
  const { pool, log } = keeper;
  const cursor = await partitions.readCursor(pool, options.shard);
  const present = await partitions.readPartitions(pool);
  const passed = passedPartitions(present, cursor);
  const emptied = new Set<string>();
  for (const partition of passed) {
    if (!(await isEmptied(keeper, partition, { ...options, told }))) continue;
    emptied.add(partition.name);
    await detachPolitely(keeper, partition.name).catch(waits(log, partition.name));
  }
  await forgetParked(keeper, {
    cursor,
    kept: present.filter(({ name }) => !emptied.has(name)),
  });
  for (const table of await partitions.readDetached(pool))
    await dropDetached(keeper, { table, cursor, told });
}

/** What was parked and published since is kept as long as its row: below every partition with rows nobody asks for it. */
async function forgetParked(
  { pool }: Keeper,
  { cursor, kept }: { cursor: number; kept: readonly partitions.OutboxPartition[] },
): Promise<void> {
  if (await partitions.hasDefaultRows(pool)) return; // they may be of any id
  await partitions.forgetParkedBelow(pool, Math.min(cursor, ...kept.map(({ from }) => from)));
}

const waits =
  (log: Log, name: string) =>
  (error: unknown): void =>
    log.debug({ partition: name, err: messageOf(error) }, 'outbox.drop_waits');

/** Whether a passed partition has no rows: it was emptied before, or its time has come. */
async function isEmptied(
  { pool, log, metrics }: Keeper,
  { name, from, to }: partitions.OutboxPartition,
  { retentionHours, told }: Retention & { told: Told },
): Promise<boolean> {
  const writtenAt = await partitions.lastWrittenAt(pool, name);
  if (writtenAt === null) return true;
  const now = await partitions.databaseNow(pool);
  if (now.getTime() - writtenAt.getTime() < retentionHours * hourMs || isFresh(told, name)) return false;
  const passedOver = await partitions.readPassedOver(pool, { from, to: to - 1 });
  metrics.relayPassedOver.set(passedOver.rows);
  if (passedOver.rows > 0) {
    tellOnce(told, name);
    log.error(
      { partition: name, rows: passedOver.rows, first_id: passedOver.firstId, remedy: passedOverRemedy },
      'outbox.rows_passed_over',
    );
    return false;
  }
  return partitions.emptyPartition(pool, name).then(
    () => true,
    (error: unknown) => {
      waits(log, name)(error);
      return false;
    },
  );
}

/** The lock is asked for without a wait, so that no writer queues behind us; between two writers there is a moment. */
async function detachPolitely({ pool }: Keeper, name: string): Promise<void> {
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
 * Drops what we detached: it is empty, and the cursor has passed it. A table with rows was detached by a person, who is
 * told what the relay cannot see.
 */
async function dropDetached(
  { pool, log }: Keeper,
  { table, cursor, told }: { table: partitions.OutboxPartition; cursor: number; told: Told },
): Promise<void> {
  const { name, from, to } = table;
  try {
    if (await partitions.hasRows(pool, name)) {
      if (isFresh(told, name)) return;
      tellOnce(told, name);
      log.warn({ partition: name, remedy: detachedRemedy(table) }, 'outbox.partition_detached');
    } else if (passedPartitions([{ name, from, to }], cursor).length > 0) {
      await partitions.dropDetached(pool, name);
      log.info({ partition: name }, 'outbox.partition_dropped');
    }
  } catch (error) {
    waits(log, name)(error);
  }
}

const isFresh = (told: Told, subject: string): boolean => (told.get(subject) ?? -Infinity) > monotonicMs();
const tellOnce = (told: Told, subject: string): void => void told.set(subject, monotonicMs() + hourMs);

async function showLag(
  { pool, metrics, log }: Keeper,
  options: RelayOptions,
  links: MaintenanceLinks,
): Promise<void> {
  const { lagSeconds, heldBy, parkedRows, releasedRows, sequence } = await readStatus(pool, options.shard);
  if (sequence !== null) links.onSequenceBehind();
  if (releasedRows > 0) links.onReleased();
  metrics.relayParkedRows.set(parkedRows);
  metrics.relayLagSeconds.set(lagSeconds);
  showHolder({ metrics, log }, heldBy);
}

function showHolder({ metrics, log }: Pick<Keeper, 'metrics' | 'log'>, heldBy: Holder | null): void {
  metrics.relayHeldSeconds.set(heldBy?.ageSeconds ?? 0);
  metrics.relayHolderSeconds.reset();
  if (heldBy === null) return;
  const { pid, user, application, ageSeconds, query } = heldBy;
  metrics.relayHolderSeconds.set(
    {
      pid: String(pid ?? ''),
      user: user ?? '',
      application: application ?? '',
      query: query ?? '',
    },
    ageSeconds,
  );
  if (ageSeconds * 1_000 >= heldWarnMs)
    log.warn({ pid, user, application, age_s: Math.round(ageSeconds), query: query ?? '' }, 'relay.held');
}
