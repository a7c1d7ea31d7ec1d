import type { PartitionOffsets } from '../kafka/admin.ts';
import { clampRanges, type OffsetRange } from '../kafka/range-reader.ts';

/** What to replay: a stretch of the topic, or rows by what is known of them. */
export type Selection =
  | { kind: 'earliest' }
  /** The same offset in every partition, or in one. */
  | { kind: 'offset'; offset: number; partition: number | null }
  | { kind: 'since'; at: Date }
  /** Relative to what the live group has committed; negative goes back. */
  | { kind: 'shift'; by: number }
  | { kind: 'payment'; payment: string }
  | { kind: 'state'; state: 'parked' | 'unknown' };

export type TopicSelection = Exclude<Selection, { kind: 'payment' | 'state' }>;

/** What the cluster knows of the topic, as far as the selection needs it. */
export type Positions = {
  available: readonly PartitionOffsets[];
  committed: ReadonlyMap<number, number>;
  byTime: ReadonlyMap<number, number>;
};

/** Half-open ranges up to each partition's end of now, cut to what is still available. Pure. */
export function rangesOf(
  selection: TopicSelection,
  { available, committed, byTime }: Positions,
): OffsetRange[] {
  const fromOf = ({ partition, low, high }: PartitionOffsets): number => {
    switch (selection.kind) {
      case 'earliest':
        return low;
      case 'offset':
        return selection.partition === null || selection.partition === partition ? selection.offset : high;
      case 'since':
        return byTime.get(partition) ?? high;
      case 'shift':
        return (committed.get(partition) ?? low) + selection.by;
    }
  };
  return clampRanges(
    available.map((one) => ({ partition: one.partition, from: fromOf(one), to: one.high })),
    available,
  );
}
