import type { PartitionOffsets } from '../kafka/admin.ts';
import { clampRanges, type OffsetRange } from '../kafka/offset-range.ts';

/** Where a replay of the topic begins in each partition. */
export type From =
  | { kind: 'earliest' }
  /** The same offset in every partition. */
  | { kind: 'offset'; offset: number }
  | { kind: 'time'; at: Date }
  /** Relative to what the live group has committed; negative goes back. */
  | { kind: 'shift'; by: number }
  /** By partition; the others are left out. */
  | { kind: 'offsets'; offsets: ReadonlyMap<number, number> };

/** Where it ends, itself not included; `end` is the end of now. */
export type Until = { kind: 'end' } | { kind: 'offset'; offset: number } | { kind: 'time'; at: Date };

/** What to replay: a stretch of the topic, or rows by what is known of them. */
export type Selection =
  /** `partitions` null is all of them. */
  | { kind: 'topic'; from: From; until: Until; partitions: readonly number[] | null }
  | { kind: 'payment'; payment: string }
  | { kind: 'state'; state: 'parked' };

export type TopicSelection = Extract<Selection, { kind: 'topic' }>;

/** What the cluster knows of the topic, as far as the selection needs it. */
export type Positions = {
  available: readonly PartitionOffsets[];
  committed: ReadonlyMap<number, number>;
  /** The first offset that is not older than the time asked for; a partition without one has no entry. */
  fromTime: ReadonlyMap<number, number>;
  untilTime: ReadonlyMap<number, number>;
};

/** A stretch of the topic, and what of it the topic has forgotten: that lies in the outbox, or nowhere. */
export type Ranges = { held: OffsetRange[]; forgotten: OffsetRange[] };

/** Half-open ranges. Pure. */
export function rangesOf(selection: TopicSelection, positions: Positions): Ranges {
  const { available } = positions;
  const wanted = available
    .filter(({ partition }) => isChosen(selection, partition))
    .map((one) => ({
      partition: one.partition,
      from: fromOf(selection.from, one, positions),
      to: Math.min(one.high, untilOf(selection.until, one, positions)),
    }));
  const below = available.map((one) => ({ partition: one.partition, low: 0, high: one.low }));
  return { held: clampRanges(wanted, available), forgotten: clampRanges(wanted, below) };
}

/** Partitions that the selection names and the topic does not have. Pure. */
export const missingPartitions = (
  { from, partitions }: TopicSelection,
  available: readonly PartitionOffsets[],
): number[] =>
  [...new Set([...(partitions ?? []), ...(from.kind === 'offsets' ? from.offsets.keys() : [])])].filter(
    (wanted) => !available.some(({ partition }) => partition === wanted),
  );

const isChosen = ({ from, partitions }: TopicSelection, partition: number): boolean =>
  (partitions === null || partitions.includes(partition)) &&
  (from.kind !== 'offsets' || from.offsets.has(partition));

function fromOf(from: From, { partition, low, high }: PartitionOffsets, positions: Positions): number {
  switch (from.kind) {
    case 'earliest':
      return low;
    case 'offset':
      return from.offset;
    case 'time':
      return positions.fromTime.get(partition) ?? high;
    case 'shift':
      return Math.max(0, (positions.committed.get(partition) ?? low) + from.by);
    case 'offsets':
      return from.offsets.get(partition) ?? high;
  }
}

function untilOf(until: Until, { partition, high }: PartitionOffsets, positions: Positions): number {
  switch (until.kind) {
    case 'end':
      return high;
    case 'offset':
      return until.offset;
    case 'time':
      return positions.untilTime.get(partition) ?? high;
  }
}
