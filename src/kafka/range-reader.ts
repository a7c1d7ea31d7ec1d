import { randomUUID } from 'node:crypto';
import { Consumer, FetchIsolationLevels, type FetchResponse } from '@platformatic/kafka';
import { monotonicMs, pause } from '../clock.ts';
import { FahuoError, messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { platformaticOptions, type KafkaConnection } from './connection.ts';
import { brokerCodes } from './failure.ts';
import type { Received } from './message.ts';
import { messagesOf, nextOffset } from './records.ts';

/** Half-open: `from` is read, `to` is not. */
export type OffsetRange = { partition: number; from: number; to: number };

export type RangeRead = {
  topic: string;
  ranges: readonly OffsetRange[];
  log: Log;
  /** Ends the read after the batch at hand. */
  signal?: AbortSignal;
};

/** A broker that restarts is back sooner; longer without one offset of progress is an outage. */
const patienceMs = 30_000;
const retryMs = 200;
/** Bounds what is in memory: one answer, handled before the next is asked for. */
const maxBytes = 4_194_304;
const maxPartitionBytes = 1_048_576;

/**
 * Reads ranges of a topic by plain fetches: no group is joined, so no group's offsets can move. Messages come in
 * order within a partition; ranges of one partition are read one after the other. What the topic no longer holds, or
 * does not hold yet, is left out; the answer says what was read. A range ends by the offset that was passed, not by a
 * count: compacted records and transaction markers leave gaps. Rejects with what `onMessages` rejects with.
 * @throws FahuoError KAFKA_UNREACHABLE after 30 s without progress, TOPIC_MISSING.
 */
export async function readRanges(
  connection: KafkaConnection,
  read: RangeRead,
  onMessages: (messages: Received[]) => Promise<void>,
): Promise<OffsetRange[]> {
  const waiting = read.ranges.filter(({ from, to }) => from < to).map((range) => ({ ...range }));
  const done: OffsetRange[] = [];
  while (waiting.length > 0 && read.signal?.aborted !== true) {
    const partitions = new Set<number>();
    const turn = waiting.filter(({ partition }) => !partitions.has(partition) && partitions.add(partition));
    for (const range of turn) waiting.splice(waiting.indexOf(range), 1);
    done.push(...(await readTurn(connection, { ...read, ranges: turn }, onMessages)));
  }
  return done;
}

/** One range a partition at most. `next` is the offset that is asked for. */
type Open = OffsetRange & { next: number };

async function readTurn(
  connection: KafkaConnection,
  read: RangeRead,
  onMessages: (messages: Received[]) => Promise<void>,
): Promise<OffsetRange[]> {
  let client: Consumer | undefined;
  let open: Open[] | undefined;
  let progressAtMs = monotonicMs();
  const all: Open[] = [];
  try {
    while (read.signal?.aborted !== true && open?.length !== 0) {
      let messages: Received[];
      try {
        client ??= createFetcher(connection);
        if (open === undefined) {
          open = await clampToHeld(client, read.topic, all.length > 0 ? all : read.ranges);
          all.splice(0, all.length, ...open);
          continue;
        }
        messages = await fetchOnce(client, read.topic, open);
      } catch (error) {
        await closeFetcher(client);
        client = undefined;
        open = undefined; // what is held may have changed; `all` keeps how far each one is
        if (brokerCodes(error).includes('OFFSET_OUT_OF_RANGE')) continue;
        giveUpOn(error, { connection, topic: read.topic, silentMs: monotonicMs() - progressAtMs });
        read.log.debug({ topic: read.topic, err: messageOf(error) }, 'range.read_again');
        await pause(retryMs, read.signal);
        continue;
      }
      progressAtMs = monotonicMs();
      if (messages.length > 0) await onMessages(messages);
      open = open.filter((range) => range.next < range.to);
    }
  } finally {
    await closeFetcher(client);
  }
  return all.map(({ partition, from, to, next }) => ({
    partition,
    from,
    to: Math.max(from, Math.min(to, next)),
  }));
}

/** The client library calls it a consumer; without a join its group is a name and nothing else. */
const createFetcher = (connection: KafkaConnection): Consumer =>
  new Consumer({ ...platformaticOptions(connection), groupId: `fahuo-range-${randomUUID()}` });

const closeFetcher = async (client: Consumer | undefined): Promise<void> => {
  await client?.close(true).catch(() => undefined);
};

function giveUpOn(
  error: unknown,
  { connection, topic, silentMs }: { connection: KafkaConnection; topic: string; silentMs: number },
): void {
  if (brokerCodes(error).includes('UNKNOWN_TOPIC_OR_PARTITION') || /^Unknown topic/.test(messageOf(error)))
    throw new FahuoError('TOPIC_MISSING', `the topic ${topic} does not exist`, { cause: error });
  if (silentMs < patienceMs) return;
  const brokers = connection.brokers.join(',');
  throw new FahuoError('KAFKA_UNREACHABLE', `Kafka at ${brokers}: ${messageOf(error)}`, { cause: error });
}

const EARLIEST = -2n;
const LATEST = -1n;

/** Cuts ranges to what the topic holds now; those of which nothing is left are gone from the answer. */
async function clampToHeld(
  client: Consumer,
  topic: string,
  ranges: readonly (OffsetRange | Open)[],
): Promise<Open[]> {
  const ask = async (timestamp: bigint): Promise<readonly (bigint | undefined)[]> => {
    const partitions = ranges.map(({ partition }) => partition);
    const answer = await client.listOffsets({
      topics: [topic],
      partitions: { [topic]: partitions },
      timestamp,
    });
    return answer.get(topic) ?? [];
  };
  const [lows, highs] = [await ask(EARLIEST), await ask(LATEST)];
  return ranges.flatMap((range) => {
    const [low, high] = [lows[range.partition], highs[range.partition]];
    if (low === undefined || high === undefined) return [];
    const passed = 'next' in range ? range.next : range.from;
    const next = Math.max(passed, Number(low));
    const from = passed > range.from ? range.from : next;
    return [{ partition: range.partition, from, to: Math.max(from, Math.min(range.to, Number(high))), next }];
  });
}

/** One fetch from the leader of the first open range; moves `next` of every range that it answers for. */
async function fetchOnce(client: Consumer, topic: string, open: Open[]): Promise<Received[]> {
  const metadata = (await client.metadata({ topics: [topic] })).topics.get(topic);
  const leaderOf = (range: Open): number => metadata?.partitions[range.partition]?.leader ?? -1;
  const [first] = open;
  if (metadata === undefined || first === undefined) return [];
  const here = open.filter((range) => leaderOf(range) === leaderOf(first));
  const response = await client.fetch({
    node: leaderOf(first),
    minBytes: 1,
    maxBytes,
    maxWaitTime: 100,
    isolationLevel: FetchIsolationLevels.READ_COMMITTED,
    topics: [
      {
        topicId: metadata.id,
        partitions: here.map((range) => ({
          partition: range.partition,
          currentLeaderEpoch: -1,
          fetchOffset: BigInt(range.next),
          lastFetchedEpoch: -1,
          partitionMaxBytes: maxPartitionBytes,
        })),
      },
    ],
  });
  open.push(open.shift() ?? first); // the next fetch begins with another one
  return here.flatMap((range) => take(response, topic, range));
}

function take(response: FetchResponse, topic: string, range: Open): Received[] {
  const answer = response.responses
    .flatMap(({ partitions }) => partitions)
    .find(({ partitionIndex }) => partitionIndex === range.partition);
  if (answer === undefined) return [];
  const messages = messagesOf(answer, { topic, partition: range.partition });
  const wanted = messages.filter(({ offset }) => offset >= range.next && offset < range.to);
  range.next = Math.max(range.next, nextOffset(answer.records ?? []) ?? range.next);
  // Beyond the last stable offset lies an open transaction of somebody: not there yet.
  if (range.next >= Number(answer.lastStableOffset)) range.to = Math.min(range.to, range.next);
  return wanted;
}

/** Cuts ranges to what the topic still holds. */
export const clampRanges = (
  ranges: readonly OffsetRange[],
  held: readonly { partition: number; low: number; high: number }[],
): OffsetRange[] =>
  ranges.flatMap(({ partition, from, to }) => {
    const limits = held.find((one) => one.partition === partition);
    if (limits === undefined) return [];
    const clamped = { partition, from: Math.max(from, limits.low), to: Math.min(to, limits.high) };
    return clamped.from < clamped.to ? [clamped] : [];
  });
