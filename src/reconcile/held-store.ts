import type { Queryable } from '../../db/client.ts';
import type { LocatedRow } from '../relay/journal/store.ts';
import type { PublishedRow } from '../relay/journal/range-store.ts';
import type { HeldUpload } from './decide.ts';

/** One name of one payment. */
export type Name = { transactionId: string; payment: string };

const named = `unnest($2::text[], $3::text[]) as given(transaction_id, payment)`;
const values = (appid: string, names: readonly Name[]): unknown[] => [
  appid,
  names.map((one) => one.transactionId),
  names.map((one) => one.payment),
];

/** The uploads of these payments, under every name that they have, those that a read told before included. */
export async function readHeldUploads(
  db: Queryable,
  appid: string,
  names: readonly Name[],
): Promise<(HeldUpload & { transactionId: string })[]> {
  const { rows } = await db.query<HeldUpload & { transactionId: string }>(
    `select n.transaction_id as "transactionId", u.* from (
       select * from ${named}
       union
       select a.transaction_id, a.payment from fahuo.payment_alias a where a.appid = $1 and a.transaction_id = any($2::text[])
     ) n cross join lateral (
       select id, version, kind, state, resolved_by is not null as resolved, upload_time as "uploadedAt",
         case when state = 'acknowledged' then body end as body
       from fahuo.upload where payment = n.payment and appid = $1 offset 0
     ) u order by u.id`,
    values(appid, names),
  );
  return rows;
}

export type HeldEvent = LocatedRow & PublishedRow & { transactionId: string; published: boolean };

/** The shipments of these payments that the outbox has, oldest first; `published` is false of what the relay has not come to. */
export async function readHeldEvents(
  db: Queryable,
  appid: string,
  names: readonly Name[],
): Promise<HeldEvent[]> {
  const { rows } = await db.query<HeldEvent>(
    `select given.transaction_id as "transactionId", o.*, o.id <= (select min(cursor) from fahuo.relay_cursor) as published
     from ${named} cross join lateral (
       select o.id, o.event_id as "eventId", o.type, o.source, o.event_time as "eventTime", o.appid, o.payment, o.version,
         o.reason, o.approved_by as "approvedBy", o.traceparent, o.data, o.created_at as "createdAt",
         (date_part('epoch', o.created_at) * 1000)::bigint as "publishedAtMs",
         (select jsonb_build_object('reason', p.park_reason, 'since', p.parked_at, 'place',
            case when p.published_at is not null then jsonb_build_object('topic', p.topic, 'partition', p.partition,
              'offset', p."offset", 'publishedAt', p.published_at) end)
          from fahuo.relay_parked p where p.outbox_id = o.id and p.event_id = o.event_id) as parked
       from fahuo.outbox o where o.payment = given.payment and o.appid = $1 and o.version is not null offset 0
     ) o order by o.id`,
    values(appid, names),
  );
  return rows;
}

/** Which of these payments have an answer without an upload: a dead letter, a refused offer, or a tombstone. */
export async function readEnded(
  db: Queryable,
  appid: string,
  names: readonly Name[],
): Promise<ReadonlySet<string>> {
  const { rows } = await db.query<{ transactionId: string }>(
    `select distinct transaction_id as "transactionId" from ${named}
     where exists (select from fahuo.dead_letter d where d.payment = given.payment and d.appid = $1
         and d.type is distinct from 'fahuo.shipment.received.v1')
       or exists (select from fahuo.refused_offer r where r.payment = given.payment and r.appid = $1
         and r.type is distinct from 'fahuo.shipment.received.v1')
       or exists (select from fahuo.tombstone t where t.payment = given.payment and t.appid = $1)`,
    values(appid, names),
  );
  return new Set(rows.map(({ transactionId }) => transactionId));
}

/** By partition, how far a group has come in a topic. */
export async function readConsumed(
  db: Queryable,
  { group, topic }: { group: string; topic: string },
): Promise<ReadonlyMap<number, number>> {
  const { rows } = await db.query<{ partition: number; next: number }>(
    `select partition, next_offset as next from fahuo.consumer_offset where consumer_group = $1 and topic = $2`,
    [group, topic],
  );
  return new Map(rows.map(({ partition, next }) => [partition, next]));
}
