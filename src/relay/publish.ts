import { sleep } from '../clock.ts';
import { topicRemedy } from '../errors.ts';
import type { Publisher } from '../kafka/publisher.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { PartitionBatch, Planner, Topics } from './batch.ts';
import { beat } from './heartbeat.ts';
import type { JournalEntry } from './journal/entry.ts';
import type { Routes } from './routes.ts';
import { decodeRow, type OutboxRow } from './row.ts';

export type PublishDeps = {
  publisher: Publisher;
  planner: Planner;
  routes: Routes;
  topics: Topics;
  log: Log;
  metrics: Metrics;
};

export type PublishOutcome =
  /** The first `count` rows are in the topics, where the entries say. */
  | { kind: 'sent'; count: number; entries: JournalEntry[] }
  /** Kafka will not take the first row, for its size. */
  | { kind: 'refused'; row: OutboxRow }
  | { kind: 'stopped' };

const retryMinMs = 100;
const retryMaxMs = 2_000;

/** Sends the first rows that fit, until Kafka has acknowledged them or refuses the first (I2, I3). */
export async function publishRows(
  deps: PublishDeps,
  rows: readonly OutboxRow[],
  signal: AbortSignal,
): Promise<PublishOutcome> {
  const [first] = rows;
  let limit = rows.length;
  let waitMs = retryMinMs;
  while (!signal.aborted && first !== undefined) {
    beat(deps);
    const partitionCounts = await deps.routes.current();
    const plan = deps.planner.plan(rows.slice(0, limit), { topics: deps.topics, partitionCounts });
    const result = await sendBatches(deps, plan.batches);
    deps.planner.reuse(plan.batches);
    if (result.kind === 'published') {
      deps.planner.grow();
      return { kind: 'sent', count: plan.taken, entries: result.entries };
    }
    if (result.kind === 'too_large') {
      if (plan.taken === 1) return { kind: 'refused', row: first };
      if (!deps.planner.shrink()) limit = Math.ceil(plan.taken / 2);
      continue;
    }
    deps.metrics.relaySendFailures.inc();
    deps.log.warn({ ...result, rows: plan.taken, retry_in_ms: waitMs }, 'relay.send_failed');
    await sleep(waitMs, signal);
    waitMs = Math.min(waitMs * 2, retryMaxMs);
    deps.routes.forget();
  }
  return { kind: 'stopped' };
}

type SendOutcome =
  | { kind: 'published'; entries: JournalEntry[] }
  | { kind: 'too_large' }
  | { kind: 'topic_missing'; remedy: string }
  | { kind: 'unreachable'; reason: string };

/** One publish a topic, one after the other: acknowledgements and events share no order. */
async function sendBatches(
  { publisher }: PublishDeps,
  batches: readonly PartitionBatch[],
): Promise<SendOutcome> {
  const entries: JournalEntry[] = [];
  for (const topic of new Set(batches.map((batch) => batch.topic))) {
    const own = batches.filter((batch) => batch.topic === topic);
    const published = await publisher.publish(topic, own);
    if (published.kind === 'topic_missing') return { kind: 'topic_missing', remedy: topicRemedy(topic) };
    if (published.kind !== 'published') return published;
    for (const { records, ...batch } of own)
      entries.push({
        ...batch,
        baseOffset: published.offsets.get(batch.partition) ?? 0,
        count: records.count,
      });
  }
  return { kind: 'published', entries };
}

/** One line an event and stage; a level that costs nothing while it is off. */
export function logPublished({ log }: { log: Log }, rows: readonly OutboxRow[]): void {
  if (!log.isLevelEnabled('debug')) return;
  for (const row of rows) {
    const { event_id, appid, payment, version, traceparent } = decodeRow(row);
    log.debug(
      { event_id, appid, payment, version, outbox_id: row.id, traceparent: traceparent ?? undefined },
      'event.published',
    );
  }
}
