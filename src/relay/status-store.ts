import type { Queryable } from '../../db/client.ts';

/** Where the relay stands, and who holds it back. */
export type RelayStatus = {
  cursor: number;
  lastId: number;
  owner: string | null;
  /** Ids between the cursor and the sequence; rolled-back ids count until the relay has passed them. */
  lagRows: number;
  /** Age of the oldest row that is not published; 0 when there is none. */
  lagSeconds: number;
  /** The oldest row that is committed and not published. */
  oldest: { outboxId: number; eventId: string; appid: string; payment: string; createdAt: string } | null;
  /** The oldest transaction that is writing to the outbox. */
  heldBy: Holder | null;
  parkedRows: number;
};

export type Holder = {
  pid: number | null;
  user: string | null;
  application: string | null;
  ageSeconds: number;
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
};

export async function readStatus(db: Queryable, shard: number): Promise<RelayStatus> {
  const { rows } = await db.query<Omit<RelayStatus, 'heldBy'>>(
    `select c.cursor, s.last as "lastId", c.owner, greatest(0, s.last - c.cursor) as "lagRows",
       coalesce(extract(epoch from clock_timestamp() - o.created_at), 0)::float8 as "lagSeconds",
       case when o.id is not null then json_build_object('outboxId', o.id, 'eventId', o.event_id, 'appid', o.appid,
         'payment', o.payment, 'createdAt', o.created_at) end as oldest,
       (select count(*) from fahuo.relay_parked) as "parkedRows"
     from fahuo.relay_cursor c
       cross join (
         select case when is_called then last_value else last_value - 1 end as last from fahuo.outbox_id_seq
       ) s
       left join lateral (select * from fahuo.outbox o where o.id > c.cursor order by o.id limit 1) o on true
     where c.shard = $1`,
    [shard],
  );
  return { ...(rows[0] ?? nothing), heldBy: await readHolder(db) };
}

/**
 * A prepared transaction has no pid: pg_prepared_xacts names its owner and its age. Which one it is says the lock that
 * every transaction holds on its own id.
 */
async function readHolder(db: Queryable): Promise<Holder | null> {
  const { rows } = await db.query<Holder>(
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
  return rows[0] ?? null;
}
