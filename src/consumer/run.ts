import type { Pool } from '../../db/client.ts';
import { sleep } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { KafkaConnection } from '../kafka/connection.ts';
import { runConsumerGroup } from '../kafka/consumer.ts';
import type { Batch } from '../kafka/group-options.ts';
import type { Publisher } from '../kafka/publisher.ts';
import { createDoorbell, runLoop, type Doorbell } from '../loop.ts';
import { publishDeadLetters } from './dead-letters.ts';
import { joinGuarded, watchGroup } from './guard.ts';
import type { AcceptDeps, AcceptOptions, Accepted } from './accepted.ts';
import { acceptMessages } from './handle.ts';
import { readProgress } from './store.ts';

/**
 * The consumer. Reads the topic, writes fahuo.upload, fahuo.receipt_event, fahuo.receipt, fahuo.dead_letter and
 * fahuo.consumer_offset, then commits the offset.
 *
 * I1 An offset is committed only when every message below it is in the database (P1). It is noted there as well, and the
 *    older of the two is where a partition begins: a copy of the database that lost rows has them again.
 * I2 Every message ends as an upload row, a received event or a dead letter, once, however often it is delivered.
 * I3 Its group belongs to this database alone, see guard.ts.
 * I4 A message that cannot be read, a refused row or an absent dead-letter topic holds up nothing else (P7).
 */
export type ConsumerDeps = AcceptDeps & {
  pool: Pool;
  connection: KafkaConnection;
  /** For the dead-letter topic. */
  publisher: Publisher;
  /** Rung when there are new uploads. */
  doorbell: Doorbell;
};

export type ConsumerOptions = AcceptOptions & {
  topic: string;
  group: string;
  deadLetterTopic: string;
  sessionTimeoutMs: number;
};

const retryMinMs = 100;
const retryMaxMs = 5_000;
const deadLettersEveryMs = 10_000;

export async function runConsumer(
  deps: ConsumerDeps,
  options: ConsumerOptions,
  signal: AbortSignal,
): Promise<void> {
  const mark = await joinGuarded(deps, options, signal);
  if (mark === null) return;
  const letters = createDoorbell();
  const { group } = options;
  const onBatch = async (batch: Batch): Promise<boolean> => {
    const accepted = await acceptBatch(deps, options, { batch, signal });
    if (accepted === null) return false;
    if (accepted.inserted > 0) deps.doorbell.ring();
    if (accepted.dead > 0) letters.ring();
    const { topic, partition, next, highWatermark } = batch;
    deps.metrics.consumerLag.set({ partition: String(partition) }, Math.max(0, highWatermark - next));
    deps.log.debug({ topic, partition, next, ...accepted }, 'batch.accepted');
    return true;
  };
  await Promise.all([
    watchGroup(deps, options, signal),
    runConsumerGroup(
      deps.connection,
      {
        groupId: group,
        topic: options.topic,
        sessionTimeoutMs: options.sessionTimeoutMs,
        log: deps.log,
        mark,
        onWait: (reason) => deps.metrics.waits.set('consume', reason),
        onLost: (lost) => tellLost(deps, options, lost),
        readNoted: () => readProgress(deps.pool, group, options.topic),
        onBatch,
      },
      signal,
    ),
    keepPublishingDeadLetters(deps, { topic: options.deadLetterTopic, doorbell: letters }, signal),
  ]);
}

function tellLost(
  { log, metrics }: ConsumerDeps,
  { topic, group }: ConsumerOptions,
  { partition, from, to }: { partition: number; from: number; to: number },
): void {
  metrics.consumerLost.inc({ partition: String(partition) }, to - from);
  log.error({ topic, group, partition, from, to, messages: to - from, remedy: lostRemedy }, 'messages.lost');
}

const lostRemedy =
  'Kafka forgot them before they were read: enqueue those events again, and lengthen retention.ms of the topic.';

/** Rung when there are new ones; between that it looks for those that another instance left. */
const keepPublishingDeadLetters = (
  deps: ConsumerDeps,
  { topic, doorbell }: { topic: string; doorbell: Doorbell },
  signal: AbortSignal,
): Promise<void> =>
  runLoop(
    async () => {
      await publishDeadLetters(deps, topic);
      return 'idle';
    },
    {
      name: 'consumer.dead_letters',
      idleMinMs: deadLettersEveryMs,
      idleMaxMs: deadLettersEveryMs,
      errorMinMs: 1_000,
      errorMaxMs: deadLettersEveryMs,
      log: deps.log,
      heartbeats: deps.metrics.heartbeats,
      doorbell,
    },
    signal,
  );

/** Tries until the batch is in; null when stopped before that, and then nothing is committed. */
async function acceptBatch(
  deps: ConsumerDeps,
  options: ConsumerOptions,
  { batch, signal }: { batch: Batch; signal: AbortSignal },
): Promise<Accepted | null> {
  const { topic, partition, next } = batch;
  const live = { ...options, progress: { group: options.group, topic, partition, next } };
  for (let waitMs = retryMinMs; !signal.aborted; waitMs = Math.min(waitMs * 2, retryMaxMs)) {
    try {
      const accepting = acceptMessages(deps, batch.messages, live);
      return await deps.metrics.heartbeats.watch('consumer.batch', accepting);
    } catch (error) {
      deps.log.warn({ topic, partition, err: messageOf(error), retry_in_ms: waitMs }, 'batch.not_accepted');
      await sleep(waitMs, signal);
    }
  }
  return null;
}
