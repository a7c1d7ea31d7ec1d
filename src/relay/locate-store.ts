import type { Queryable } from '../../db/client.ts';
import { journalSpan } from './store.ts';

export type LocatedRow = {
  id: number;
  eventId: string;
  type: string;
  appid: string;
  payment: string;
  version: number;
  createdAt: Date;
};

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

/** Rows from `from` up to, not including, `to`, without those that were parked instead of published. */
export async function readBetween(
  db: Queryable,
  from: number,
  to: number,
): Promise<Pick<LocatedRow, 'type' | 'appid' | 'payment'>[]> {
  const { rows } = await db.query<Pick<LocatedRow, 'type' | 'appid' | 'payment'>>(
    `select o.type, o.appid, o.payment from fahuo.outbox o
     where o.id >= $1 and o.id < $2 and not exists (select 1 from fahuo.relay_parked p where p.outbox_id = o.id)`,
    [from, to],
  );
  return rows;
}

/** No index serves this: one page of the outbox's primary key a row would cost every writer. Operators wait. */
export async function readOutboxRows(db: Queryable, payment: string): Promise<LocatedRow[]> {
  const { rows } = await db.query<LocatedRow>(
    `select id, event_id as "eventId", type, appid, payment, version, created_at as "createdAt"
     from fahuo.outbox where payment = $1 order by id`,
    [payment],
  );
  return rows;
}
