import { Producer } from '@platformatic/kafka';
import { systemClock } from '../clock.ts';
import { describeFault } from '../connection-fault.ts';
import { messageOf } from '../errors.ts';
import { platformaticOptions, type KafkaConnection } from './connection.ts';
import { kafkaFaultOf, kafkaRemedies } from './faults.ts';
import type { Message } from './message.ts';
import { produce } from './produce.ts';
import { encodeMessages, type RecordBatch } from './record-batch.ts';

/** Messages of one partition, in order; `records` holds them encoded already, and is left alone until the answer. */
export type PartitionBatch =
  { partition: number; messages: readonly Message[] } | { partition: number; records: RecordBatch };

export type Published =
  /** Every message is in the log of every in-sync replica; offset of the first message by partition. */
  | { kind: 'published'; offsets: ReadonlyMap<number, number> }
  /** The broker refuses a batch for its size: nothing of that partition is in the log. */
  | { kind: 'too_large' }
  | { kind: 'topic_missing' }
  /** Nobody knows what is in the log: send the identical batches again; duplicates go by event id downstream. */
  | { kind: 'unreachable'; reason: string };

export type Publisher = {
  /** Never rejects. One send is in flight at a time; calls queue. */
  publish: (topic: string, batches: readonly PartitionBatch[]) => Promise<Published>;
  close: () => Promise<void>;
};

type Client = Producer;

/**
 * The producer of the relay. It is not idempotent in Kafka's sense, on purpose: a sequence number that is used again
 * after an ambiguous failure makes the broker acknowledge a batch that it drops. After anything but a success the
 * client is thrown away, so the next send starts on fresh connections and fresh metadata.
 */
export function createPublisher(connection: KafkaConnection): Publisher {
  let client: Client | undefined;
  let queue: Promise<unknown> = Promise.resolve();

  const discard = async (): Promise<void> => {
    const old = client;
    client = undefined;
    await old?.close(true).catch(() => undefined);
  };
  const send = async (topic: string, batches: readonly PartitionBatch[]): Promise<Published> => {
    try {
      client ??= createClient(connection);
      const nowMs = systemClock().getTime();
      const encoded = batches.map((batch) => ({
        partition: batch.partition,
        records: ('records' in batch ? batch.records : encodeMessages(batch.messages)).finish(nowMs),
      }));
      const offsets = await produce(client, topic, encoded, platformaticOptions(connection).timeout);
      if (batches.every((batch) => offsets.has(batch.partition))) return { kind: 'published', offsets };
      await discard();
      return { kind: 'unreachable', reason: 'the answer names no offset for a partition' };
    } catch (error) {
      await discard();
      return failureOf(error, connection);
    }
  };
  return {
    publish: (topic, batches) => {
      const sent = queue.then(() => send(topic, batches));
      queue = sent;
      return sent;
    },
    close: async () => {
      await queue;
      await discard();
    },
  };
}

const createClient = (connection: KafkaConnection): Client =>
  new Producer({ ...platformaticOptions(connection), idempotent: false, repeatOnStaleMetadata: false });

const tooLarge = ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'];

/** The library nests the broker's answer in errors and lists of errors; one wins over the others. */
function failureOf(error: unknown, connection: KafkaConnection): Published {
  const ids = brokerCodes(error);
  if (ids.some((id) => tooLarge.includes(id))) return { kind: 'too_large' };
  if (ids.includes('UNKNOWN_TOPIC_OR_PARTITION') || messageOf(error).startsWith('Unknown topic'))
    return { kind: 'topic_missing' };
  const found = kafkaFaultOf(error, connection);
  if (found !== null)
    return { kind: 'unreachable', reason: `${describeFault(found)}. ${kafkaRemedies[found.fault]}` };
  return { kind: 'unreachable', reason: reasonOf(error) };
}

type Nested = { apiId?: unknown; errors?: unknown; cause?: unknown };

function brokerCodes(error: unknown): string[] {
  if (typeof error !== 'object' || error === null) return [];
  const { apiId, errors, cause } = error as Nested;
  const own = typeof apiId === 'string' ? [apiId] : [];
  return [...own, ...(Array.isArray(errors) ? errors.flatMap(brokerCodes) : []), ...brokerCodes(cause)];
}

function reasonOf(error: unknown): string {
  const codes = brokerCodes(error);
  return codes.length > 0 ? codes.join(', ') : messageOf(error);
}
