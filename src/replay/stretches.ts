import type { Pool } from '../../db/client.ts';
import type { Admin } from '../kafka/admin.ts';
import type { KafkaConnection } from '../kafka/connection.ts';
import type { Received } from '../kafka/message.ts';
import type { OffsetRange } from '../kafka/offset-range.ts';
import { readRanges } from '../kafka/range-reader.ts';
import { FahuoError } from '../errors.ts';
import type { Log } from '../log.ts';
import { readOffsetsSince } from '../relay/journal/range-store.ts';
import { readFromOutbox } from '../relay/journal/read-range.ts';
import type { Stretch } from './replay-store.ts';
import { missingPartitions, rangesOf, type TopicSelection } from './selection.ts';

export type StretchDeps = { pool: Pool; log: Log; connection: KafkaConnection; admin: Admin };
export type StretchOptions = {
  topic: string;
  /** The topic of acknowledgements: the outbox has them, too. */
  acks: string;
  /** The live group. */
  group: string;
  /** How long the topic may be silent before what is unread is given up; see {@link readRanges}. */
  patienceMs?: number;
};

/**
 * The stretches of a selection, in the order in which they are read: what the topic has forgotten comes first.
 * @throws FahuoError USAGE where it names a partition that the topic does not have.
 */
export async function stretchesOf(
  { admin, pool }: StretchDeps,
  { topic, group }: StretchOptions,
  selection: TopicSelection,
): Promise<Stretch[]> {
  const { from, until } = selection;
  const none = new Map<number, number>();
  const available = await admin.topicOffsets(topic);
  const missing = missingPartitions(selection, available);
  if (missing.length > 0) throw noSuchPartition(topic, missing, available.length);
  const { held, forgotten } = rangesOf(selection, {
    available,
    committed: from.kind === 'shift' ? await admin.groupOffsets(group, topic) : none,
    fromTime:
      from.kind === 'time'
        ? withEarlier(await admin.offsetsByTime(topic, from.at), await readOffsetsSince(pool, topic, from.at))
        : none,
    untilTime: until.kind === 'time' ? await admin.offsetsByTime(topic, until.at) : none,
  });
  return [
    ...forgotten.map((range): Stretch => ({ ...range, source: 'outbox' })),
    ...held.map((range): Stretch => ({ ...range, source: 'topic' })),
  ].sort((left, right) => left.partition - right.partition || left.from - right.from);
}

const noSuchPartition = (topic: string, missing: readonly number[], count: number): FahuoError =>
  new FahuoError('USAGE', `${topic} has no partition ${missing.join(', ')}`, {
    remedy: `Its partitions are 0 to ${count - 1}.`,
  });

/** A topic that has forgotten the time asked for says its first offset: the journal knows an earlier one. */
function withEarlier(
  byTopic: ReadonlyMap<number, number>,
  byJournal: ReadonlyMap<number, number>,
): ReadonlyMap<number, number> {
  const offsets = new Map(byTopic);
  for (const [partition, offset] of byJournal)
    offsets.set(partition, Math.min(offset, offsets.get(partition) ?? offset));
  return offsets;
}

/** What is left of stretches where each partition has come so far. Pure. */
export const remainingOf = (
  stretches: readonly Stretch[],
  progress: ReadonlyMap<number, number>,
): Stretch[] =>
  stretches.flatMap((stretch) => {
    const from = Math.max(stretch.from, progress.get(stretch.partition) ?? 0);
    return from < stretch.to ? [{ ...stretch, from }] : [];
  });

/** Reads one stretch after the other; what could not be read is returned. */
export async function readStretches(
  { pool, connection, log }: StretchDeps,
  { topic, acks, patienceMs }: StretchOptions,
  { stretches, signal }: { stretches: readonly Stretch[]; signal?: AbortSignal | undefined },
  onMessages: (messages: Received[]) => Promise<void>,
): Promise<OffsetRange[]> {
  const stop = signal === undefined ? {} : { signal };
  const unread: OffsetRange[] = [];
  for (const { source, ...range } of stretches) {
    const read =
      source === 'outbox'
        ? await readFromOutbox(pool, { topics: { events: topic, acks }, range, ...stop }, onMessages)
        : await readRanges(
            connection,
            { topic, ranges: [range], log, ...(patienceMs === undefined ? {} : { patienceMs }), ...stop },
            onMessages,
          );
    unread.push(...read.unread);
  }
  return unread;
}
