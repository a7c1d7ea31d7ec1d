import type { Queryable } from '../../db/client.ts';
import type { Snapshot } from './frontier.ts';
import type { Position } from './sequence.ts';

/** The last id that was drawn. */
export async function readLastId(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ last: number }>(lastId);
  return rows[0]?.last ?? 0;
}

const lastId = `select coalesce(pg_sequence_last_value('fahuo.outbox_id_seq'::regclass), 0) as last`;
const writers = `select virtualtransaction as name, pid from pg_locks
  where locktype = 'relation' and relation = 'fahuo.outbox'::regclass and mode = 'RowExclusiveLock' and granted
    and database = (select oid from pg_database where datname = current_database())`;

/** Planned once a session: planning is most of what these cost. */
export async function prepareSnapshot(db: Queryable): Promise<void> {
  await db.query(`prepare relay_last_id as ${lastId}`);
  await db.query(`prepare relay_writers as ${writers}`);
}

/**
 * Steps 1 and 2 of a snapshot (frontier.ts), sent together. The server runs one after the other, and both read shared memory as it is at
 * their moment, not as of a transaction: who holds the lock is seen after the last id, as the argument needs it.
 */
export async function readSnapshot(db: Queryable): Promise<Snapshot> {
  const [last, holders] = (await db.query('execute relay_last_id; execute relay_writers')) as unknown as [
    { rows: { last: number }[] },
    { rows: { name: string; pid: number | null }[] },
  ];
  return { lastId: last.rows[0]?.last ?? 0, writers: holders.rows };
}

/** Step 1, waited for in the server: returns as soon as an id beyond `after` was drawn, or after `forMs`. */
export async function awaitLastId(
  db: Queryable,
  wait: { after: number; forMs: number; stepMs: number },
): Promise<number> {
  const { rows } = await db.query<{ last: number }>({
    name: 'relay_await',
    text: 'select fahuo.await_outbox($1, $2, $3) as last',
    values: [wait.after, wait.forMs, wait.stepMs],
  });
  return rows[0]?.last ?? 0;
}

/**
 * Where cursor, sequence and table stand. Of a row that is seen, the id was drawn before this statement's snapshot, and
 * the sequence is read after that: so a row beyond the sequence is a fault, not a row that has just come.
 */
export async function readPosition(db: Queryable, shard: number): Promise<Position> {
  const { rows } = await db.query<Position>(
    `select coalesce((select cursor from fahuo.relay_cursor where shard = $1), 0) as cursor,
       coalesce((select id from fahuo.outbox order by id desc limit 1), 0) as "greatestId",
       coalesce(pg_sequence_last_value('fahuo.outbox_id_seq'::regclass), 0) as "lastId"`,
    [shard],
  );
  return rows[0] ?? { cursor: 0, greatestId: 0, lastId: 0 };
}
