import { sleep, waitAtMost } from '../clock.ts';
import { FahuoError, messageOf } from '../errors.ts';
import type { Publisher } from '../kafka/publisher.ts';
import { createSequenceAlarm } from './alarm.ts';
import { createPlanner } from './batch.ts';
import { createCursor, type Cursor } from './cursor.ts';
import type { RelayDeps, RelayOptions } from './deps.ts';
import { beat } from './heartbeat.ts';
import { awaitLeadership, type Leadership } from './leader.ts';
import { maintain } from './maintenance.ts';
import { parkFollowers, parkRefused } from './parked.ts';
import { readParkedPayments } from './parked-store.ts';
import { logPublished, publishRows } from './publish.ts';
import { createReader, type Chunk } from './reader.ts';
import { publishReleased, type ReleaseDeps } from './released.ts';
import { createRoutes } from './routes.ts';
import type { SequenceFault } from './sequence.ts';
import { awaitLastId } from './snapshot-store.ts';

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
const retryMinMs = 100;
const retryMaxMs = 2_000;
const maintenanceEndsWithinMs = 2_000;

/** Leads or stands by until `signal` aborts; outages of Postgres and Kafka are waited out. */
export async function runRelay(deps: RelayDeps, options: RelayOptions, signal: AbortSignal): Promise<void> {
  let waitMs = retryMinMs;
  while (!signal.aborted) {
    beat(deps);
    const startedWell = await leadOnce(deps, options, signal).catch((error: unknown) => {
      const remedy = error instanceof FahuoError ? error.remedy : undefined;
      deps.log.warn({ err: messageOf(error), remedy, retry_in_ms: waitMs }, 'relay.interrupted');
      return false;
    });
    waitMs = startedWell ? retryMinMs : Math.min(waitMs * 2, retryMaxMs);
    await sleep(waitMs, signal);
  }
  deps.metrics.heartbeats.end('relay');
}

/** Waits for the lock, then leads until the session is lost or `signal` aborts. */
async function leadOnce(deps: RelayDeps, options: RelayOptions, signal: AbortSignal): Promise<boolean> {
  const alarm = createSequenceAlarm(deps);
  const onSequenceBehind = (fault: SequenceFault): void => {
    beat(deps); // a restart repairs no sequence
    alarm.raise(fault);
  };
  const links = { onStandby: () => beat(deps), onSequenceBehind };
  const leadership = await awaitLeadership({ ...options, ...links }, signal).finally(alarm.end);
  if (leadership === null) return true;
  const { epoch, cursor } = leadership;
  const publisher = deps.createPublisher();
  const stop = AbortSignal.any([signal, leadership.lost]);
  const release = { wanted: true };
  const maintenance = maintain(deps, options, {
    onReleased: () => void (release.wanted = true),
    onSequenceBehind: () => void leadership.release(),
    checkPassedOver: alarm.wasRaised(),
    signal: stop,
  });
  deps.log.info({ shard: options.shard, epoch, cursor }, 'relay.leading');
  deps.metrics.relayLeader.set(1);
  try {
    await lead({ ...deps, publisher }, options, { leadership, release, signal: stop });
    return true;
  } finally {
    deps.metrics.relayLeader.set(0);
    await leadership.release();
    await publisher.close();
    await waitAtMost(maintenanceEndsWithinMs, maintenance); // its pool may wait for a server that is gone
    deps.log.info({ shard: options.shard, epoch }, 'relay.stood_down');
  }
}

/** `release.wanted` is set when somebody released parked rows. */
type Lead = { leadership: Leadership; release: { wanted: boolean }; signal: AbortSignal };

async function lead(
  { publisher, log, metrics, ...deps }: RelayDeps & { publisher: Publisher },
  options: RelayOptions,
  own: Lead,
): Promise<void> {
  const { topics } = options;
  const { db } = own.leadership;
  const routes = createRoutes(deps, topics);
  const parked = await readParkedPayments(db);
  const planner = createPlanner();
  await publishOutbox({ publisher, planner, routes, topics, parked, db, log, metrics }, options, own);
}

/**
 * While there is more than a batch, the next is read as the last is on the wire; the cursor follows behind. When the
 * relay has caught up it reads after the send, and backs off before that while many are writing: see pacing.ts.
 */
async function publishOutbox(
  deps: ReleaseDeps,
  options: RelayOptions,
  { leadership, release, signal }: Lead,
): Promise<void> {
  const { read, pacingMs } = createReader({ ...leadership, metrics: deps.metrics }, options);
  const cursor = createCursor({ leadership, log: deps.log }, options);
  const wait = { forMs: options.waitMs, stepMs: options.waitStepMs };
  let next = read();
  let blockedMs: number = blockedMinMs;
  while (!signal.aborted) {
    beat(deps);
    const chunk = await next;
    if (chunk.kind === 'behind') break; // whoever leads next reads the sequence first
    if (release.wanted) {
      release.wanted = false;
      await publishReleased(deps, signal);
    }
    if (chunk.kind === 'rows') {
      blockedMs = blockedMinMs;
      if (chunk.more) {
        next = read();
        next.catch(() => undefined); // it is awaited in the next turn
      }
      await publishChunk(deps, { chunk, cursor }, signal);
      if (chunk.more) continue;
      await sleep(pacingMs(), signal);
    } else if (chunk.kind === 'blocked') {
      await Promise.all([cursor.flushed(), sleep(blockedMs, signal)]);
      blockedMs = Math.min(blockedMs * 2, options.blockedMaxMs);
    } else {
      await Promise.all([cursor.flushed(), awaitLastId(leadership.db, { after: chunk.lastId, ...wait })]);
    }
    next = read();
  }
  await next.catch(() => undefined);
  await cursor.flushed();
}

/** Sends a chunk's rows, some at a time; the cursor follows what Kafka acknowledged (I4). */
async function publishChunk(
  deps: ReleaseDeps,
  { chunk, cursor }: { chunk: Chunk; cursor: Cursor },
  signal: AbortSignal,
): Promise<void> {
  let rows = await parkFollowers(deps, chunk.rows);
  if (rows.length === 0) return cursor.move(chunk.upTo, []);
  while (rows.length > 0 && !signal.aborted) {
    const outcome = await publishRows(deps, rows, signal);
    if (outcome.kind === 'stopped') return;
    if (outcome.kind === 'refused') {
      await parkRefused(deps, outcome.row);
      rows = await parkFollowers(deps, rows);
      if (rows.length === 0) await cursor.move(chunk.upTo, []);
      continue;
    }
    const sent = rows.slice(0, outcome.count);
    logPublished(deps, sent);
    rows = await parkFollowers(deps, rows.slice(outcome.count));
    const upTo = sent.at(-1)?.id ?? chunk.upTo;
    await cursor.move(rows.length === 0 ? chunk.upTo : upTo, outcome.entries);
    deps.metrics.relayPublished.inc(sent.length);
    deps.log.debug({ rows: sent.length, up_to: upTo }, 'relay.published');
  }
}
