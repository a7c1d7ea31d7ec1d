import type { Queryable } from '../../../db/client.ts';
import { journalSpan, type JournalEntry } from './entry.ts';

/** A published batch of one partition, and when. */
export type PublishedBatch = Pick<
  JournalEntry,
  'firstId' | 'lastId' | 'partition' | 'partitionCount' | 'baseOffset' | 'count'
> & { publishedAt: Date };

const entryColumns = `first_id as "firstId", last_id as "lastId", partition, partition_count as "partitionCount",
  base_offset as "baseOffset", count, published_at as "publishedAt"`;

/** Batches that hold offsets of this range, in the order of offsets. */
export async function readJournalRange(
  db: Queryable,
  range: { topic: string; partition: number; from: number; to: number },
): Promise<PublishedBatch[]> {
  const { rows } = await db.query<PublishedBatch>(
    `select ${entryColumns} from fahuo.relay_journal
     where topic = $1 and partition = $2 and base_offset > $3::bigint - ${journalSpan} and base_offset < $4
       and base_offset + count > $3
     order by base_offset`,
    [range.topic, range.partition, range.from, range.to],
  );
  return rows;
}

/** By partition, the offset of the first batch that was published at this time or later. */
export async function readOffsetsSince(db: Queryable, topic: string, at: Date): Promise<Map<number, number>> {
  const { rows } = await db.query<{ partition: number; offset: number }>(
    `select partition, min(base_offset) as "offset" from fahuo.relay_journal
     where topic = $1 and published_at >= $2 group by partition`,
    [topic, at],
  );
  return new Map(rows.map(({ partition, offset }) => [partition, offset]));
}

export type PublishedRow = {
  id: number;
  eventId: string;
  type: string;
  source: string;
  eventTime: string;
  appid: string;
  payment: string;
  version: number | null;
  reason: string | null;
  approvedBy: string | null;
  traceparent: string | null;
  data: string;
  publishedAtMs: number;
};

/** Rows of the outbox that went out with this batch, in the order of their offsets, of whatever partition. */
export async function readPublishedRows(db: Queryable, batch: PublishedBatch): Promise<PublishedRow[]> {
  const { rows } = await db.query<PublishedRow>(
    `select o.id, o.event_id as "eventId", o.type, o.source, o.event_time as "eventTime", o.appid, o.payment, o.version, o.reason,
       o.approved_by as "approvedBy", o.traceparent, o.data, $4::bigint as "publishedAtMs"
     from fahuo.outbox o
     where o.id between $1 and $2 and o.created_at <= $3 and not exists (
       select 1 from fahuo.relay_parked p where p.outbox_id = o.id and p.event_id = o.event_id
     ) order by o.id`,
    [batch.firstId, batch.lastId, batch.publishedAt, batch.publishedAt.getTime()],
  );
  return rows;
}
