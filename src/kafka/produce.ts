import {
  ProduceAcks,
  produceV8,
  Writer,
  type ClusterMetadata,
  type Connection,
  type Producer,
} from '@platformatic/kafka';
import { FahuoError } from '../errors.ts';

/** One record batch, encoded, and where it goes. */
export type Batch = { partition: number; records: Buffer };

type ProduceAnswer = ReturnType<typeof produceV8.parseResponse>;

/** Kafka 2.4 to today's; 8 is the last version without compact types. */
const produceKey = 0;
const produceVersion = 8;

/**
 * Sends encoded batches, one request to each broker that leads some of them, all at once. Resolves with the first
 * offset by partition when every broker said yes; rejects with what the library makes of an error, after every
 * request has ended: nothing of this send is under way then.
 */
export async function produce(
  client: Producer,
  topic: string,
  batches: readonly Batch[],
  timeoutMs: number,
): Promise<ReadonlyMap<number, number>> {
  const metadata = await client.metadata({ topics: [topic] });
  const answers = await Promise.allSettled(
    [...byLeader(metadata, topic, batches)].map(async ([leader, own]) => {
      const broker = metadata.brokers.get(leader);
      if (broker === undefined) throw unreachable(`broker ${leader} is not known`);
      return request(await client.connections.get(broker), topic, own, timeoutMs);
    }),
  );
  const offsets = new Map<number, number>();
  for (const answer of answers) {
    if (answer.status === 'rejected') throw answer.reason;
    for (const { partitionResponses } of answer.value.responses)
      for (const { index, baseOffset } of partitionResponses) offsets.set(index, Number(baseOffset));
  }
  return offsets;
}

function byLeader(
  metadata: ClusterMetadata,
  topic: string,
  batches: readonly Batch[],
): ReadonlyMap<number, Batch[]> {
  const leaders = new Map<number, Batch[]>();
  for (const batch of batches) {
    const leader = metadata.topics.get(topic)?.partitions[batch.partition]?.leader ?? -1;
    if (leader < 0) throw unreachable(`partition ${batch.partition} of ${topic} has no leader`);
    leaders.set(leader, [...(leaders.get(leader) ?? []), batch]);
  }
  return leaders;
}

const unreachable = (detail: string): FahuoError => new FahuoError('KAFKA_UNREACHABLE', detail);
const unanswered = (): FahuoError => unreachable('no answer');

function request(
  connection: Connection,
  topic: string,
  batches: readonly Batch[],
  timeoutMs: number,
): Promise<ProduceAnswer> {
  return new Promise((resolve, reject) => {
    connection.send<ProduceAnswer>(
      produceKey,
      produceVersion,
      () => encode(topic, batches, timeoutMs),
      produceV8.parseResponse,
      false,
      false,
      (error, answer) => (answer === undefined ? reject(error ?? unanswered()) : resolve(answer)),
    );
  });
}

function encode(topic: string, batches: readonly Batch[], timeoutMs: number): Writer {
  return Writer.create()
    .appendString(null, false) // no transaction
    .appendInt16(ProduceAcks.ALL)
    .appendInt32(timeoutMs)
    .appendInt32(1)
    .appendString(topic, false)
    .appendArray(
      [...batches],
      (writer, { partition, records }) => writer.appendInt32(partition).appendBytes(records, false),
      false,
      false,
    );
}
