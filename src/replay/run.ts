import type { Pool, Queryable } from '../../db/client.ts';
import { chunksOf } from '../consumer/batch.ts';
import { decode, type Decoded } from '../consumer/decode.ts';
import type { AcceptDeps, AcceptOptions, Accepted } from '../consumer/accepted.ts';
import { acceptMessages } from '../consumer/handle.ts';
import { renderUpload } from '../consumer/render.ts';
import type { Admin } from '../kafka/admin.ts';
import type { KafkaConnection } from '../kafka/connection.ts';
import type { Received } from '../kafka/message.ts';
import type { OffsetRange } from '../kafka/offset-range.ts';
import { readRanges } from '../kafka/range-reader.ts';
import { locate, outboxRowsFrom } from '../relay/journal/locate.ts';
import { eventKey, readRivals } from '../upload/insert-store.ts';
import { readTombstones } from '../upload/tombstone-store.ts';
import { countRows, Planner, type Plan } from './plan.ts';
import { rangesOf, type Selection, type TopicSelection } from './selection.ts';
import { readByPayment, readByState, readPositions } from './store.ts';

/**
 * Replay. Reads the topic or fahuo.upload; writes through the consumer's door and upload's verbs alone.
 *
 * I1 A dry run writes nothing.
 * I2 Nothing that is acknowledged is sent again: the door knows events by id, payment and version (P4).
 * I3 The live group's offsets are read, never moved: ranges are read in a group of their own.
 * I4 A parked row goes back to `pending`, where the state machine reads before it writes (P5).
 */
export type ReplayDeps = AcceptDeps & {
  pool: Pool;
  connection: KafkaConnection;
  admin: Admin;
  /** `parked → pending`; upload/claim-store.ts. */
  retryParked: (db: Queryable, ids: readonly number[]) => Promise<number>;
};

export type ReplayOptions = AcceptOptions & {
  topic: string;
  group: string;
  acks: string;
  /** How long the topic may be silent before what is unread is given up; see {@link readRanges}. */
  patienceMs?: number;
};

export type Planned = {
  plan: Plan;
  ranges: OffsetRange[];
  retryIds: number[];
  /** What the topic did not give: the plan does not count it. */
  unread: OffsetRange[];
};

/** What `selection` holds and what executing it would do. */
export async function planReplay(
  deps: ReplayDeps,
  options: ReplayOptions,
  selection: Selection,
): Promise<Planned> {
  switch (selection.kind) {
    case 'state': {
      const rows = await readByState(deps.pool, selection.state);
      return { plan: countRows(rows), ranges: [], retryIds: parkedOf(rows), unread: [] };
    }
    case 'payment':
      return planPayment(deps, options, selection.payment);
    case 'earliest':
    case 'offset':
    case 'since':
    case 'shift': {
      const ranges = await topicRanges(deps, options, selection);
      return { ...(await planRanges(deps, options, ranges)), ranges, retryIds: [] };
    }
  }
}

/** Does what the plan says, through the same door as the live group. */
export async function executeReplay(
  deps: ReplayDeps,
  options: ReplayOptions,
  planned: Planned,
): Promise<Accepted & { retried: number; unread: OffsetRange[] }> {
  const sum = { inserted: 0, duplicate: 0, superseded: 0, dead: 0 };
  const unread = await readTopic(deps, options, planned.ranges, async (messages) => {
    const accepted = await acceptMessages(deps, messages, options);
    for (const name of Object.keys(sum) as (keyof Accepted)[]) sum[name] += accepted[name];
  });
  const retried = planned.retryIds.length === 0 ? 0 : await deps.retryParked(deps.pool, planned.retryIds);
  return { ...sum, retried, unread };
}

const parkedOf = (rows: readonly { id: number; state: string }[]): number[] =>
  rows.filter((row) => row.state === 'parked').map((row) => row.id);

/** The payment's upload rows, and its events that the topic holds and the table does not. */
async function planPayment(deps: ReplayDeps, options: ReplayOptions, payment: string): Promise<Planned> {
  const rows = await readByPayment(deps.pool, payment);
  const known = new Set(rows.map((row) => eventKey(row.eventId, row.source)));
  const ranges: OffsetRange[] = [];
  const places = await readPositions(deps.pool, payment);
  for (const row of await outboxRowsFrom(deps.pool, payment, { places, topic: options.topic })) {
    const at = await locate(deps.pool, row, { events: options.topic, acks: options.acks });
    if (at !== null && at.topic === options.topic && !known.has(eventKey(row.eventId, row.source)))
      ranges.push({ partition: at.partition, from: at.offset, to: at.offset + 1 });
  }
  const { plan: missing, unread } = await planRanges(deps, options, ranges);
  const present = countRows(rows);
  const plan = Object.fromEntries(
    (Object.keys(present) as (keyof Plan)[]).map((name) => [name, present[name] + missing[name]]),
  ) as Plan;
  return { plan, ranges, retryIds: parkedOf(rows), unread };
}

async function topicRanges(
  { admin }: ReplayDeps,
  { topic, group }: ReplayOptions,
  selection: TopicSelection,
): Promise<OffsetRange[]> {
  return rangesOf(selection, {
    available: await admin.topicOffsets(topic),
    committed: selection.kind === 'shift' ? await admin.groupOffsets(group, topic) : new Map(),
    byTime: selection.kind === 'since' ? await admin.offsetsByTime(topic, selection.at) : new Map(),
  });
}

async function planRanges(
  deps: ReplayDeps,
  options: ReplayOptions,
  ranges: readonly OffsetRange[],
): Promise<{ plan: Plan; unread: OffsetRange[] }> {
  const planner = new Planner();
  const unread = await readTopic(deps, options, ranges, async (messages) => {
    for (const chunk of chunksOf(messages)) {
      const decoded = chunk.map((message) => decode(message, options));
      const { repeats, others } = await withoutForgotten(deps.pool, decoded);
      const uploads = others.flatMap((one) => (one.kind === 'dead' ? [] : [renderUpload(one)]));
      planner.addForgotten(repeats);
      planner.add(others, uploads.length === 0 ? [] : await readRivals(deps.pool, uploads));
    }
  });
  return { plan: planner.plan, unread };
}

/** Events that a tombstone covers are left out by the door, whatever else is known of them. */
async function withoutForgotten(
  pool: Pool,
  decoded: readonly Decoded[],
): Promise<{ repeats: number; others: Decoded[] }> {
  const payments = decoded.flatMap((one) => (one.kind === 'event' ? [renderUpload(one)] : []));
  const tombstones = payments.length === 0 ? [] : await readTombstones(pool, payments);
  const last = new Map(tombstones.map((one) => [`${one.appid}/${one.payment}`, one.lastVersion]));
  const others = decoded.filter((one) => {
    if (one.kind === 'dead' || last.size === 0) return true;
    const { appid, payment, version } = renderUpload(one);
    return version > (last.get(`${appid}/${payment}`) ?? 0);
  });
  return { repeats: decoded.length - others.length, others };
}

/** Ranges of one partition are read one after the other: a partition has one position. */
async function readTopic(
  { connection, log }: ReplayDeps,
  { topic, patienceMs }: ReplayOptions,
  ranges: readonly OffsetRange[],
  onMessages: (messages: Received[]) => Promise<void>,
): Promise<OffsetRange[]> {
  const unread: OffsetRange[] = [];
  const patience = patienceMs === undefined ? {} : { patienceMs };
  let remaining = [...ranges];
  while (remaining.length > 0) {
    const partitions = new Set<number>();
    const turn = remaining.filter(({ partition }) => !partitions.has(partition) && partitions.add(partition));
    remaining = remaining.filter((range) => !turn.includes(range));
    let last: Promise<void> = Promise.resolve();
    const read = await readRanges(connection, { topic, ranges: turn, log, ...patience }, (messages) => {
      last = last.then(() => onMessages(messages));
      return last;
    });
    unread.push(...read.unread);
  }
  return unread;
}
