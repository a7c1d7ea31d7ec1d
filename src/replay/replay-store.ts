import { FahuoError } from '../errors.ts';
import type { Queryable } from '../../db/client.ts';
import type { ReplayState } from '../../db/states.ts';
import type { Accepted } from '../consumer/accepted.ts';
import type { OffsetRange } from '../kafka/offset-range.ts';

/** A replay as it stands in the database; `ranges` are all that it is of, read or not. */
export type ReplayRow = Accepted & {
  id: number;
  selection: string;
  topic: string;
  ranges: Stretch[];
  retryIds: number[];
  state: ReplayState;
  rate: number | null;
  retried: number;
  unread: OffsetRange[] | null;
  startedBy: string;
  startedAt: Date;
  finishedAt: Date | null;
  /** A process works at it. */
  leased: boolean;
};

/** Where the messages of a range are read: in the topic, or in the outbox what the topic has forgotten. */
export type Source = 'topic' | 'outbox';

export type Stretch = OffsetRange & { source: Source };

const columns = `id, selection, topic, ranges, retry_ids as "retryIds", state, rate, inserted, duplicate, superseded, dead, retried,
  unread, started_by as "startedBy", started_at as "startedAt", finished_at as "finishedAt",
  coalesce(lease_until > clock_timestamp(), false) as leased`;

/** The group under which a replay's progress stands in fahuo.consumer_offset. */
export const groupOf = (id: number): string => `replay/${id}`;

export async function insertReplay(
  db: Queryable,
  replay: Pick<ReplayRow, 'selection' | 'topic' | 'ranges' | 'retryIds' | 'rate' | 'startedBy'> & Lease,
): Promise<ReplayRow> {
  const { rows } = await db.query<ReplayRow>(
    `insert into fahuo.replay (selection, topic, ranges, retry_ids, rate, started_by, owner, lease_until)
     values ($1, $2, $3, $4, $5, $6, $7, clock_timestamp() + $8 * interval '1 millisecond')
     returning ${columns}`,
    [
      replay.selection,
      replay.topic,
      JSON.stringify(replay.ranges),
      replay.retryIds,
      replay.rate,
      replay.startedBy,
      replay.owner,
      replay.leaseMs,
    ],
  );
  const [row] = rows;
  if (row === undefined) throw new FahuoError('INVARIANT', 'an insert of a replay returned no row');
  return row;
}

export type Lease = { owner: string; leaseMs: number };

/** `paused`, `incomplete`, or `running` without a process → `running`, by this one. Null where there is no such replay. */
export async function resumeReplay(
  db: Queryable,
  id: number,
  { owner, leaseMs, rate }: Lease & { rate: number | null },
): Promise<ReplayRow | null> {
  const { rows } = await db.query<ReplayRow>(
    `update fahuo.replay set state = 'running', owner = $2, lease_until = clock_timestamp() + $3 * interval '1 millisecond',
       rate = coalesce($4, rate), finished_at = null
     where id = $1 and (state in ('paused', 'incomplete')
       or (state = 'running' and coalesce(lease_until < clock_timestamp(), true)))
     returning ${columns}`,
    [id, owner, leaseMs, rate],
  );
  return rows[0] ?? null;
}

/**
 * Adds to what this process's replay did, and keeps its lease. False when it is not to go on: somebody stopped it, and
 * what was in hand is counted all the same, or another process has taken it.
 */
export async function addToReplay(
  db: Queryable,
  id: number,
  { accepted, owner, leaseMs }: Lease & { accepted: Accepted },
): Promise<boolean> {
  const { rows } = await db.query<{ running: boolean }>(
    `update fahuo.replay set inserted = inserted + $3, duplicate = duplicate + $4, superseded = superseded + $5,
       dead = dead + $6,
       lease_until = case when state = 'running' then clock_timestamp() + $7 * interval '1 millisecond' end
     where id = $1 and owner = $2 returning state = 'running' as running`,
    [id, owner, accepted.inserted, accepted.duplicate, accepted.superseded, accepted.dead, leaseMs],
  );
  return rows[0]?.running === true;
}

export type Ending = { state: 'done' | 'incomplete'; retried: number; unread: readonly OffsetRange[] };

/** `running → done | incomplete`; the progress is kept until nothing can be resumed. */
export async function endReplay(
  db: Queryable,
  id: number,
  { state, retried, unread }: Ending,
): Promise<ReplayRow | null> {
  const { rows } = await db.query<ReplayRow>(
    `with ended as (
       update fahuo.replay set state = $2::fahuo.replay_state, retried = retried + $3, unread = $4,
         finished_at = clock_timestamp(), owner = null, lease_until = null
       where id = $1 and state = 'running' returning ${columns}
     ), forgotten as (
       delete from fahuo.consumer_offset where consumer_group = $5 and $2 = 'done' and exists (select from ended)
     )
     select * from ended`,
    [id, state, retried, JSON.stringify(unread), groupOf(id)],
  );
  return rows[0] ?? null;
}

/** `running → paused`, or `→ cancelled` from wherever it is not final; its process stops after the messages in hand. */
export async function stopReplay(
  db: Queryable,
  id: number,
  to: 'paused' | 'cancelled',
): Promise<ReplayRow | null> {
  const { rows } = await db.query<ReplayRow>(
    `with stopped as (
       update fahuo.replay set state = $2::fahuo.replay_state, lease_until = null,
         finished_at = case when $2 = 'cancelled' then clock_timestamp() end
       where id = $1 and (state = 'running' or ($2 = 'cancelled' and state in ('paused', 'incomplete')))
       returning ${columns}
     ), forgotten as (
       delete from fahuo.consumer_offset where consumer_group = $3 and $2 = 'cancelled' and exists (select from stopped)
     )
     select * from stopped`,
    [id, to, groupOf(id)],
  );
  return rows[0] ?? null;
}

/** The newest first. */
export async function readReplays(db: Queryable, limit: number): Promise<ReplayRow[]> {
  const { rows } = await db.query<ReplayRow>(
    `select ${columns} from fahuo.replay order by id desc limit $1`,
    [limit],
  );
  return rows;
}

export async function readReplay(db: Queryable, id: number): Promise<ReplayRow | null> {
  const { rows } = await db.query<ReplayRow>(`select ${columns} from fahuo.replay where id = $1`, [id]);
  return rows[0] ?? null;
}
