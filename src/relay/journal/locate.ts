import type { Queryable } from '../../../db/client.ts';
import { partitionFor } from '../../kafka/partition.ts';
import { topicOf, type Topics } from '../batch.ts';
import {
  readBetween,
  readJournalAt,
  readOutboxRows,
  readOutboxRowsIn,
  readSpans,
  type LocatedRow,
  type Position,
} from './store.ts';
import { keyOf } from '../row.ts';

/**
 * `eventId` is what must lie there: a topic that was made again has the same offsets and other messages, and nothing in
 * the journal tells one from the other.
 */
export type Location = {
  topic: string;
  partition: number;
  offset: number;
  publishedAt: Date;
  eventId: string;
};

/**
 * Where an outbox row lies in Kafka, computed from the journal: its batch's base offset and its place among the rows
 * of its partition. A row that was published out of its turn says it itself. Null while it is not published, and after
 * the journal's retention.
 */
export async function locate(db: Queryable, row: LocatedRow, topics: Topics): Promise<Location | null> {
  if (row.parked !== null) {
    const { place } = row.parked;
    return place && { ...place, publishedAt: new Date(place.publishedAt), eventId: row.eventId };
  }
  const topic = topicOf(row.type, topics);
  for (const entry of await readJournalAt(db, row.id, topic)) {
    if (partitionFor(keyOf(row), entry.partitionCount) !== entry.partition) continue;
    if (row.createdAt > entry.publishedAt) continue; // it has the id of one that was published before it was written
    const between = await readBetween(db, {
      from: entry.firstId,
      to: row.id,
      publishedAt: entry.publishedAt,
    });
    const before = between.filter(
      (other) =>
        topicOf(other.type, topics) === topic &&
        partitionFor(keyOf(other), entry.partitionCount) === entry.partition,
    );
    return {
      topic,
      partition: entry.partition,
      offset: entry.baseOffset + before.length,
      publishedAt: entry.publishedAt,
      eventId: row.eventId,
    };
  }
  return null;
}

/**
 * The rows of one payment that messages at these places came from, and those that wait to be consumed, oldest first. By
 * index; the whole outbox is read only for a payment that has neither: its rows were lost, or no message names it.
 */
export async function outboxRowsFrom(
  db: Queryable,
  payment: string,
  { places, topic }: { places: readonly Position[]; topic: string },
): Promise<LocatedRow[]> {
  const found = await readOutboxRowsIn(db, payment, await readSpans(db, places, topic));
  return found.length > 0 || places.length > 0 ? found : readOutboxRows(db, payment);
}
