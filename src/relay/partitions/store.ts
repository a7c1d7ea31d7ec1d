import type { Queryable } from '../../../db/client.ts';

/** Ids a partition holds. */
export const partitionIds = 1_000_000;

export type OutboxPartition = { name: string; from: number; to: number };

/** The numbered partitions in order; MINVALUE reads as 0. */
export async function readPartitions(db: Queryable): Promise<OutboxPartition[]> {
  const { rows } = await db.query<OutboxPartition>(
    `select c.relname as name, coalesce((regexp_match(bound, 'FROM \\(''?(\\d+)'))[1], '0')::bigint as "from",
       (regexp_match(bound, 'TO \\(''?(\\d+)'))[1]::bigint as "to"
     from pg_inherits i join pg_class c on c.oid = i.inhrelid,
       lateral (select pg_get_expr(c.relpartbound, c.oid) as bound) b
     where i.inhparent = 'fahuo.outbox'::regclass and bound <> 'DEFAULT'
     order by 3`,
  );
  return rows;
}

/** Rows that no partition was there for. Any is an alarm. */
export async function hasDefaultRows(db: Queryable): Promise<boolean> {
  const { rows } = await db.query<{ any: boolean }>(
    'select exists (select 1 from fahuo.outbox_default) as any',
  );
  return rows[0]?.any === true;
}

/*
 * The four below are functions of the schema's owner (db/functions/outbox_partitions.sql): one statement each, outside a
 * transaction, so that no lock is held while we are waited for. A lock that is not there within 50 ms is given up.
 */

/** Makes one partition. Rejects when its name is taken, or rows of its range stand in the default partition. */
export async function makePartition(db: Queryable, { from }: OutboxPartition): Promise<void> {
  await db.query('select fahuo.make_outbox_partition($1)', [from / partitionIds]);
}

/** When the last row of a partition was written; null when it has none. */
export async function lastWrittenAt(db: Queryable, name: string): Promise<Date | null> {
  const { rows } = await db.query<{ at: Date }>(
    `select created_at as at from fahuo.${name} order by id desc limit 1`,
  );
  return rows[0]?.at ?? null;
}

/** Frees the disk. Rejects when the cursor has not passed the partition. */
export async function emptyPartition(db: Queryable, name: string): Promise<void> {
  await db.query('select fahuo.empty_outbox_partition($1)', [numberOf(name)]);
}

/** Takes a passed partition out of the table. */
export async function detachPartition(db: Queryable, name: string): Promise<void> {
  await db.query('select fahuo.detach_outbox_partition($1)', [numberOf(name)]);
}

/** Tables that are named like a partition and are none: a leader detached them and died, or a person did. */
export async function readDetached(db: Queryable): Promise<OutboxPartition[]> {
  const { rows } = await db.query<{ name: string }>(
    `select relname as name from pg_class
     where relnamespace = 'fahuo'::regnamespace and relkind = 'r' and not relispartition
       and relname ~ '^outbox_p[0-9]{1,9}$'
     order by length(relname), relname`,
  );
  return rows.map(({ name }) => {
    const from = numberOf(name) * partitionIds;
    return { name, from, to: from + partitionIds };
  });
}

export async function hasRows(db: Queryable, name: string): Promise<boolean> {
  const { rows } = await db.query<{ any: boolean }>(`select exists (select 1 from fahuo.${name}) as any`);
  return rows[0]?.any === true;
}

/** Rows from id `from` to `to` that the cursor passed and nobody published: db/functions/passed_over.sql. */
export async function readPassedOver(
  db: Queryable,
  { from, to }: { from: number; to: number },
): Promise<{ rows: number; firstId: number | null }> {
  const { rows } = await db.query<{ rows: number; firstId: number | null }>(
    'select count(*) as rows, min(id) as "firstId" from fahuo.passed_over($1, $2)',
    [from, to],
  );
  return rows[0] ?? { rows: 0, firstId: null };
}

/** Rejects when it has rows, or the cursor has not passed it. */
export async function dropDetached(db: Queryable, name: string): Promise<void> {
  await db.query('select fahuo.drop_outbox_partition($1)', [numberOf(name)]);
}

const numberOf = (name: string): number => Number(name.replace('outbox_p', ''));

/** Rows that are gone from the outbox, and were parked and published later. The journal goes in upload/retention-store.ts. */
export async function forgetParkedBelow(db: Queryable, id: number): Promise<void> {
  await db.query('delete from fahuo.relay_parked where outbox_id < $1 and published_at is not null', [id]);
}

export async function readCursor(db: Queryable, shard: number): Promise<number> {
  const { rows } = await db.query<{ cursor: number }>(
    'select cursor from fahuo.relay_cursor where shard = $1',
    [shard],
  );
  return rows[0]?.cursor ?? 0;
}

export async function databaseNow(db: Queryable): Promise<Date> {
  const { rows } = await db.query<{ now: Date }>('select clock_timestamp() as now');
  return rows[0]?.now ?? new Date(0);
}
