import { sleep } from '../clock.ts';
import { FahuoError, messageOf, topicRemedy } from '../errors.ts';
import type { Published, Publisher } from '../kafka/publisher.ts';
import { createSequenceAlarm } from './alarm.ts';
import { createPlanner, topicOf, type PartitionBatch, type Planner, type Topics } from './batch.ts';
import type { RelayDeps, RelayOptions } from './deps.ts';
import { awaitLeadership, type Leadership } from './leader.ts';
import { decodeRow, keyOf, rawKeyOf, type OutboxRow } from './message.ts';
import {
  markPublished,
  parkRows,
  readParkedPayments,
  readParkedRows,
  readReleasedPayments,
  refuseRelease,
  type PaymentName,
  type Placed,
} from './parked-store.ts';
import { createReader, type Chunk } from './reader.ts';
import { parkedRemedy } from './remedies.ts';
import { createRoutes, type Routes } from './routes.ts';
import type { SequenceFault } from './sequence.ts';
import * as store from './store.ts';
import { maintain } from './maintenance.ts';

/**
 * The relay. Reads fahuo.outbox behind the frontier, writes the topics, then the journal and the cursor.
 *
 * I1 A row is published if its transaction committed, and only then (P1, P2): see frontier.ts.
 * I2 Rows are sent in id order, one send in flight, so a payment's events keep their order (P3).
 * I3 A send that was not acknowledged in full is made again, identical, before anything else is sent.
 * I4 The cursor moves after the acknowledgement, under this leader's epoch: a crash publishes again, never less.
 * I5 A row that Kafka will never take is parked with its payment; the others go on (P7).
 */

export const defaultRelay = {
  shard: 0,
  batchRows: 1_000,
  waitMs: 250,
  waitStepMs: 3,
  blockedMaxMs: 20,
  standbyPollMs: 300,
} as const;

/** A writer that has just drawn its id is about to commit: the next snapshot comes soon. */
const blockedMinMs = 1;
const errorMinMs = 100;
const errorMaxMs = 2_000;
const maintenanceEndsWithinMs = 2_000;

/** Leads or stands by until `signal` aborts; outages of Postgres and Kafka are waited out. */
export async function runRelay(deps: RelayDeps, options: RelayOptions, signal: AbortSignal): Promise<void> {
  let waitMs = errorMinMs;
  while (!signal.aborted) {
    beat(deps);
    const startedWell = await leadOnce(deps, options, signal).catch((error: unknown) => {
      const remedy = error instanceof FahuoError ? error.remedy : undefined;
      deps.log.warn({ err: messageOf(error), remedy, retry_in_ms: waitMs }, 'relay.interrupted');
      return false;
    });
    waitMs = startedWell ? errorMinMs : Math.min(waitMs * 2, errorMaxMs);
    await sleep(waitMs, signal);
  }
  deps.metrics.heartbeats.end('relay');
}

/** A broker that does not answer is waited for as long as its request timeout, several times a step. */
const beat = ({ metrics }: RelayDeps): void => metrics.heartbeats.beat('relay', brokerWaitMs);
const brokerWaitMs = 40_000;

async function leadOnce(deps: RelayDeps, options: RelayOptions, signal: AbortSignal): Promise<boolean> {
  const alarm = createSequenceAlarm(deps);
  const onSequenceBehind = (fault: SequenceFault): void => {
    beat(deps); // a restart mends no sequence
    alarm.raise(fault);
  };
  const links = { onStandby: () => beat(deps), onSequenceBehind };
  const leadership = await awaitLeadership({ ...options, ...links }, signal).finally(alarm.end);
  if (leadership === null) return true;
  const { cursor, epoch, lost } = leadership;
  const publisher = deps.createPublisher();
  const stop = AbortSignal.any([signal, lost]);
  const released: Released = { wanted: true };
  const maintenance = maintain(deps, options, {
    onReleased: () => void (released.wanted = true),
    onSequenceBehind: () => void leadership.release(),
    checkPassedOver: alarm.wasRaised(),
    signal: stop,
  });
  deps.log.info({ shard: options.shard, epoch, cursor }, 'relay.leading');
  deps.metrics.relayLeader.set(1);
  try {
    const routes = createRoutes(deps, options.topics);
    const parked = await readParkedPayments(leadership.db);
    const planner = createPlanner();
    await lead({ ...deps, publisher, planner, routes, leadership, parked, released }, options, stop);
    return true;
  } finally {
    deps.metrics.relayLeader.set(0);
    await leadership.release();
    await publisher.close();
    await Promise.race([maintenance, sleep(maintenanceEndsWithinMs)]); // its pool may wait for a server that is gone
    deps.log.info({ shard: options.shard, epoch }, 'relay.stood_down');
  }
}

type LeadDeps = RelayDeps & {
  publisher: Publisher;
  planner: Planner;
  routes: Routes;
  leadership: Leadership;
  /** Keys of payments that have a row parked: this process alone parks and publishes, so it knows them all. */
  parked: Set<string>;
  released: Released;
};

/** Set when somebody released parked rows. */
type Released = { wanted: boolean };

/**
 * While there is more than a batch, the next is read as the last is on the wire; the cursor follows behind. When the
 * relay has caught up it reads after the send, and rests before that while many are writing: see pacing.ts.
 */
async function lead(deps: LeadDeps, options: RelayOptions, signal: AbortSignal): Promise<void> {
  const { read, pacingMs } = createReader({ ...deps.leadership, metrics: deps.metrics }, options);
  const cursor = createCursor(deps, options);
  const doorbell = (lastId: number): Promise<number> =>
    store.awaitLastId(deps.leadership.db, {
      after: lastId,
      forMs: options.waitMs,
      stepMs: options.waitStepMs,
    });
  let next = read();
  let blockedMs = blockedMinMs;
  while (!signal.aborted) {
    beat(deps);
    const chunk = await next;
    if (chunk.kind === 'behind') break; // whoever leads next looks at the sequence first
    if (deps.released.wanted) await publishReleased(deps, options, signal);
    if (chunk.kind === 'rows') {
      blockedMs = blockedMinMs;
      if (chunk.more) {
        next = read();
        next.catch(() => undefined); // it is awaited in the next turn
      }
      await publishChunk(deps, options, { chunk, cursor }, signal);
      if (chunk.more) continue;
      await sleep(pacingMs(), signal);
    } else {
      await Promise.all([
        cursor.flushed(),
        chunk.kind === 'blocked' ? sleep(blockedMs, signal) : doorbell(chunk.lastId),
      ]);
      if (chunk.kind === 'blocked') blockedMs = Math.min(blockedMs * 2, options.blockedMaxMs);
    }
    next = read();
  }
  await next.catch(() => undefined);
  await cursor.flushed();
}

type Cursor = {
  /** Queues the move; at most one is under way, and an error of it surfaces here or in `settled`. */
  move: (to: number, entries: store.JournalEntry[]) => Promise<void>;
  flushed: () => Promise<void>;
};

function createCursor({ leadership, log }: LeadDeps, { shard }: RelayOptions): Cursor {
  const { writer, epoch } = leadership;
  let at = leadership.cursor;
  let place: string | null = null;
  let moving: Promise<void> = Promise.resolve();
  const apply = async (to: number, entries: store.JournalEntry[]): Promise<void> => {
    place = await store.moveCursor(writer, { shard, epoch, from: at, to, entries, rowAddress: place });
    at = to;
    if (place !== null) return;
    log.warn({ shard, epoch }, 'relay.fenced');
    await leadership.release();
  };
  return {
    move: async (to, entries) => {
      await moving;
      moving = apply(to, entries);
      moving.catch(() => undefined); // the next move or `settled` throws it
    },
    flushed: () => moving,
  };
}

async function publishChunk(
  deps: LeadDeps,
  options: RelayOptions,
  { chunk, cursor }: { chunk: Chunk; cursor: Cursor },
  signal: AbortSignal,
): Promise<void> {
  let rows = await withoutParked(deps, chunk.rows);
  if (rows.length === 0) return cursor.move(chunk.upTo, []);
  while (rows.length > 0 && !signal.aborted) {
    const some = await publishSome(deps, options, rows, signal);
    if (some.kind === 'stopped') return;
    if (some.kind === 'refused') {
      await park(deps, some.row);
      rows = await withoutParked(deps, rows);
      if (rows.length === 0) await cursor.move(chunk.upTo, []);
      continue;
    }
    const sent = rows.slice(0, some.sent);
    logPublished(deps, sent);
    rows = await withoutParked(deps, rows.slice(some.sent));
    const upTo = sent.at(-1)?.id ?? chunk.upTo;
    await cursor.move(rows.length === 0 ? chunk.upTo : upTo, some.entries);
    deps.metrics.relayPublished.inc(some.sent);
    deps.log.debug({ rows: some.sent, up_to: upTo }, 'relay.published');
  }
}

type Some =
  | { kind: 'sent'; sent: number; entries: store.JournalEntry[] }
  /** Kafka will not take the first row. */
  | { kind: 'refused'; row: OutboxRow }
  | { kind: 'stopped' };

/** Sends the first rows that fit, until Kafka has acknowledged them or refuses the first. */
async function publishSome(
  deps: LeadDeps,
  options: RelayOptions,
  rows: readonly OutboxRow[],
  signal: AbortSignal,
): Promise<Some> {
  const [first] = rows;
  let limit = rows.length;
  let waitMs = errorMinMs;
  while (!signal.aborted && first !== undefined) {
    beat(deps);
    const partitionCounts = await deps.routes.current();
    const plan = deps.planner.plan(rows.slice(0, limit), { topics: options.topics, partitionCounts });
    const result = await sendParts(deps, plan.batches);
    deps.planner.reuse(plan.batches);
    if (result.kind === 'published') {
      deps.planner.grow();
      return { kind: 'sent', sent: plan.taken, entries: result.entries };
    }
    if (result.kind === 'too_large') {
      if (plan.taken === 1) return { kind: 'refused', row: first };
      if (!deps.planner.shrink()) limit = Math.ceil(plan.taken / 2);
      continue;
    }
    deps.metrics.relaySendFailures.inc();
    deps.log.warn({ ...result, rows: plan.taken, retry_in_ms: waitMs }, 'relay.send_failed');
    await sleep(waitMs, signal);
    waitMs = Math.min(waitMs * 2, errorMaxMs);
    deps.routes.forget();
  }
  return { kind: 'stopped' };
}

/** One line an event and stage; a level that costs nothing while it is off. */
function logPublished({ log }: LeadDeps, rows: readonly OutboxRow[]): void {
  if (!log.isLevelEnabled('debug')) return;
  for (const row of rows) {
    const { event_id, appid, payment, version, traceparent } = decodeRow(row);
    log.debug(
      { event_id, appid, payment, version, outbox_id: row.id, traceparent: traceparent ?? undefined },
      'event.published',
    );
  }
}

type Sent =
  | { kind: 'published'; entries: store.JournalEntry[] }
  | { kind: 'too_large' }
  | { kind: 'topic_missing'; remedy: string }
  | { kind: 'unreachable'; reason: string };

/** One publish a topic, one after the other: acknowledgements and events share no order. */
async function sendParts({ publisher }: LeadDeps, parts: readonly PartitionBatch[]): Promise<Sent> {
  const entries: store.JournalEntry[] = [];
  for (const topic of new Set(parts.map((part) => part.topic))) {
    const own = parts.filter((part) => part.topic === topic);
    const published: Published = await publisher.publish(topic, own);
    if (published.kind === 'topic_missing') return { kind: 'topic_missing', remedy: topicRemedy(topic) };
    if (published.kind !== 'published') return published;
    for (const { records, ...part } of own)
      entries.push({
        ...part,
        baseOffset: published.offsets.get(part.partition) ?? 0,
        count: records.count,
      });
  }
  return { kind: 'published', entries };
}

async function park({ parked, leadership, metrics, log }: LeadDeps, row: OutboxRow): Promise<void> {
  parked.add(rawKeyOf(row));
  metrics.relayParked.inc(await parkRows(leadership.db, [row.id], 'too_large'));
  const { event_id, payment } = decodeRow(row);
  log.error({ outbox_id: row.id, event_id, payment, remedy: parkedRemedy }, 'relay.row_parked');
}

/** Rows of a payment that has one parked wait with it (P3); the others go on (P7). */
async function withoutParked(
  { parked, leadership, metrics }: LeadDeps,
  rows: OutboxRow[],
): Promise<OutboxRow[]> {
  if (parked.size === 0 || rows.length === 0) return rows;
  const waiting = rows.filter((row) => parked.has(rawKeyOf(row)));
  if (waiting.length === 0) return rows;
  const ids = waiting.map(({ id }) => id);
  metrics.relayParked.inc(await parkRows(leadership.db, ids, 'waits_behind'));
  const waits = new Set(ids);
  return rows.filter(({ id }) => !waits.has(id));
}

/** What somebody released, payment by payment, before anything of it that comes later. */
async function publishReleased(deps: LeadDeps, options: RelayOptions, signal: AbortSignal): Promise<void> {
  deps.released.wanted = false;
  for (const name of await readReleasedPayments(deps.leadership.db)) {
    if (signal.aborted) return;
    await publishReleasedOf(deps, options, name, signal);
  }
}

/** In order, each once more if this process dies before it is marked (I4); then the payment waits no more. */
async function publishReleasedOf(
  deps: LeadDeps,
  options: RelayOptions,
  name: PaymentName,
  signal: AbortSignal,
): Promise<void> {
  const { db } = deps.leadership;
  const arena: store.Arena = { bytes: Buffer.alloc(0) };
  for (;;) {
    const rows = await readParkedRows(db, arena, name);
    if (rows.length === 0) break;
    const some = await publishSome(deps, options, rows, signal);
    if (some.kind === 'stopped') return;
    if (some.kind === 'refused') {
      await refuseRelease(db, name);
      deps.log.error({ ...name, outbox_id: some.row.id, remedy: parkedRemedy }, 'relay.release_refused');
      return;
    }
    await markPublished(db, placesOf(rows.slice(0, some.sent), some.entries, options.topics));
    logPublished(deps, rows.slice(0, some.sent));
    deps.metrics.relayPublished.inc(some.sent);
  }
  deps.parked.delete(keyOf(name));
  deps.log.info({ ...name }, 'relay.released');
}

/** Rows of one payment lie one behind the other, in one partition of each topic. */
function placesOf(
  rows: readonly OutboxRow[],
  entries: readonly store.JournalEntry[],
  topics: Topics,
): Placed[] {
  const next = new Map(entries.map(({ topic, baseOffset }) => [topic, baseOffset]));
  return rows.map((row) => {
    const { type, event_id: eventId } = decodeRow(row);
    const topic = topicOf(type ?? '', topics);
    const offset = next.get(topic) ?? 0;
    next.set(topic, offset + 1);
    const partition = entries.find((entry) => entry.topic === topic)?.partition ?? 0;
    return { id: row.id, eventId: eventId ?? '', topic, partition, offset };
  });
}
