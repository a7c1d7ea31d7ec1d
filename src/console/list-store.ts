import type { Queryable } from '../../db/client.ts';

/** What `fahuo list` can look for: uploads by state, dead letters, and offers that the door refused. */
export const listStates = [
  'parked',
  'pending',
  'uploading',
  'unknown',
  'rejected',
  'dead',
  'refused',
] as const;
export type ListState = (typeof listStates)[number];

export type ListQuery = {
  olderThanMs: number;
  reason: string | null;
  appid: string | null;
  limit: number;
};

export type Listed = {
  appid: string | null;
  payment: string | null;
  version: number | null;
  eventId: string | null;
  source: string | null;
  /** The dead letter's, for those alone. */
  letterId: number | null;
  state: ListState;
  reason: string;
  detail: string | null;
  remedy: string | null;
  since: Date;
  nextAttemptAt: Date | null;
};

/** What is in the state and not mended since, oldest or next first. Each way is along an index of what is open. */
export async function readListed(db: Queryable, state: ListState, query: ListQuery): Promise<Listed[]> {
  const { olderThanMs, reason, appid, limit } = query;
  const { rows } = await db.query<Omit<Listed, 'state'>>(statementOf(state), [
    olderThanMs,
    reason,
    appid,
    limit,
  ]);
  return rows.map((row) => ({ ...row, state }));
}

function statementOf(state: ListState): string {
  switch (state) {
    case 'parked':
    case 'pending':
    case 'uploading':
    case 'unknown':
      return openUploads(state);
    case 'rejected':
      return rejectedUploads;
    case 'dead':
      return deadLetters;
    case 'refused':
      return refusedOffers;
  }
}

const columns = `e.appid, e.payment, e.version, e.event_id as "eventId", e.source, e.reason, e.detail, e.remedy`;
const oldEnough = (column: string): string =>
  `${column} <= clock_timestamp() - $1::float8 * interval '1 millisecond'`;
const asked = `($2::text is null or e.reason = $2) and ($3::text is null or e.appid = $3)`;

/** Apps are found by skipping through the index of the state's rows, and each app's rows come along it. */
const openUploads = (state: 'parked' | 'pending' | 'uploading' | 'unknown'): string => `
  with recursive app as (
    (select appid from fahuo.upload where state = '${state}' order by appid limit 1)
    union all
    select (select u.appid from fahuo.upload u where u.state = '${state}' and u.appid > a.appid order by u.appid limit 1)
    from app a where a.appid is not null
  )
  select e.* from app a cross join lateral (
    select ${columns}, null::bigint as "letterId", e.received_at as since, e.next_attempt_at as "nextAttemptAt"
    from (
      select u.id, u.next_attempt_at as due from fahuo.upload u
      where u.appid = a.appid and u.state = '${state}' and ${oldEnough('u.received_at')}
      order by u.next_attempt_at, u.id offset 0
    ) u cross join lateral (
      select * from fahuo.upload_events e where e.upload_id = u.id limit 1
    ) e
    where ${asked} order by u.due, u.id limit $4
  ) e
  where a.appid is not null order by e.since, e.payment limit $4`;

/** A newer version of the payment that WeChat has mends what an older event got wrong. */
const mendedBy = (appid: string, payment: string, version: string): string => `exists (
    select from fahuo.upload n where n.payment = ${payment} and n.appid = ${appid} and n.version > ${version}
      and n.state = 'acknowledged' offset 0
  )`;

const rejectedUploads = `
  select ${columns}, null::bigint as "letterId", e.updated_at as since, null::timestamptz as "nextAttemptAt"
  from (
    select u.id from fahuo.upload u
    where u.state = 'rejected' and u.resolved_by is null and ${oldEnough('u.finished_at')}
      and not ${mendedBy('u.appid', 'u.payment', 'u.version')}
    order by u.id offset 0
  ) u cross join lateral (
    select * from fahuo.upload_events e where e.upload_id = u.id limit 1
  ) e
  where ${asked} order by u.id limit $4`;

const deadLetters = `
  select e.appid, e.payment, e.version, e.event_id as "eventId", e.source, e.reason::text as reason, e.detail,
    (select r.remedy from fahuo.event_reason r where r.reason = e.reason::text and r.state = 'rejected') as remedy,
    e.id as "letterId", e.received_at as since, null::timestamptz as "nextAttemptAt"
  from fahuo.dead_letter e
  where e.redriven_at is null and ${oldEnough('e.received_at')}
    and ($2::text is null or e.reason::text = $2) and ($3::text is null or e.appid = $3)
    and not ${mendedBy('e.appid', 'e.payment', 'coalesce(e.version, 0)')}
    and not (e.reason in ('invalid', 'undecodable') and exists (
      select from fahuo.upload u where u.event_id = e.event_id and u.source = e.source
        and case when u.topic = e.topic and u.partition = e.partition then u."offset" > e."offset" else u.received_at >= e.received_at end
      offset 0
    ))
  order by e.id limit $4`;

const refusedOffers = `
  select e.appid, e.payment, e.version, e.event_id as "eventId", e.source, 'invalid' as reason, e.detail,
    (select r.remedy from fahuo.event_reason r where r.reason = 'invalid' and r.state = 'rejected') as remedy,
    null::bigint as "letterId", e.offered_at as since, null::timestamptz as "nextAttemptAt"
  from fahuo.refused_offer e
  where ${oldEnough('e.offered_at')} and ($2::text is null or $2 = 'invalid') and ($3::text is null or e.appid = $3)
    and not ${mendedBy('e.appid', 'e.payment', 'coalesce(e.version, 0)')}
    and not exists (
      select from fahuo.upload u where u.event_id = e.event_id and u.source = e.source and u.received_at >= e.offered_at offset 0
    )
  order by e.id limit $4`;
