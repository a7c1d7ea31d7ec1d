import { createRequire } from 'node:module';
import type { KafkaMessage } from 'kafkajs';
import type { Log } from '../log.ts';
import { createKafkajs, type KafkaConnection } from './connection.ts';

/** What kafkajs has and does not show: the requests below a consumer. The version is pinned. */
export type Cluster = {
  connect: () => Promise<void>;
  disconnect: () => Promise<void>;
  addTargetTopic: (topic: string) => Promise<void>;
  refreshMetadata: () => Promise<void>;
  /** By node id; a partition without a leader makes it throw. */
  findLeaderForPartitions: (topic: string, partitions: readonly number[]) => Record<string, number[]>;
  findBroker: (node: { nodeId: string }) => Promise<Broker>;
};

export type Broker = {
  fetch: (request: {
    isolationLevel: number;
    maxWaitTime: number;
    minBytes: number;
    maxBytes: number;
    topics: { topic: string; partitions: { partition: number; fetchOffset: string; maxBytes: number }[] }[];
  }) => Promise<{ responses: { topicName: string; partitions: PartitionData[] }[] }>;
};

export type PartitionData = {
  partition: number;
  highWatermark: string;
  lastStableOffset: string;
  /** With markers of transactions and aborted messages among them. */
  messages: KafkaMessage[];
};

/** What a consumer is given of a fetch: without aborted messages and markers, and from the asked offset on. */
export type Batch = { messages: KafkaMessage[]; rawMessages: KafkaMessage[] };

const require = createRequire(import.meta.url);
const BatchOf = require('kafkajs/src/consumer/batch') as new (
  topic: string,
  fetchedOffset: string,
  data: PartitionData,
) => Batch;

export const batchOf = (topic: string, fetchedOffset: number, data: PartitionData): Batch =>
  new BatchOf(topic, String(fetchedOffset), data);

/** Brokers of one client, with its connections, its TLS and its codecs; it joins no group. */
export function createCluster(connection: KafkaConnection, log: Log): Cluster {
  const kafka: object = createKafkajs(connection, log, { retry: { retries: 1 }, quiet: true });
  const create = Object.getOwnPropertySymbols(kafka).find(
    ({ description }) => description === 'private:Kafka:createCluster',
  );
  if (create === undefined) throw new TypeError('this is not the kafkajs that fahuo pins');
  const make = (kafka as Record<symbol, unknown>)[create] as (options: object) => Cluster;
  return make({ metadataMaxAge: 300_000, allowAutoTopicCreation: false });
}
