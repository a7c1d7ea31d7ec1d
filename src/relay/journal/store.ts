import type { Queryable } from '../../../db/client.ts';
import type { RelayParkReason } from '../../../db/states.ts';
import { journalSpan } from './entry.ts';

export type LocatedRow = {
  id: number;
  eventId: string;
  source: string;
  type: string;
  appid: string;
  payment: string;
  /** Null of a received event. */
  version: number | null;
  createdAt: Date;
  /** Why it was not published in its turn, and where it lies if it was published later. */
  parked: { reason: RelayParkReason; since: string; place: Place | null } | null;
};

export type Place = { topic: string; partition: number; offset: number; publishedAt: string };

export type Journaled = {
  firstId: number;
  partition: number;
  partitionCount: number;
  baseOffset: number;
  publishedAt: Date;
};

/** Journal rows of a topic whose id range holds `id`: one a partition at most. */
export async function readJournalAt(db: Queryable, id: number, topic: string): Promise<Journaled[]> {
  const { rows } = await db.query<Journaled>(
    `select first_id as "firstId", partition, partition_count as "partitionCount", base_offset as "baseOffset",
       published_at as "publishedAt"
     from fahuo.relay_journal
     where first_id <= $1 and first_id > $1 - ${journalSpan} and last_id >= $1 and topic = $2`,
    [id, topic],
  );
  return rows;
}

/**
 * Rows from `from` up to, not including, `to` that were published at `publishedAt`: without those that were parked instead,
 * and without those that were written later, by a sequence that was set back.
 */
export async function readBetween(
  db: Queryable,
  { from, to, publishedAt }: { from: number; to: number; publishedAt: Date },
): Promise<Pick<LocatedRow, 'type' | 'appid' | 'payment'>[]> {
  const { rows } = await db.query<Pick<LocatedRow, 'type' | 'appid' | 'payment'>>(
    `select o.type, o.appid, o.payment from fahuo.outbox o
     where o.id >= $1 and o.id < $2 and o.created_at <= $3 and not exists (
       select 1 from fahuo.relay_parked p where p.outbox_id = o.id and p.event_id = o.event_id
     )`,
    [from, to, publishedAt],
  );
  return rows;
}

/**
 * Reads the whole outbox: an index by payment would cost every writer a page a row, for a payment that nothing else names.
 * Oldest first.
 */
export async function readOutboxRows(db: Queryable, payment: string): Promise<LocatedRow[]> {
  const { rows } = await db.query<LocatedRow>(
    `select ${located} from fahuo.outbox o where o.payment = $1 order by o.id`,
    [payment],
  );
  return rows;
}

const located = `o.id, o.event_id as "eventId", o.source, o.type, o.appid, o.payment, o.version, o.created_at as "createdAt",
  (select jsonb_build_object('reason', p.park_reason, 'since', p.parked_at, 'place',
     case when p.published_at is not null then jsonb_build_object('topic', p.topic, 'partition', p.partition,
       'offset', p."offset", 'publishedAt', p.published_at) end)
   from fahuo.relay_parked p where p.outbox_id = o.id and p.event_id = o.event_id) as parked`;

export type Position = Pick<Place, 'topic' | 'partition' | 'offset'>;

/**
 * Where rows of these places lie in the outbox, by the journal; and the id after which are those that no consumer of this
 * database has passed yet, published or not.
 */
export async function readSpans(
  db: Queryable,
  places: readonly Position[],
  topic: string,
): Promise<{ spans: { first: number; last: number }[]; unseenAfter: number }> {
  const { rows: spans } = await db.query<{ first: number; last: number }>(
    `select j.first_id as "first", j.last_id as "last"
     from unnest($1::text[], $2::int4[], $3::int8[]) as p(topic, partition, "offset") cross join lateral (
       select first_id, last_id from fahuo.relay_journal
       where topic = p.topic and partition = p.partition and base_offset <= p."offset"
         and base_offset > p."offset" - ${journalSpan} and base_offset + count > p."offset" offset 0
     ) j`,
    [
      places.map((place) => place.topic),
      places.map((place) => place.partition),
      places.map((place) => place.offset),
    ],
  );
  const { rows } = await db.query<{ after: number }>(
    `select least(
       (select min(cursor) from fahuo.relay_cursor),
       (select min(j.first_id) - 1
        from generate_series(0, (select max(partition) from fahuo.relay_journal where topic = $1)) as n(partition)
        cross join lateral (
          select coalesce(max(next_offset), 0) as next from fahuo.consumer_offset c
          where c.topic = $1 and c.partition = n.partition and c.consumer_group not like 'replay/%'
        ) c
        cross join lateral (
          select first_id from fahuo.relay_journal
          where topic = $1 and partition = n.partition and base_offset > c.next - ${journalSpan}
            and base_offset + count > c.next
          order by base_offset limit 1
        ) j)
     ) as after`,
    [topic],
  );
  return { spans, unseenAfter: rows[0]?.after ?? 0 };
}

/** The payment's rows within these spans and after that id: by the primary key. */
export async function readOutboxRowsIn(
  db: Queryable,
  payment: string,
  { spans, unseenAfter }: Awaited<ReturnType<typeof readSpans>>,
): Promise<LocatedRow[]> {
  const { rows } = await db.query<LocatedRow>(
    `select o.* from unnest($2::int8[], $3::int8[]) as s("first", "last") cross join lateral (
       select ${located} from fahuo.outbox o where o.id between s."first" and s."last" and o.payment = $1 offset 0
     ) o
     union
     select ${located} from fahuo.outbox o where o.id > $4 and o.payment = $1
     order by 1`,
    [payment, spans.map(({ first }) => first), spans.map(({ last }) => last), unseenAfter],
  );
  return rows;
}
