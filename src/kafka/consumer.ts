import type { Consumer, EachBatchPayload, IHeaders, KafkaMessage } from 'kafkajs';
import { sleep } from '../clock.ts';
import { FahuoError, messageOf, topicRemedy } from '../errors.ts';
import type { Log } from '../log.ts';
import { createAdmin } from './admin.ts';
import { decideBeginning, type Positions } from './beginning.ts';
import { createKafkajs, type KafkaConnection } from './connection.ts';
import type { Received } from './message.ts';

export type Batch = {
  topic: string;
  partition: number;
  messages: Received[];
  /** The offset after the last message, and after what no read shows: gaps, markers of transactions. */
  next: number;
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
  /** By partition, the offset below which the database says that it holds everything; see {@link decideBeginning}. */
  readNoted: () => Promise<ReadonlyMap<number, number>>;
  /**
   * Resolves when every message of the batch is in the database; the offset is committed after that and only then.
   * It retries by itself, as long as it takes; `false` says that it stopped before the batch was in.
   */
  onBatch: (batch: Batch, signal: AbortSignal) => Promise<boolean>;
};

const retryMs = 1_000;

/**
 * A member of a consumer group until `signal` aborts. No auto-commit; an offset that is out of range starts at the
 * beginning, never at the end. While brokers are away or the topic is missing it tries again and says so.
 * @throws FahuoError CONSUMER_CRASHED when the client gave up on an error that no retry helps.
 */
export async function runConsumerGroup(
  connection: KafkaConnection,
  options: GroupOptions,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const consumer = createMember(connection, options, signal);
    watchJoins(connection, options, { consumer, signal });
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
      await sleep(retryMs, signal);
    } finally {
      await consumer.disconnect().catch(() => undefined);
    }
  }
}

const createMember = (
  connection: KafkaConnection,
  { groupId, sessionTimeoutMs, log }: GroupOptions,
  signal: AbortSignal,
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
      // kafkajs asks after it has disconnected a member that crashed: told yes while ours is ending, it would start the
      // member again behind our back, and nobody would ever end it.
      restartOnFailure: () => Promise.resolve(!signal.aborted),
    },
  });

async function begin(consumer: Consumer, options: GroupOptions, signal: AbortSignal): Promise<void> {
  await consumer.connect();
  await consumer.subscribe({ topics: [options.topic], fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    partitionsConsumedConcurrently: 2,
    eachBatch: async (payload) => {
      // However long Postgres takes, the group hears of this member: thrown out, it would get the same batch again.
      // A rebalance shows in the commit.
      const beat = (): void => void payload.heartbeat().catch(() => undefined);
      const beats = setInterval(beat, options.sessionTimeoutMs / beatsASession);
      try {
        await accept(consumer, options, payload, signal);
      } finally {
        clearInterval(beats);
      }
    },
  });
}

/** kafkajs sends every second of them: it keeps its own interval. */
const beatsASession = 10;

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
  const next = Number(batch.lastOffset()) + 1;
  if (!(await options.onBatch({ topic, partition, messages, next, highWatermark }, signal))) return;
  payload.resolveOffset(batch.lastOffset());
  // A member that the coordinator forgot (a restart, a rebalance) cannot commit, and kafkajs would take that for a
  // crash. The rows are in; the next commit or the next owner of the partition goes on from here.
  const offsets = [{ topic, partition, offset: String(next), metadata: options.mark ?? null }];
  await consumer.commitOffsets(offsets).catch((error: unknown) => {
    options.log.warn({ topic, partition, next, err: messageOf(error) }, 'offset.not_committed');
  });
}

/**
 * After each join, and before anything is fetched: looks up what Kafka and the database say of the partitions, and sends
 * the member back where they differ. Until that is known the partitions are paused; kafkajs would otherwise move an offset that
 * is out of range on its own, and what it was is forgotten.
 */
function watchJoins(
  connection: KafkaConnection,
  options: GroupOptions,
  { consumer, signal }: { consumer: Consumer; signal: AbortSignal },
): void {
  let joins = 0;
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    const join = (joins += 1);
    const { topic, groupId: group, log } = options;
    const partitions = payload.memberAssignment[topic] ?? [];
    log.info({ topic, group, partitions, member: payload.memberId }, 'consumer.joined');
    consumer.pause([{ topic, partitions }]);
    findPositions(connection, options, () => join === joins && !signal.aborted)
      .then((positions) => {
        if (positions === null || join !== joins) return; // another join came, or the end
        for (const partition of partitions) seekBeginning(consumer, options, { partition, positions });
        consumer.resume([{ topic, partitions }]);
      })
      // A member that ended meanwhile takes neither; the next one looks again.
      .catch((error: unknown) => log.debug({ topic, group, err: messageOf(error) }, 'consumer.gone'));
  });
}

/** Tries until both answer; null when nobody waits for it any more. */
async function findPositions(
  connection: KafkaConnection,
  { topic, groupId, log, readNoted }: GroupOptions,
  isWanted: () => boolean,
): Promise<ReadonlyMap<number, Positions> | null> {
  while (isWanted()) {
    const admin = createAdmin(connection, log);
    try {
      const [available, committed, noted] = await Promise.all([
        admin.topicOffsets(topic),
        admin.groupOffsets(groupId, topic),
        readNoted(),
      ]);
      const of = (from: ReadonlyMap<number, number>, partition: number) => from.get(partition) ?? null;
      return new Map(
        available.map(({ partition, low, high }) => [
          partition,
          { committed: of(committed, partition), noted: of(noted, partition), low, high },
        ]),
      );
    } catch (error) {
      log.warn({ topic, group: groupId, err: messageOf(error) }, 'consumer.beginning_unknown');
      await sleep(retryMs);
    } finally {
      await admin.close().catch(() => undefined);
    }
  }
  return null;
}

function seekBeginning(
  consumer: Consumer,
  { topic, groupId: group, log }: GroupOptions,
  { partition, positions }: { partition: number; positions: ReadonlyMap<number, Positions> },
): void {
  const found = positions.get(partition);
  if (found === undefined) return;
  const beginning = decideBeginning(found);
  if (beginning.kind === 'agreed') return;
  const line = { topic, group, partition, ...found, ...beginning };
  if (beginning.kind === 'commit_lost') log.info(line, 'offset.differs');
  else log.warn(line, 'offset.differs');
  if ('from' in beginning) consumer.seek({ topic, partition, offset: String(beginning.from) });
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
