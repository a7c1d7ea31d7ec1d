import type { Queryable } from '../../db/client.ts';
import type { RelayParkReason } from '../../db/states.ts';
import { journalSpan } from './store.ts';

export type LocatedRow = {
  id: number;
  eventId: string;
  type: string;
  appid: string;
  payment: string;
  version: number;
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

/** No index serves this: one page of the outbox's primary key a row would cost every writer. Operators wait. */
export async function readOutboxRows(db: Queryable, payment: string): Promise<LocatedRow[]> {
  const { rows } = await db.query<LocatedRow>(
    `select o.id, o.event_id as "eventId", o.type, o.appid, o.payment, o.version, o.created_at as "createdAt",
       case when p.outbox_id is not null then json_build_object('reason', p.park_reason, 'since', p.parked_at, 'place',
         case when p.published_at is not null then json_build_object('topic', p.topic, 'partition', p.partition,
           'offset', p."offset", 'publishedAt', p.published_at) end) end as parked
     from fahuo.outbox o left join fahuo.relay_parked p on p.outbox_id = o.id and p.event_id = o.event_id
     where o.payment = $1 order by o.id`,
    [payment],
  );
  return rows;
}
