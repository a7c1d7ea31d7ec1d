import type { Pool } from '../../../db/client.ts';
import type { Received } from '../../kafka/message.ts';
import type { OffsetRange } from '../../kafka/offset-range.ts';
import { partitionFor } from '../../kafka/partition.ts';
import { topicOf, type Topics } from '../batch.ts';
import { readJournalRange, readPublishedRows, type PublishedRow } from './range-store.ts';
import { keyOf } from '../row.ts';

/**
 * What the topic has forgotten, from the outbox: the journal says which rows lay at which offsets, and a row has all that
 * its message had. `unread` are the offsets that the outbox has forgotten as well, and those of other producers.
 */
export async function readFromOutbox(
  pool: Pool,
  { topics, range, signal }: { topics: Topics; range: OffsetRange; signal?: AbortSignal },
  onMessages: (messages: Received[]) => Promise<void>,
): Promise<{ unread: OffsetRange[] }> {
  const { partition, from, to } = range;
  const unread: OffsetRange[] = [];
  let next = from;
  const entries = await readJournalRange(pool, { topic: topics.events, partition, from, to });
  for (const entry of entries) {
    if (signal?.aborted === true) break;
    const rows = await readPublishedRows(pool, entry);
    const own = rows.filter(
      (row) =>
        topicOf(row.type, topics) === topics.events &&
        partitionFor(keyOf(row), entry.partitionCount) === partition,
    );
    if (own.length !== entry.count) continue; // rows of it are gone, and which of them nobody can say
    if (entry.baseOffset > next) unread.push({ partition, from: next, to: entry.baseOffset });
    const messages = own
      .map((row, index) =>
        messageFrom(row, { topic: topics.events, partition, offset: entry.baseOffset + index }),
      )
      .filter(({ offset }) => offset >= next && offset < to);
    if (messages.length > 0) await onMessages(messages);
    next = Math.max(next, entry.baseOffset + entry.count);
  }
  if (next < to) unread.push({ partition, from: next, to });
  return { unread };
}

/** The message that the relay made of this row. */
export function messageFrom(
  row: PublishedRow,
  place: { topic: string; partition: number; offset: number },
): Received {
  const attributes: Record<string, string | null> = {
    ce_specversion: '1.0',
    'content-type': 'application/json',
    ce_type: row.type,
    ce_source: row.source,
    ce_appid: row.appid,
    ce_id: row.eventId,
    ce_time: row.eventTime,
    ce_version: row.version === null ? null : String(row.version),
    ce_reason: row.reason,
    ce_approvedby: row.approvedBy,
    traceparent: row.traceparent,
  };
  const headers = Object.entries(attributes).flatMap(([name, value]): [string, Buffer][] =>
    value === null ? [] : [[name, Buffer.from(value)]],
  );
  return {
    ...place,
    key: Buffer.from(keyOf(row)),
    value: Buffer.from(row.data),
    headers: Object.fromEntries(headers),
    timestampMs: row.publishedAtMs,
  };
}
