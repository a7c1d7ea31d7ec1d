import type { Queryable } from '../../db/client.ts';
import { cutText, storable } from '../text.ts';

/** One app as an instance serves it now. */
export type Serving = { appid: string; unreachableSince: Date | null; reason: string | null };

/** An instance that has not said so for this long serves nothing. */
const freshMs = 30_000;
/** Its row is forgotten after this. */
const forgottenAfterMs = 3_600_000;
const keptReason = 300;

/** Says that this instance serves these apps and no others, and forgets instances that are long gone. */
export async function saveServing(
  db: Queryable,
  instance: string,
  served: readonly Serving[],
): Promise<void> {
  await db.query(
    `with gone as (
      delete from fahuo.serving
      where seen_at < clock_timestamp() - $5 * interval '1 millisecond' or (instance = $1 and appid <> all ($2))
    )
    insert into fahuo.serving (appid, instance, seen_at, unreachable_since, reason)
    select s.appid, $1, clock_timestamp(), s.since, s.reason
    from unnest($2::text[], $3::timestamptz[], $4::text[]) as s(appid, since, reason)
    on conflict (appid, instance) do update set seen_at = excluded.seen_at,
      unreachable_since = excluded.unreachable_since, reason = excluded.reason`,
    [
      instance,
      served.map(({ appid }) => appid),
      served.map(({ unreachableSince }) => unreachableSince),
      served.map(({ reason }) => (reason === null ? null : storable(cutText(reason, keptReason)))),
      forgottenAfterMs,
    ],
  );
}

export async function deleteServing(db: Queryable, instance: string): Promise<void> {
  await db.query('delete from fahuo.serving where instance = $1', [instance]);
}

export type Unreachable = { appid: string; instance: string; since: Date; reason: string };

/** The instances whose sends fail now. */
export async function readUnreachable(db: Queryable): Promise<Unreachable[]> {
  const { rows } = await db.query<Unreachable>(
    `select appid, instance, unreachable_since as since, coalesce(reason, '') as reason from fahuo.serving
     where unreachable_since is not null and seen_at > clock_timestamp() - $1 * interval '1 millisecond'
     order by appid, instance`,
    [freshMs],
  );
  return rows;
}

export type NotServed = { appid: string; rows: number; oldestAt: Date };

/**
 * Apps whose unfinished rows no instance serves (`app_not_served`). Their names are found by skipping through the
 * indexes of unfinished rows; only the rows of such an app are counted, and no more than `limit` of them.
 */
export async function readNotServed(db: Queryable, limit = 100_000): Promise<NotServed[]> {
  const { rows } = await db.query<NotServed>(
    `with recursive pending as (
      (select appid from fahuo.upload where state = 'pending' order by appid limit 1)
      union all
      select (select u.appid from fahuo.upload u where u.state = 'pending' and u.appid > p.appid order by u.appid limit 1)
      from pending p where p.appid is not null
    ), unsettled as (
      (select appid from fahuo.upload where state in ('unknown', 'parked') order by appid limit 1)
      union all
      select (select u.appid from fahuo.upload u where u.state in ('unknown', 'parked') and u.appid > p.appid
        order by u.appid limit 1)
      from unsettled p where p.appid is not null
    ), app as (
      select appid from pending where appid is not null union select appid from unsettled where appid is not null
    )
    select a.appid, w.rows, w.oldest as "oldestAt" from app a cross join lateral (
      select count(*) as rows, min(received_at) as oldest from (
        (select received_at from fahuo.upload u where u.appid = a.appid and u.state = 'pending' limit $2)
        union all
        (select received_at from fahuo.upload u where u.appid = a.appid and u.state in ('unknown', 'parked') limit $2)
      ) r
    ) w
    where w.rows > 0 and not exists (
      select 1 from fahuo.serving s
      where s.appid = a.appid and s.seen_at > clock_timestamp() - $1 * interval '1 millisecond'
    )
    order by a.appid`,
    [freshMs, limit],
  );
  return rows;
}

/** The rows of an app that wait to be sent or read, no more than `limit` of them. */
export async function countWaiting(db: Queryable, appid: string, limit = 100_000): Promise<number> {
  const { rows } = await db.query<{ rows: number }>(
    `select (select count(*) from (select 1 from fahuo.upload where appid = $1 and state = 'pending' limit $2) p)
       + (select count(*) from (select 1 from fahuo.upload where appid = $1 and state = 'unknown' limit $2) k) as rows`,
    [appid, limit],
  );
  return rows[0]?.rows ?? 0;
}
