import type { Admin as KafkajsAdmin } from 'kafkajs';
import { monotonicMs, sleep } from '../clock.ts';
import { FahuoError, messageOf } from '../errors.ts';
import { faultError } from '../connection-fault.ts';
import type { Log } from '../log.ts';
import { createKafkajs, type KafkaConnection } from './connection.ts';
import { examineBrokers, kafkaFaultOf, kafkaRemedies } from './faults.ts';

export type PartitionOffsets = { partition: number; low: number; high: number };

/** Without them the cluster's defaults hold. */
export type TopicOptions = { replicationFactor?: number; config?: Readonly<Record<string, string>> };

/**
 * What operators' commands and the relay ask of the cluster. Rejects with KAFKA_UNREACHABLE naming the brokers, or with
 * TLS_FAILED or LOGIN_REFUSED where a setting is what keeps us from them.
 */
export type Admin = {
  /** Null when there is no such topic. */
  partitionCount: (topic: string) => Promise<number | null>;
  /** False when it existed already. */
  createTopic: (topic: string, partitions: number, options?: TopicOptions) => Promise<boolean>;
  /** First and next offset of every partition. */
  topicOffsets: (topic: string) => Promise<PartitionOffsets[]>;
  /** By partition, the first offset written at `at` or later; the next offset where there is none. */
  offsetsByTime: (topic: string, at: Date) => Promise<ReadonlyMap<number, number>>;
  /** By partition, the offset that a group committed; partitions without one are left out. */
  groupOffsets: (group: string, topic: string) => Promise<ReadonlyMap<number, number>>;
  /** What stands beside a group's committed offsets; partitions without it are left out. */
  groupMetadata: (group: string, topic: string) => Promise<string[]>;
  deleteGroup: (group: string) => Promise<void>;
  close: () => Promise<void>;
};

/**
 * Callers try again by themselves, so a call ends soon: with kafkajs's own retries one that began while the brokers were
 * away would look at them last every ten seconds, and the relay would go on that much later than it could.
 */
const retry = { retries: 3, initialRetryTime: 100, maxRetryTime: 500 };

export function createAdmin(connection: KafkaConnection, log: Log): Admin {
  const admin = createKafkajs(connection, log, { retry, quiet: true }).admin({ retry });
  let connected: Promise<void> | undefined;
  let reached = false;

  const withAdmin = async <T>(work: (ready: KafkajsAdmin) => Promise<T>): Promise<T> => {
    try {
      connected ??= admin.connect();
      await connected;
      const done = await work(admin);
      reached = true;
      return done;
    } catch (error) {
      connected = undefined;
      throw await explained(connection, error, reached);
    }
  };

  return {
    partitionCount: (topic) =>
      withAdmin(async (ready) => {
        if (!(await ready.listTopics()).includes(topic)) return null;
        const { topics } = await ready.fetchTopicMetadata({ topics: [topic] });
        return topics[0]?.partitions.length ?? null;
      }),
    createTopic: (...made) => withAdmin((ready) => createTopic(ready, ...made)),
    topicOffsets: (topic) =>
      withAdmin(async (ready) =>
        (await ready.fetchTopicOffsets(topic))
          .map(({ partition, low, high }) => ({ partition, low: Number(low), high: Number(high) }))
          .sort((left, right) => left.partition - right.partition),
      ),
    offsetsByTime: (topic, at) => withAdmin((ready) => offsetsByTime(ready, topic, at)),
    groupOffsets: (group, topic) =>
      withAdmin(async (ready) => committedOf(await groupPartitions(ready, group, topic))),
    groupMetadata: (group, topic) =>
      withAdmin(async (ready) =>
        (await groupPartitions(ready, group, topic)).flatMap(({ metadata }) => metadata ?? []),
      ),
    deleteGroup: (group) =>
      withAdmin(async (ready) => {
        await ready.deleteGroups([group]);
      }),
    close: () => admin.disconnect(),
  };
}

/** Brokers that were reached before are not looked at again by each loop that asks something of them. */
async function explained(connection: KafkaConnection, error: unknown, reached: boolean): Promise<FahuoError> {
  const server = `Kafka at ${connection.brokers.join(',')}`;
  const found = reached ? kafkaFaultOf(error, connection) : await examineBrokers(connection, error);
  if (found !== null) return faultError(server, found, kafkaRemedies, error);
  return new FahuoError('KAFKA_UNREACHABLE', `${server}: ${messageOf(error)}`, { cause: error });
}

async function createTopic(
  admin: KafkajsAdmin,
  topic: string,
  numPartitions: number,
  { replicationFactor, config = {} }: TopicOptions = {},
): Promise<boolean> {
  const made = await admin.createTopics({
    topics: [
      {
        topic,
        numPartitions,
        ...(replicationFactor === undefined ? {} : { replicationFactor }),
        configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
      },
    ],
    waitForLeaders: false,
  });
  await untilLed(admin, topic);
  return made;
}

async function offsetsByTime(admin: KafkajsAdmin, topic: string, at: Date): Promise<Map<number, number>> {
  const offsets = await admin.fetchTopicOffsetsByTimestamp(topic, at.getTime());
  return new Map(offsets.map(({ partition, offset }) => [partition, Number(offset)]));
}

type GroupPartition = Awaited<ReturnType<KafkajsAdmin['fetchOffsets']>>[number]['partitions'][number];

async function groupPartitions(
  admin: KafkajsAdmin,
  groupId: string,
  topic: string,
): Promise<GroupPartition[]> {
  const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
  return found?.partitions ?? [];
}

const committedOf = (partitions: readonly GroupPartition[]): Map<number, number> =>
  new Map(
    partitions
      .filter(({ offset }) => Number(offset) >= 0)
      .map(({ partition, offset }) => [partition, Number(offset)]),
  );

const leadersWithinMs = 10_000;
const leadersEveryMs = 50;

/**
 * A topic that was just made is not known everywhere yet. kafkajs can wait for its leaders, but takes the broker's
 * "unknown topic" of the first moments for final.
 */
async function untilLed(admin: KafkajsAdmin, topic: string): Promise<void> {
  const deadline = monotonicMs() + leadersWithinMs;
  for (;;) {
    try {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      if (topics[0]?.partitions.every(({ leader }) => leader >= 0) === true) return;
      if (monotonicMs() > deadline) return; // who needs a leader will say so
    } catch (error) {
      if (monotonicMs() > deadline) throw error;
    }
    await sleep(leadersEveryMs);
  }
}
