import { murmur2, partitionOfHash } from '../kafka/partition.ts';
import { RecordBatch } from '../kafka/record-batch.ts';
import { eventTopics } from '../shipment/events.ts';
import { createMessageReader } from './message.ts';
import type { OutboxRow } from './row.ts';

export type Topics = { events: string; acks: string };

export const topicOf = (type: string, topics: Topics): string => topics[eventTopics.get(type) ?? 'events'];

/** What one send carries for one partition, and where its rows lie in the outbox. */
export type PartitionBatch = {
  topic: string;
  partition: number;
  partitionCount: number;
  firstId: number;
  lastId: number;
  records: RecordBatch;
};

/** Kafka refuses a record batch above 1 MiB (message.max.bytes); a row may be 256 kB. */
const maxBatchBytes = 1_000_000;
const frameBytes = 32;

export type Route = { topics: Topics; partitionCounts: ReadonlyMap<string, number> };

/**
 * Groups rows, in id order, by topic and partition, as far as every record batch stays below Kafka's limit.
 * `taken` says how many rows are in; the others go into the next send. A first row is always taken. The same rows and
 * route give the same bytes.
 */
export type Planner = {
  plan: (rows: readonly OutboxRow[], route: Route) => { batches: PartitionBatch[]; taken: number };
  /** Kafka took the batches that were planned last: the next may be larger one day. */
  grow: () => void;
  /** Kafka refused one for its size: the next are smaller, for a while. False where the largest has one row alone. */
  shrink: () => boolean;
  /** Takes back the memory of batches whose send has ended. */
  reuse: (batches: readonly PartitionBatch[]) => void;
};

/** How large a record batch may be, and how many were taken at this limit. */
export type BatchLimit = { bytes: number; taken: number };

/**
 * The limit grows back slowly: a topic's limit seldom changes, and each step up may cost a send that is refused. Pure.
 */
export function grown({ bytes, taken }: BatchLimit): BatchLimit {
  if (taken + 1 < takenBeforeGrowth) return { bytes, taken: taken + 1 };
  return { bytes: Math.min(maxBatchBytes, Math.ceil(bytes * growth)), taken: 0 };
}
const takenBeforeGrowth = 100;
const growth = 1.25;

/** Half of the largest batch that Kafka refused, which had several rows; null where it had one. Pure. */
export const shrunk = (largest: { bytes: number; rows: number }): BatchLimit | null =>
  largest.rows < 2 ? null : { bytes: Math.ceil(largest.bytes / 2), taken: 0 };

function largestOf(batches: readonly PartitionBatch[]): { bytes: number; rows: number } {
  let largest = { bytes: 0, rows: 0 };
  for (const { records } of batches)
    if (records.size > largest.bytes) largest = { bytes: records.size, rows: records.count };
  return largest;
}

export function createPlanner(): Planner {
  let limit: BatchLimit = { bytes: maxBatchBytes, taken: 0 };
  let largest = largestOf([]);
  const read = createMessageReader();
  const spare: RecordBatch[] = [];
  const take = (): RecordBatch => spare.pop() ?? new RecordBatch();

  const plan = (rows: readonly OutboxRow[], { topics, partitionCounts }: Route) => {
    const byTopic = new Map<string, PartitionBatch[]>();
    let taken = 0;
    for (const row of rows) {
      const { type, key, value, headers, headerCount } = read(row);
      const topic = topicOf(type, topics);
      const partitionCount = partitionCounts.get(topic) ?? 1;
      const partition = partitionOfHash(murmur2(key.bytes, key.end), partitionCount);
      let ofTopic = byTopic.get(topic);
      if (ofTopic === undefined) byTopic.set(topic, (ofTopic = []));
      const batch = (ofTopic[partition] ??= {
        topic,
        partition,
        partitionCount,
        firstId: row.id,
        lastId: row.id,
        records: take(),
      });
      const more = key.end + (value.end - value.start) + headers.end + frameBytes;
      if (batch.records.size + more > limit.bytes && taken > 0) break;
      batch.records.append(key, value, headers, headerCount);
      batch.lastId = row.id;
      taken += 1;
    }
    const filled = [...byTopic.values()].flat().filter(({ records }) => records.count > 0); // flat() skips holes
    largest = largestOf(filled);
    return { batches: filled, taken };
  };

  return {
    plan,
    grow: () => void (limit = grown(limit)),
    shrink: () => {
      const smaller = shrunk(largest);
      limit = smaller ?? limit;
      return smaller !== null;
    },
    reuse: (batches) => {
      for (const { records } of batches) {
        records.reset();
        spare.push(records);
      }
    },
  };
}
