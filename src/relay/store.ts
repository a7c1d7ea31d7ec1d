import type { Queryable } from '../../db/client.ts';
import type { CopySession } from '../../db/copy.ts';
import { FahuoError } from '../errors.ts';
import type { Snapshot } from './frontier.ts';
import { columns, idOf, withRoom, type OutboxRow } from './message.ts';
import type { Position } from './sequence.ts';

/** 'fahuo' in ASCII and the shard: advisory locks are per database, so deployments do not meet. */
export const lockSpace = 0x66_61_68_75;

export async function tryLock(db: Queryable, shard: number): Promise<boolean> {
  const { rows } = await db.query<{ locked: boolean }>('select pg_try_advisory_lock($1, $2) as locked', [
    lockSpace,
    shard,
  ]);
  return rows[0]?.locked === true;
}

/**
 * Postgres itself ends a leader that falls silent (stopped, cut off, hung): its lock goes with its session, and the
 * standby takes over. A living leader says something every second. A session is not idle while it sends: that a leader
 * no longer takes its rows is for the second limit to see.
 */
export async function limitSilence(db: Queryable, ms: number): Promise<void> {
  await db.query(
    `select set_config('idle_session_timeout', $1, false), set_config('tcp_user_timeout', $1, false)`,
    [`${ms}ms`],
  );
}

/**
 * The cursor's commits do not wait for the disk: writers of the outbox would share the wait. What a crash of the server
 * takes back is published again, like all that lies between a send and its cursor.
 */
export async function commitLazily(db: Queryable): Promise<void> {
  await db.query(`select set_config('synchronous_commit', 'off', false)`);
}

/** A new epoch fences everyone who led before. */
export async function openEpoch(
  db: Queryable,
  leader: { shard: number; owner: string },
): Promise<{ cursor: number; epoch: number }> {
  const { rows } = await db.query<{ cursor: number; epoch: number }>(
    `insert into fahuo.relay_cursor (shard, epoch, owner) values ($1, 1, $2)
     on conflict (shard) do update set epoch = relay_cursor.epoch + 1, owner = $2, updated_at = clock_timestamp()
     returning cursor, epoch`,
    [leader.shard, leader.owner],
  );
  return rows[0] ?? { cursor: 0, epoch: 0 };
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
 * Steps 1 and 2 of a look, sent together. The server runs one after the other, and both read shared memory as it is at
 * their moment, not a snapshot: who holds the lock is seen after the last id, which is what frontier.ts rests on.
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

/** A place for the rows of one read, which the next read into it writes over. */
export type Arena = { bytes: Buffer };

/**
 * Step 3: the snapshot of this statement is taken after step 2, and after the lock. A copy takes its snapshot before it
 * waits for the table: behind `fahuo outbox repair`, which moves rows from one partition to another, it would see neither
 * place, and the cursor would pass them. Both go out together, in one transaction.
 */
export const readRows = (
  db: CopySession,
  arena: Arena,
  range: { after: number; upTo: number; limit: number },
): Promise<OutboxRow[]> =>
  copyRows(
    db,
    arena,
    `lock table only fahuo.outbox in access share mode; copy (
      select id, ${copied} from fahuo.outbox where id > ${whole(range.after)} and id <= ${whole(range.upTo)}
      order by id limit ${whole(range.limit)}
    ) to stdout (format binary)`,
  );

/** What a row carries, as columns of the outbox or of relay_parked. */
export const copied = columns.map((column) => (column === 'version' ? 'version::text' : column)).join(', ');

/** Rows that begin with their id and go on with `copied`. */
export async function copyRows(db: CopySession, arena: Arena, sql: string): Promise<OutboxRow[]> {
  const rows: OutboxRow[] = [];
  let end = 0;
  await db.copyOut(sql, (chunk, from) => {
    arena.bytes = withRoom(arena.bytes, end, chunk.length - from);
    rows.push({ id: idOf(chunk, from), bytes: arena.bytes, start: end });
    end += chunk.copy(arena.bytes, end, from);
  });
  return rows;
}

/** COPY takes no parameters. */
export function whole(value: number): string {
  if (!Number.isSafeInteger(value)) throw new FahuoError('INVARIANT', `${value} is not a whole number`);
  return String(value);
}

/** Ids that one journal entry may span, so that the entry of an id is found by a short range of first ids. */
export const journalSpan = 100_000;

export type JournalEntry = {
  firstId: number;
  lastId: number;
  topic: string;
  partition: number;
  partitionCount: number;
  baseOffset: number;
  count: number;
};

export type Move = {
  shard: number;
  epoch: number;
  from: number;
  to: number;
  entries: readonly JournalEntry[];
  /** Where the cursor's row lies, as the last move told. */
  place: string | null;
};

/**
 * Moves the cursor and writes the journal in one statement. Returns where the row lies now; null when another leader has
 * opened an epoch.
 */
export async function moveCursor(db: Queryable, move: Move): Promise<string | null> {
  const found = move.place === null ? null : await moveAt(db, move, move.place);
  return found ?? moveAt(db, move, null);
}

/**
 * By its place, the row is found at once; by its key (`place` null), past every version that an old snapshot elsewhere
 * keeps: after ten minutes of relaying these are tens of thousands. A row that somebody else moved is not at its place.
 */
async function moveAt(db: Queryable, move: Move, place: string | null): Promise<string | null> {
  const { entries } = move;
  const [name, where] = place === null ? ['relay_move', ''] : ['relay_move_at', 'and ctid = $12::tid'];
  const { rows } = await db.query<{ place: string }>({
    name,
    text: `with moved as (
      update fahuo.relay_cursor set cursor = $4, updated_at = clock_timestamp()
      where shard = $1 and epoch = $2 and cursor = $3 ${where}
      returning ctid
    ), journal as (
      insert into fahuo.relay_journal (shard, first_id, last_id, topic, partition, partition_count, base_offset, count)
      select $1, e.* from moved,
        unnest($5::bigint[], $6::bigint[], $7::text[], $8::int[], $9::int[], $10::bigint[], $11::int[]) e
    )
    select ctid::text as place from moved`,
    values: [
      move.shard,
      move.epoch,
      move.from,
      move.to,
      entries.map((entry) => entry.firstId),
      entries.map((entry) => entry.lastId),
      entries.map((entry) => entry.topic),
      entries.map((entry) => entry.partition),
      entries.map((entry) => entry.partitionCount),
      entries.map((entry) => entry.baseOffset),
      entries.map((entry) => entry.count),
      ...(place === null ? [] : [place]),
    ],
  });
  return rows[0]?.place ?? null;
}
