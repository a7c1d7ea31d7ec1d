import type { Consumer, EachBatchPayload, IHeaders, KafkaMessage } from 'kafkajs';
import { pause } from '../clock.ts';
import { FahuoError, messageOf, topicRemedy } from '../errors.ts';
import type { Log } from '../log.ts';
import { createKafkajs, type KafkaConnection } from './connection.ts';
import type { Received } from './message.ts';

export type Batch = {
  topic: string;
  partition: number;
  messages: Received[];
  /** The next offset that the partition will give. */
  highWatermark: number;
};

export type GroupOptions = {
  groupId: string;
  topic: string;
  /** After this a member that died is given up and its partitions go to the others. */
  sessionTimeoutMs: number;
  /** Stands beside every offset that is committed. */
  mark?: string;
  log: Log;
  /**
   * Resolves when every message of the batch is in the database; the offset is committed after that and only then.
   * It retries by itself and calls `heartbeat` meanwhile; `false` says that it stopped before the batch was in.
   */
  onBatch: (batch: Batch, heartbeat: () => Promise<void>, signal: AbortSignal) => Promise<boolean>;
};

const retryMs = 1_000;

/**
 * A member of a consumer group until `signal` aborts. No auto-commit; an offset that is out of range starts at the
 * beginning, never at the end. While brokers are away or the topic is missing it tries again and says so.
 * @throws FahuoError CONSUMER_CRASHED when the client gave up on an error that a retry does not mend.
 */
export async function runConsumerGroup(
  connection: KafkaConnection,
  options: GroupOptions,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const consumer = createMember(connection, options);
    const crashed = Promise.withResolvers<never>();
    crashed.promise.catch(() => undefined);
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      if (!payload.restart) crashed.reject(crash(options, payload.error));
    });
    try {
      await begin(consumer, options, signal);
      await Promise.race([untilAborted(signal), crashed.promise]);
      return;
    } catch (error) {
      if (error instanceof FahuoError) throw error;
      options.log.warn(
        {
          topic: options.topic,
          group: options.groupId,
          err: messageOf(error),
          remedy: remedyFor(error, options),
        },
        'consumer.not_started',
      );
      await pause(retryMs, signal);
    } finally {
      await consumer.disconnect().catch(() => undefined);
    }
  }
}

const createMember = (
  connection: KafkaConnection,
  { groupId, sessionTimeoutMs, log }: GroupOptions,
): Consumer =>
  createKafkajs(connection, log).consumer({
    groupId,
    sessionTimeout: sessionTimeoutMs,
    rebalanceTimeout: 30_000,
    heartbeatInterval: Math.round(sessionTimeoutMs / 5),
    maxWaitTimeInMs: 500,
    // Bounds what one fetch can put into memory, whatever producers send.
    maxBytesPerPartition: 1_048_576,
    maxBytes: 2_097_152,
    retry: {
      initialRetryTime: 100,
      maxRetryTime: 2_000,
      retries: 20,
      restartOnFailure: () => Promise.resolve(true),
    },
  });

async function begin(consumer: Consumer, options: GroupOptions, signal: AbortSignal): Promise<void> {
  await consumer.connect();
  await consumer.subscribe({ topics: [options.topic], fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    partitionsConsumedConcurrently: 2,
    eachBatch: (payload) => accept(consumer, options, payload, signal),
  });
}

async function accept(
  consumer: Consumer,
  options: GroupOptions,
  payload: EachBatchPayload,
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted || payload.isStale() || !payload.isRunning()) return;
  const { batch } = payload;
  const { topic, partition } = batch;
  const messages = batch.messages.map((message) => received(topic, partition, message));
  const highWatermark = Number(batch.highWatermark);
  const beat = (): Promise<void> => payload.heartbeat().catch(() => undefined); // a rebalance shows in the commit
  if (!(await options.onBatch({ topic, partition, messages, highWatermark }, beat, signal))) return;
  payload.resolveOffset(batch.lastOffset());
  const next = String(Number(batch.lastOffset()) + 1);
  // A member that the coordinator forgot (a restart, a rebalance) cannot commit, and kafkajs would take that for a
  // crash. The rows are in; the next commit or the next owner of the partition goes on from here.
  const { mark: metadata = null } = options;
  await consumer.commitOffsets([{ topic, partition, offset: next, metadata }]).catch((error: unknown) => {
    options.log.warn({ topic, partition, next, err: messageOf(error) }, 'offset.not_committed');
  });
}

export function received(topic: string, partition: number, message: KafkaMessage): Received {
  return {
    topic,
    partition,
    offset: Number(message.offset),
    key: message.key,
    value: message.value,
    headers: headersOf(message.headers ?? {}),
    ...timestampOf(message),
  };
}

/** Producers of old formats send none: -1. */
function timestampOf({ timestamp }: KafkaMessage): { timestampMs?: number } {
  const timestampMs = Number(timestamp);
  return timestampMs >= 0 ? { timestampMs } : {};
}

/** A header may stand twice; the last one counts, as in CloudEvents' bindings. */
function headersOf(headers: IHeaders): Record<string, Buffer> {
  const own = Object.create(null) as Record<string, Buffer>; // a header may be called __proto__
  for (const name in headers) {
    const value = headers[name];
    const last = Array.isArray(value) ? value.at(-1) : value;
    if (last !== undefined) own[name] = typeof last === 'string' ? Buffer.from(last) : last;
  }
  return own;
}

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });

const crash = ({ topic, groupId }: GroupOptions, cause: Error): FahuoError =>
  new FahuoError('CONSUMER_CRASHED', `consumer group ${groupId} of ${topic}: ${cause.message}`, { cause });

const remedyFor = (error: unknown, { topic }: GroupOptions): string | undefined =>
  messageOf(error).includes('does not host this topic-partition') ? topicRemedy(topic) : undefined;
