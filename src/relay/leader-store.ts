import type { Queryable } from '../../db/client.ts';

/** 'fahuo' in ASCII and the shard: advisory locks are per database, so deployments do not meet. */
const lockSpace = 0x66_61_68_75;

export async function tryLock(db: Queryable, shard: number): Promise<boolean> {
  const { rows } = await db.query<{ locked: boolean }>('select pg_try_advisory_lock($1, $2) as locked', [
    lockSpace,
    shard,
  ]);
  return rows[0]?.locked === true;
}

/** Whether a session leads the shard now: the cursor keeps the name of the last one that did. */
export async function isLed(db: Queryable, shard: number): Promise<boolean> {
  const { rowCount } = await db.query(
    `select from pg_locks where locktype = 'advisory' and granted and classid = $1 and objid = $2
       and database = (select oid from pg_database where datname = current_database())`,
    [lockSpace, shard],
  );
  return (rowCount ?? 0) > 0;
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
