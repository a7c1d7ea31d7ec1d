import type { Consumer, EachBatchPayload } from 'kafkajs';
import { sleep } from '../clock.ts';
import { describeFault } from '../connection-fault.ts';
import { FahuoError, messageOf, topicRemedy } from '../errors.ts';
import { whileBeating } from './beats.ts';
import { createKafkajs, type KafkaConnection } from './connection.ts';
import { kafkaFaultOf, kafkaRemedies } from './faults.ts';
import { watchJoins } from './find-beginning.ts';
import type { GroupOptions } from './group-options.ts';
import { received } from './received.ts';

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
      if (payload.restart) return;
      // A password that was changed, a certificate that ran out: the next member finds it mended, or says so again.
      const mendable = kafkaFaultOf(payload.error, connection) !== null;
      crashed.reject(mendable ? payload.error : crash(options, payload.error));
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
          ...explained(error, connection, options),
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
      // kafkajs asks this after it has disconnected a member that crashed. On a yes while our member is ending, kafkajs
      // would start the member again behind our back, and nobody would ever end it.
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
    eachBatch: (payload) =>
      whileBeating(payload, options.sessionTimeoutMs, () => accept(consumer, options, payload, signal)),
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

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });

const crash = ({ topic, groupId }: GroupOptions, cause: Error): FahuoError =>
  new FahuoError('CONSUMER_CRASHED', `consumer group ${groupId} of ${topic}: ${cause.message}`, { cause });

function explained(
  error: unknown,
  connection: KafkaConnection,
  { topic }: GroupOptions,
): { err: string; remedy?: string } {
  const found = kafkaFaultOf(error, connection);
  if (found !== null) return { err: describeFault(found), remedy: kafkaRemedies[found.fault] };
  const err = messageOf(error);
  return err.includes('does not host this topic-partition') ? { err, remedy: topicRemedy(topic) } : { err };
}
