import type { AdoptState } from '../../db/states.ts';
import type { Queryable } from '../../db/client.ts';

export type AdoptStatus = {
  name: string;
  owner: string | null;
  /** Rows of fahuo_touched, as last counted, and since when. */
  waiting: number;
  waitingSince: string | null;
  lookedAt: string | null;
  failure: string | null;
  failedAt: string | null;
  /** Keys of the shop by state, and the reasons of those that are skipped, held or fail, the most frequent first. */
  keys: { state: AdoptState; count: number }[];
  reasons: { state: AdoptState; reason: string; count: number; example: string }[];
  proposals: {
    appid: string;
    payment: string;
    why: string | null;
    since: string;
    said: unknown;
    proposed: unknown;
  }[];
  held: { appid: string; payment: string; reason: string | null; detail: string | null; since: string }[];
  /** Payments whose last answer is WeChat's refusal. */
  rejected: number;
  backfills: { kind: string; looked: number; events: number; startedAt: string; finishedAt: string | null }[];
};

const maxReasons = 20;
const maxRows = 50;

/** Of one source, or of all. */
export async function readAdoptStatus(db: Queryable, name: string | null): Promise<AdoptStatus[]> {
  const { rows } = await db.query<AdoptStatus>(
    `select s.name, case when s.lease_until > clock_timestamp() then s.owner end as owner, s.waiting, s.waiting_since as "waitingSince",
       s.looked_at as "lookedAt", s.failure, s.failed_at as "failedAt",
       (select coalesce(json_agg(k order by k.state), '[]') from (
         select state, count(*)::int as count from fahuo.adopt_key where source = s.name group by state) k) as keys,
       (select coalesce(json_agg(r order by r.count desc), '[]') from (
         select state, coalesce(detail, '') as reason, count(distinct coalesce(payment, kind || ' ' || ref))::int as count, min(kind || ' ' || ref) as example from fahuo.adopt_key
         where source = s.name and state in ('skipped', 'held', 'failed', 'gone') group by 1, 2 order by 3 desc limit ${maxReasons}) r) as reasons,
       (select coalesce(json_agg(p), '[]') from (
         select appid, payment, detail as why, updated_at as since, said::json, proposed::json from fahuo.adopt_payment
         where source = s.name and state = 'proposed' order by updated_at limit ${maxRows}) p) as proposals,
       (select coalesce(json_agg(p), '[]') from (
         select appid, payment, reason, detail, updated_at as since from fahuo.adopt_payment
         where source = s.name and state = 'held' order by updated_at limit ${maxRows}) p) as held,
       (select count(*)::int from fahuo.adopt_payment where source = s.name and answered like '["rejected"%') as rejected,
       (select coalesce(json_agg(b order by b."startedAt"), '[]') from (
         select kind, looked, events, started_at as "startedAt", finished_at as "finishedAt" from fahuo.adopt_backfill
         where source = s.name) b) as backfills
     from fahuo.adopt_source s where $1::text is null or s.name = $1 order by s.name`,
    [name],
  );
  return rows;
}

export type AdoptHealth = {
  name: string;
  owner: string | null;
  waiting: number;
  /** Of the oldest touched row; 0 where none waits. */
  waitingSeconds: number;
  failure: string | null;
  held: number;
  proposed: number;
};

/** What of each adopted shop a person wants to see at a glance. */
export async function readAdoptHealth(db: Queryable): Promise<AdoptHealth[]> {
  const { rows } = await db.query<AdoptHealth>(
    `select s.name, case when s.lease_until > clock_timestamp() then s.owner end as owner, s.waiting,
       greatest(0, coalesce(extract(epoch from clock_timestamp() - s.waiting_since), 0))::float8 as "waitingSeconds", s.failure,
       (select count(*) from fahuo.adopt_payment p where p.source = s.name and p.state = 'held')::int as held,
       (select count(*) from fahuo.adopt_payment p where p.source = s.name and p.state = 'proposed')::int as proposed
     from fahuo.adopt_source s order by s.name`,
  );
  return rows;
}
