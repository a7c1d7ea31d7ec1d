import { partitionFor } from '../kafka/partition.ts';
import type { Message } from '../kafka/message.ts';
import { keyOf, messageOf, type OutboxRow } from './message.ts';

export type Topics = { events: string; acks: string };

const ACKNOWLEDGED = 'fahuo.shipment.acknowledged.v1';

export const topicOf = (type: string, topics: Topics): string =>
  type === ACKNOWLEDGED ? topics.acks : topics.events;

/** What one send carries for one partition, and where its rows lie in the outbox. */
export type Part = {
  topic: string;
  partition: number;
  partitionCount: number;
  firstId: number;
  lastId: number;
  messages: Message[];
};

/** Kafka refuses a record batch above 1 MiB (message.max.bytes); headers and framing need the rest. */
const maxPartBytes = 900_000;
const frameBytes = 400;

/**
 * Groups rows, in id order, by topic and partition, as far as every record batch stays below Kafka's limit.
 * `taken` says how many rows are in; the rest goes into the next send. A first row is always taken.
 */
export function planSend(
  rows: readonly OutboxRow[],
  route: { topics: Topics; partitionCounts: ReadonlyMap<string, number> },
): { parts: Part[]; taken: number } {
  const parts = new Map<string, Part & { bytes: number }>();
  let taken = 0;
  for (const row of rows) {
    const topic = topicOf(row.type, route.topics);
    const partitionCount = route.partitionCounts.get(topic) ?? 1;
    const partition = partitionFor(keyOf(row), partitionCount);
    const at = `${topic}/${partition}`;
    const part = parts.get(at) ?? {
      topic,
      partition,
      partitionCount,
      firstId: row.id,
      lastId: row.id,
      messages: [],
      bytes: 0,
    };
    const value = Buffer.from(row.data); // encoded once: the size is known, and the client copies bytes
    const bytes = value.length + frameBytes;
    if (part.bytes + bytes > maxPartBytes && taken > 0) break;
    part.bytes += bytes;
    part.lastId = row.id;
    part.messages.push(messageOf(row, value));
    parts.set(at, part);
    taken += 1;
  }
  return { parts: [...parts.values()], taken };
}
