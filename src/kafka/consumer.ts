import type { Consumer, EachBatchPayload } from 'kafkajs';
import { sleep } from '../clock.ts';
import { describeFault } from '../connection-fault.ts';
import { messageOf } from '../errors.ts';
import { whileBeating } from './beats.ts';
import { commit } from './commit.ts';
import { createKafkajs, type KafkaConnection } from './connection.ts';
import { kafkaFaultOf, kafkaRemedies } from './faults.ts';
import { watchJoins } from './find-beginning.ts';
import type { GroupOptions, MemberOptions } from './group-options.ts';
import { logStartOf } from './kafkajs-fetch.ts';
import { received } from './received.ts';
import { consumerRemedy } from './refusals.ts';

const waitMinMs = 1_000;
const waitMaxMs = 10_000;

/**
 * A member of a consumer group until `signal` aborts. No auto-commit; an offset that is out of range starts at the
 * beginning, never at the end. Whatever ends a member (brokers that are away, a missing topic or right, a coordinator that
 * moves, a broker that does not know a request) is waited for, with a new member each time, and said: P11.
 */
export async function runConsumerGroup(
  connection: KafkaConnection,
  options: GroupOptions,
  signal: AbortSignal,
): Promise<void> {
  const { topic, groupId: group, log } = options;
  let waitMs = waitMinMs;
  const onFetched = (): void => {
    waitMs = waitMinMs;
    options.onWait?.(null);
  };
  while (!signal.aborted) {
    const failure = await runMember(connection, { ...options, onFetched, reached: new Map() }, signal);
    if (failure === null) break;
    const { err, remedy } = explained(failure.error, connection, options);
    options.onWait?.(err);
    log.warn({ topic, group, err, remedy, retry_in_ms: waitMs }, 'consumer.waits');
    await sleep(waitMs, signal);
    waitMs = Math.min(waitMs * 2, waitMaxMs);
  }
  options.onWait?.(null);
}

/** Null when it was told to end. */
async function runMember(
  connection: KafkaConnection,
  options: MemberOptions,
  signal: AbortSignal,
): Promise<{ error: unknown } | null> {
  const consumer = createMember(connection, options);
  watchJoins(connection, options, { consumer, signal });
  const crashed = Promise.withResolvers<never>();
  crashed.promise.catch(() => undefined);
  consumer.on(consumer.events.CRASH, ({ payload }) => crashed.reject(payload.error));
  try {
    await Promise.race([begin(consumer, options, signal), crashed.promise]);
    await Promise.race([untilAborted(signal), crashed.promise]);
    return null;
  } catch (error) {
    return { error };
  } finally {
    await consumer.disconnect().catch(() => undefined);
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
      // We start another one, after a wait that is said. kafkajs would also do so while ours is ending, and nobody would
      // ever end that one.
      restartOnFailure: () => Promise.resolve(false),
    },
  });

async function begin(consumer: Consumer, options: MemberOptions, signal: AbortSignal): Promise<void> {
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
  options: MemberOptions,
  payload: EachBatchPayload,
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted || payload.isStale() || !payload.isRunning()) return;
  const { batch } = payload;
  const { topic, partition } = batch;
  tellLost(options, batch);
  const messages = batch.messages.map((message) => received(topic, partition, message));
  const highWatermark = Number(batch.highWatermark);
  const next = Number(batch.lastOffset()) + 1;
  if (!(await options.onBatch({ topic, partition, messages, next, highWatermark }, signal))) return;
  options.reached.set(partition, next);
  payload.resolveOffset(batch.lastOffset());
  await commit(consumer, options, { topic, partition, next });
}

/** Retention may overtake a group that reads, too; kafkajs goes on at what is left and says nothing. */
function tellLost({ reached, onLost }: MemberOptions, batch: EachBatchPayload['batch']): void {
  const { partition } = batch;
  const from = reached.get(partition);
  const to = logStartOf(batch);
  if (from === undefined || to === undefined || to <= from) return;
  onLost?.({ partition, from, to });
  reached.set(partition, to);
}

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** A password that was changed, a certificate that ran out, a right that is missing: each in its own words. */
function explained(
  error: unknown,
  connection: KafkaConnection,
  options: GroupOptions,
): { err: string; remedy: string | undefined } {
  const found = kafkaFaultOf(error, connection);
  return found === null
    ? { err: messageOf(error), remedy: consumerRemedy(error, options) }
    : { err: describeFault(found), remedy: kafkaRemedies[found.fault] };
}
