import type { Pool, Queryable } from '../../db/client.ts';
import { chunksOf } from '../consumer/batch.ts';
import { decode, type Decoded } from '../consumer/decode.ts';
import type { AcceptDeps, AcceptOptions } from '../consumer/accepted.ts';
import { readReceiptRivals } from '../consumer/receipt-store.ts';
import { renderReceipt, renderUpload } from '../consumer/render.ts';
import type { OffsetRange } from '../kafka/offset-range.ts';
import { locate, outboxRowsFrom } from '../relay/journal/locate.ts';
import { eventKey, readRivals } from '../upload/insert-store.ts';
import { readTombstones } from '../upload/tombstone-store.ts';
import { countRows, Planner, type Plan } from './plan.ts';
import type { Stretch } from './replay-store.ts';
import type { Selection } from './selection.ts';
import { readByPayment, readByState, readPositions } from './store.ts';
import { readStretches, stretchesOf, type StretchDeps, type StretchOptions } from './stretches.ts';

/**
 * Replay. Reads the topic, the outbox or fahuo.upload; writes through the consumer's door and upload's verbs alone.
 *
 * I1 A dry run writes nothing.
 * I2 Nothing that is acknowledged is sent again: the door knows events by id, payment and version (P4).
 * I3 The live group is not touched: ranges are read without a consumer group.
 * I4 A parked row goes back to `pending`, where the state machine reads before it writes (P5).
 * I5 How far a replay came is written with the rows that it made: one that is killed and resumed considers no message twice.
 */
export type ReplayDeps = AcceptDeps &
  StretchDeps & {
    /** `parked → pending`; upload/verbs-store.ts. */
    retryParked: (db: Queryable, ids: readonly number[]) => Promise<number>;
  };

export type ReplayOptions = AcceptOptions & StretchOptions;

export type Planned = {
  plan: Plan;
  ranges: Stretch[];
  retryIds: number[];
  /** What neither the topic nor the outbox gave: the plan does not count it. */
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
    case 'topic': {
      const ranges = await stretchesOf(deps, options, selection);
      return { ...(await planRanges(deps, options, ranges)), ranges, retryIds: [] };
    }
  }
}

const parkedOf = (rows: readonly { id: number; state: string }[]): number[] =>
  rows.filter((row) => row.state === 'parked').map((row) => row.id);

/** The payment's upload rows, and its events that the topic or the outbox holds and the table does not. */
async function planPayment(deps: ReplayDeps, options: ReplayOptions, payment: string): Promise<Planned> {
  const rows = await readByPayment(deps.pool, payment);
  const known = new Set(rows.map((row) => eventKey(row.eventId, row.source)));
  const places: OffsetRange[] = [];
  const positions = await readPositions(deps.pool, payment);
  for (const row of await outboxRowsFrom(deps.pool, payment, { places: positions, topic: options.topic })) {
    const at = await locate(deps.pool, row, { events: options.topic, acks: options.acks });
    if (at !== null && at.topic === options.topic && !known.has(eventKey(row.eventId, row.source)))
      places.push({ partition: at.partition, from: at.offset, to: at.offset + 1 });
  }
  const ranges = await sourcesOf(deps, options, places);
  const { plan: missing, unread } = await planRanges(deps, options, ranges);
  const present = countRows(rows);
  const plan = Object.fromEntries(
    (Object.keys(present) as (keyof Plan)[]).map((name) => [name, present[name] + missing[name]]),
  ) as Plan;
  return { plan, ranges, retryIds: parkedOf(rows), unread };
}

/** Single messages: from the topic what it still holds, from the outbox what it has forgotten. */
async function sourcesOf(
  { admin }: ReplayDeps,
  { topic }: ReplayOptions,
  places: readonly OffsetRange[],
): Promise<Stretch[]> {
  if (places.length === 0) return [];
  const lows = new Map((await admin.topicOffsets(topic)).map(({ partition, low }) => [partition, low]));
  return places
    .map((range): Stretch => {
      const isForgotten = range.from < (lows.get(range.partition) ?? 0);
      return { ...range, source: isForgotten ? 'outbox' : 'topic' };
    })
    .sort((left, right) => left.partition - right.partition || left.from - right.from);
}

async function planRanges(
  deps: ReplayDeps,
  options: ReplayOptions,
  stretches: readonly Stretch[],
): Promise<{ plan: Plan; unread: OffsetRange[] }> {
  const planner = new Planner();
  const unread = await readStretches(deps, options, { stretches }, async (messages) => {
    for (const chunk of chunksOf(messages)) {
      const decoded = chunk.map((message) => decode(message, options));
      const receipts = decoded.flatMap((one) => (one.kind === 'received' ? [renderReceipt(one)] : []));
      if (receipts.length > 0) planner.addReceipts(receipts, await readReceiptRivals(deps.pool, receipts));
      const { repeats, others } = await withoutForgotten(deps.pool, decoded);
      const uploads = others.flatMap((one) => (one.kind === 'event' ? [renderUpload(one)] : []));
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
    if (one.kind !== 'event' || last.size === 0) return true;
    const { appid, payment, version } = renderUpload(one);
    return version > (last.get(`${appid}/${payment}`) ?? 0);
  });
  return { repeats: decoded.length - others.length, others };
}
