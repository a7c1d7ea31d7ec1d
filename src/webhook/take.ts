import { blameOf } from '../../db/blame.ts';
import type { Pool } from '../../db/client.ts';
import { sleep } from '../clock.ts';
import { joinGuarded, watchGroup } from '../consumer/guard.ts';
import { noteProgress, readProgress } from '../consumer/store.ts';
import { messageOf } from '../errors.ts';
import type { KafkaConnection } from '../kafka/connection.ts';
import { runConsumerGroup } from '../kafka/consumer.ts';
import type { Batch } from '../kafka/group-options.ts';
import type { Received } from '../kafka/message.ts';
import type { Log } from '../log.ts';
import type { Doorbell } from '../loop.ts';
import type { Metrics } from '../metrics.ts';
import { readMessage, type NewDelivery } from './message.ts';
import { insertDeliveries } from './store.ts';

export type TakeDeps = {
  pool: Pool;
  connection: KafkaConnection;
  log: Log;
  metrics: Metrics;
  /** Rung when there are new answers. */
  doorbell: Doorbell;
};
export type TakeOptions = { group: string; topic: string; sessionTimeoutMs: number };

const role = 'webhook';
const retryMinMs = 100;
const retryMaxMs = 5_000;
const chunkRows = 500;

/** The ack topic → fahuo.webhook_delivery, in a group of its own, until `signal` aborts. */
export async function runTake(deps: TakeDeps, options: TakeOptions, signal: AbortSignal): Promise<void> {
  const { pool, log, metrics, connection } = deps;
  const { group, topic, sessionTimeoutMs } = options;
  const guarded = { group, topic, role };
  const mark = await joinGuarded(deps, guarded, signal);
  if (mark === null) return;
  await Promise.all([
    watchGroup(deps, guarded, signal),
    runConsumerGroup(
      connection,
      {
        groupId: group,
        topic,
        sessionTimeoutMs,
        log,
        mark,
        onWait: (reason) => metrics.waits.set(role, reason),
        onLost: ({ partition, from, to }) => {
          metrics.consumerLost.inc({ partition: `acks/${partition}` }, to - from);
          log.error(
            { topic, group, partition, from, to, messages: to - from, remedy: lostRemedy },
            'messages.lost',
          );
        },
        readNoted: () => readProgress(pool, group, topic),
        onBatch: (batch) => takeBatch(deps, group, { batch, signal }),
      },
      signal,
    ),
  ]);
}

const lostRemedy =
  'Kafka forgot answers before they were read for the webhook: fahuo.acknowledgements has them; lengthen retention.ms of the topic.';

/** Tries until the batch is in; false when stopped before that, and then nothing is committed. */
async function takeBatch(
  deps: TakeDeps,
  group: string,
  { batch, signal }: { batch: Batch; signal: AbortSignal },
): Promise<boolean> {
  const { pool, log, metrics, doorbell } = deps;
  const { topic, partition, next } = batch;
  for (let waitMs = retryMinMs; !signal.aborted; waitMs = Math.min(waitMs * 2, retryMaxMs)) {
    try {
      await metrics.heartbeats.watch('webhook.batch', takeMessages(deps, batch.messages));
      await noteProgress(pool, { group, topic, partition, next });
      doorbell.ring();
      return true;
    } catch (error) {
      log.warn({ topic, partition, err: messageOf(error), retry_in_ms: waitMs }, 'webhook.batch_not_taken');
      await sleep(waitMs, signal);
    }
  }
  return false;
}

/** Exported for its test. Idempotent: whatever was in before stays as it is. */
export async function takeMessages(
  deps: Pick<TakeDeps, 'pool' | 'log' | 'metrics'>,
  messages: readonly Received[],
): Promise<void> {
  const answers: NewDelivery[] = [];
  for (const message of messages) {
    const read = readMessage(message);
    if (read.kind === 'answer') answers.push(read.answer);
    else {
      const { topic, partition, offset } = message;
      passOver(deps, { topic, partition, offset, why: read.why });
    }
  }
  for (let at = 0; at < answers.length; at += chunkRows)
    await insertAll(deps, answers.slice(at, at + chunkRows));
}

/** What Postgres refuses for what it is stands alone in the end, and is passed over (P11). */
async function insertAll(
  deps: Pick<TakeDeps, 'pool' | 'log' | 'metrics'>,
  answers: readonly NewDelivery[],
): Promise<void> {
  try {
    await insertDeliveries(deps.pool, answers);
  } catch (error) {
    if (blameOf(error) !== 'rows') throw error;
    const [only] = answers;
    if (answers.length === 1 && only !== undefined)
      return passOver(deps, { webhook_id: only.webhookId, why: messageOf(error) });
    const middle = Math.ceil(answers.length / 2);
    await insertAll(deps, answers.slice(0, middle));
    await insertAll(deps, answers.slice(middle));
  }
}

function passOver({ log, metrics }: Pick<TakeDeps, 'log' | 'metrics'>, line: object): void {
  metrics.webhookPassedOver.inc();
  log.warn(line, 'webhook.message_passed_over');
}
