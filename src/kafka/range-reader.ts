import { monotonicMs, sleep } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { createAdmin } from './admin.ts';
import type { KafkaConnection } from './connection.ts';
import { batchOf, createCluster, type Cluster } from './kafkajs-cluster.ts';
import type { Received } from './message.ts';
import { clampRanges, type OffsetRange } from './offset-range.ts';
import { received } from './received.ts';

export type RangeRead = {
  topic: string;
  ranges: readonly OffsetRange[];
  log: Log;
  /** After so long without progress what is unread is given up; 30 s unless set: a leader election takes seconds. */
  patienceMs?: number;
  /** Ends the reading after the messages that are being handled; what is left is `unread`. */
  signal?: AbortSignal;
};

/** What was not read, cut to where the reading stopped; nothing when all of it was. */
export type RangesRead = { unread: OffsetRange[] };

const defaultPatienceMs = 30_000;
const maxWaitMs = 200;
const maxBytes = 1_048_576;
const readCommitted = 1;
const retryAfterMs = 250;

/**
 * Reads ranges of a topic without a consumer group: nothing is joined, nothing committed, and no right on a group is
 * needed. One range after the other; `onMessages` is awaited before the next fetch. Ranges must lie within what the topic
 * holds (see {@link clampRanges}). What no read shows (markers of transactions, aborted messages, what compaction or
 * retention took) is passed over. Rejects when `onMessages` does, and when the topic may not be read.
 */
export async function readRanges(
  connection: KafkaConnection,
  { topic, ranges, log, patienceMs = defaultPatienceMs, signal }: RangeRead,
  onMessages: (messages: Received[]) => Promise<void>,
): Promise<RangesRead> {
  const unread: OffsetRange[] = [];
  const cluster = createCluster(connection, log);
  try {
    for (const range of ranges) {
      const reading = { cluster, topic, range, log, patienceMs, ...(signal === undefined ? {} : { signal }) };
      const left = await readRange(connection, reading, onMessages);
      if (left !== null) unread.push(left);
    }
  } finally {
    await cluster.disconnect().catch(() => undefined);
  }
  return { unread };
}

type Reading = Required<Omit<RangeRead, 'ranges' | 'signal'>> & {
  cluster: Cluster;
  range: OffsetRange;
  signal?: AbortSignal;
};

/** What is left of the range; null when all of it was read. */
async function readRange(
  connection: KafkaConnection,
  reading: Reading,
  onMessages: (messages: Received[]) => Promise<void>,
): Promise<OffsetRange | null> {
  let { range } = reading;
  let heardAtMs = monotonicMs();
  while (range.from < range.to) {
    if (reading.signal?.aborted === true) return range;
    const { messages, next } = await fetchNext(connection, { ...reading, range });
    if (messages.length > 0) await onMessages(messages);
    if (next > range.from) heardAtMs = monotonicMs();
    range = { ...range, from: next };
    if (next < range.to && monotonicMs() - heardAtMs > reading.patienceMs) return range;
  }
  return null;
}

/** A fetch that failed brings nothing, after a rest; where retention took what was asked for, it goes on behind that. */
async function fetchNext(
  connection: KafkaConnection,
  reading: Reading,
): Promise<{ messages: Received[]; next: number }> {
  const fetched = await fetchOnce(reading);
  if (fetched.kind === 'fetched') return fetched;
  await sleep(retryAfterMs, reading.signal);
  const range = fetched.mayEnd ? await cutToAvailable(connection, reading) : reading.range;
  return { messages: [], next: range.from };
}

type Fetched =
  | { kind: 'fetched'; messages: Received[]; next: number }
  /** `mayEnd`: retention may have taken what was asked for. */
  | { kind: 'failed'; mayEnd: boolean };

async function fetchOnce({ cluster, topic, range, log }: Reading): Promise<Fetched> {
  try {
    const fetched = await fetchFrom(cluster, topic, range);
    if (fetched !== null) return fetched;
    await cluster.refreshMetadata().catch(() => undefined);
    return { kind: 'failed', mayEnd: false };
  } catch (error) {
    const { type } = error as { type?: unknown };
    if (type === 'TOPIC_AUTHORIZATION_FAILED' || type === 'CLUSTER_AUTHORIZATION_FAILED') throw error;
    log.debug({ topic, ...range, err: messageOf(error) }, 'replay.fetch_failed');
    await cluster.refreshMetadata().catch(() => undefined);
    return { kind: 'failed', mayEnd: type === 'OFFSET_OUT_OF_RANGE' };
  }
}

/** Null while the partition has no leader, or it answers nothing. */
async function fetchFrom(cluster: Cluster, topic: string, range: OffsetRange): Promise<Fetched | null> {
  const { partition, from, to } = range;
  await cluster.connect();
  await cluster.addTargetTopic(topic);
  const [nodeId] = Object.keys(cluster.findLeaderForPartitions(topic, [partition]));
  if (nodeId === undefined) return null;
  const broker = await cluster.findBroker({ nodeId });
  const { responses } = await broker.fetch({
    isolationLevel: readCommitted,
    maxWaitTime: maxWaitMs,
    minBytes: 1,
    maxBytes,
    topics: [{ topic, partitions: [{ partition, fetchOffset: String(from), maxBytes }] }],
  });
  const data = responses[0]?.partitions[0];
  if (data === undefined) return null;
  const { messages, rawMessages } = batchOf(topic, from, data);
  const taken = messages.map((message) => received(topic, partition, message));
  const last = rawMessages.at(-1);
  return {
    kind: 'fetched',
    messages: taken.filter(({ offset }) => offset < to),
    // Every batch brings a record that says where it ends, also an emptied one. An answer without any is one that the broker
    // put off (a quota, a transaction that is open): what lies at `from` was not seen.
    next: last === undefined ? from : Math.max(from, Number(last.offset) + 1),
  };
}

/** Retention may have taken some of it meanwhile: what the topic holds no longer, nobody can read. */
async function cutToAvailable(
  connection: KafkaConnection,
  { topic, range, log }: Reading,
): Promise<OffsetRange> {
  const admin = createAdmin(connection, log);
  try {
    const available = await admin.topicOffsets(topic);
    const [cut] = clampRanges(
      [range],
      available.map((one) => ({ ...one, high: Infinity })),
    );
    return cut ?? { ...range, from: range.to };
  } catch {
    return range; // the cluster is away: nothing can be said but how far it went
  } finally {
    await admin.close().catch(() => undefined);
  }
}
