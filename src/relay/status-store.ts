import type { Queryable } from '../../db/client.ts';
import { withoutLiterals } from '../../db/statement-text.ts';
import { sequenceFault, type SequenceFault } from './sequence.ts';

/** Where the relay stands, and who keeps it back. */
export type RelayStatus = {
  cursor: number;
  lastId: number;
  owner: string | null;
  /**
   * Ids between the cursor and the sequence, whichever is ahead; rolled-back ids count until the relay has passed them.
   */
  lagRows: number;
  /** Age of the oldest row that is not published; 0 when there is none. Of the cursor, where the sequence is behind it. */
  lagSeconds: number;
  /** The oldest row that is committed and not published. */
  oldest: { outboxId: number; eventId: string; appid: string; payment: string; createdAt: string } | null;
  /** The oldest transaction that is writing to the outbox: nothing behind it is published before it ends. */
  blocker: Blocker | null;
  /** Rows that are parked, and those of them that the leader is about to publish. */
  parkedRows: number;
  releasedRows: number;
  parkedSince: string | null;
  /** What keeps the relay from leading: the sequence stands behind the cursor, or behind a row. */
  sequence: SequenceFault | null;
};

export type Blocker = {
  pid: number | null;
  user: string | null;
  application: string | null;
  ageSeconds: number;
  /** Without literals: they may be a buyer's. */
  query: string | null;
};

const nothing = {
  cursor: 0,
  lastId: 0,
  owner: null,
  lagRows: 0,
  lagSeconds: 0,
  oldest: null,
  parkedRows: 0,
  releasedRows: 0,
  parkedSince: null,
  updatedSeconds: 0,
  greatestId: 0,
};

export async function readStatus(db: Queryable, shard: number): Promise<RelayStatus> {
  const { rows } = await db.query<
    Omit<RelayStatus, 'heldBy' | 'sequence'> & { updatedSeconds: number; greatestId: number }
  >(
    `select c.cursor, coalesce(pg_sequence_last_value('fahuo.outbox_id_seq'::regclass), 0) as "lastId", c.owner,
       coalesce((select id from fahuo.outbox order by id desc limit 1), 0) as "greatestId",
       coalesce(extract(epoch from clock_timestamp() - o.created_at), 0)::float8 as "lagSeconds",
       extract(epoch from clock_timestamp() - c.updated_at)::float8 as "updatedSeconds",
       case when o.id is not null then json_build_object('outboxId', o.id, 'eventId', o.event_id, 'appid', o.appid,
         'payment', o.payment, 'createdAt', o.created_at) end as oldest,
       p.rows as "parkedRows", p.released as "releasedRows", p.since as "parkedSince"
     from fahuo.relay_cursor c
       left join lateral (select * from fahuo.outbox o where o.id > c.cursor order by o.id limit 1) o on true
       cross join (
         select count(*) as rows, count(released_at) as released, to_json(min(parked_at)) #>> '{}' as since
         from fahuo.relay_parked where published_at is null
       ) p
     where c.shard = $1`,
    [shard],
  );
  const { updatedSeconds, greatestId, ...found } = rows[0] ?? nothing;
  const sequence = sequenceFault({ cursor: found.cursor, lastId: found.lastId, greatestId });
  return {
    ...found,
    lagRows: Math.abs(found.lastId - found.cursor),
    lagSeconds: sequence === null ? found.lagSeconds : Math.max(found.lagSeconds, updatedSeconds),
    sequence,
    blocker: await readBlocker(db),
  };
}

/**
 * A prepared transaction has no pid: pg_prepared_xacts names its owner and its age. Which one it is says the lock that
 * every transaction holds on its own id.
 */
async function readBlocker(db: Queryable): Promise<Blocker | null> {
  const { rows } = await db.query<Blocker>(
    `select l.pid, coalesce(a.usename, p.owner)::text as user,
       coalesce(a.application_name, 'prepared transaction ' || p.gid) as application,
       extract(epoch from clock_timestamp() - coalesce(a.xact_start, p.prepared))::float8 as "ageSeconds",
       a.query
     from pg_locks l
       left join pg_stat_activity a on a.pid = l.pid
       left join pg_prepared_xacts p on l.pid is null and p.transaction in (
         select x.transactionid from pg_locks x
         where x.locktype = 'transactionid' and x.mode = 'ExclusiveLock' and x.pid is null
           and x.virtualtransaction = l.virtualtransaction
       )
     where l.locktype = 'relation' and l.relation = 'fahuo.outbox'::regclass and l.mode = 'RowExclusiveLock'
       and l.granted and l.database = (select oid from pg_database where datname = current_database())
     order by "ageSeconds" desc limit 1`,
  );
  const [blocker] = rows;
  if (blocker === undefined) return null;
  return { ...blocker, query: blocker.query === null ? null : withoutLiterals(blocker.query) };
}
