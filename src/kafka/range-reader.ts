import { randomUUID } from 'node:crypto';
import { monotonicMs, sleep } from '../clock.ts';
import type { Log } from '../log.ts';
import { createAdmin } from './admin.ts';
import { createKafkajs, type KafkaConnection } from './connection.ts';
import { received } from './consumer.ts';
import type { Received } from './message.ts';

/** Half-open: `from` is read, `to` is not. */
export type OffsetRange = { partition: number; from: number; to: number };

export type RangeRead = {
  topic: string;
  ranges: readonly OffsetRange[];
  log: Log;
  /** After so long without a message what is unread is given up; 30 s unless set: a leader election takes seconds. */
  patienceMs?: number;
};

/** What was not read, cut to where the reading stopped; nothing when all of it was. */
export type RangesRead = { unread: OffsetRange[] };

const defaultPatienceMs = 30_000;
const sessionTimeoutMs = 30_000;
const beatsASession = 10;

/**
 * Reads ranges of a topic in a group of its own, which is deleted at the end: the live group's offsets never move.
 * Ranges must lie within what the topic holds (see {@link clampRanges}). A range is read when the position has passed its
 * end: silence is no end. What no read shows (markers of transactions, what compaction or retention took) is passed over.
 */
export async function readRanges(
  connection: KafkaConnection,
  { topic, ranges, log, patienceMs = defaultPatienceMs }: RangeRead,
  onMessages: (messages: Received[]) => Promise<void>,
): Promise<RangesRead> {
  const open = new OpenRanges(ranges);
  if (open.isEmpty()) return { unread: [] };
  const groupId = `fahuo-replay-${randomUUID()}`;
  const consumer = createKafkajs(connection, log).consumer({
    groupId,
    sessionTimeout: sessionTimeoutMs,
    maxWaitTimeInMs: 200,
  });
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (!payload.restart) failed.reject(payload.error);
  });
  try {
    // Also after a rejoin: a group without commits would begin at the beginning again.
    consumer.on(consumer.events.GROUP_JOIN, () => {
      for (const { partition, from } of open.all()) consumer.seek({ topic, partition, offset: String(from) });
    });
    // A batch of nothing but markers comes to no handler; this event says how far it went.
    consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload: { partition, lastOffset } }) => {
      open.reached(partition, Number(lastOffset) + 1);
    });
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: async (payload) => {
        const { batch } = payload;
        const messages = batch.messages.map((message) => received(topic, batch.partition, message));
        const wanted = messages.filter((message) => open.wants(message));
        if (wanted.length === 0) return;
        const beats = setInterval(
          () => void payload.heartbeat().catch(() => undefined),
          sessionTimeoutMs / beatsASession,
        );
        try {
          await open.during(onMessages(wanted));
        } catch (error) {
          failed.reject(error);
          throw error;
        } finally {
          clearInterval(beats);
        }
      },
    });
    await Promise.race([open.untilRead(patienceMs), failed.promise]);
    if (open.isEmpty()) return { unread: [] };
    return { unread: await open.stillAvailable(connection, topic, log) };
  } finally {
    await consumer.disconnect().catch(() => undefined);
    const admin = createAdmin(connection, log);
    await admin.deleteGroup(groupId).catch(() => undefined); // it expires by itself
    await admin.close();
  }
}

/** What is still to be read of each partition, and when anything was heard last. */
class OpenRanges {
  readonly #byPartition: Map<number, OffsetRange>;
  #heardAtMs = monotonicMs();
  #underWay = 0;

  constructor(ranges: readonly OffsetRange[]) {
    const some = ranges.filter(({ from, to }) => from < to);
    this.#byPartition = new Map(some.map((range) => [range.partition, range]));
  }

  isEmpty = (): boolean => this.#byPartition.size === 0;
  all = (): OffsetRange[] => [...this.#byPartition.values()];

  wants({ partition, offset }: Received): boolean {
    const range = this.#byPartition.get(partition);
    return range !== undefined && offset >= range.from && offset < range.to;
  }

  /** Messages that are being handled are no silence, however long that takes. */
  async during(work: Promise<void>): Promise<void> {
    this.#underWay += 1;
    try {
      await work;
    } finally {
      this.#underWay -= 1;
      this.#heardAtMs = monotonicMs();
    }
  }

  reached(partition: number, next: number): void {
    const range = this.#byPartition.get(partition);
    if (range === undefined || next <= range.from) return;
    this.#heardAtMs = monotonicMs();
    if (next >= range.to) this.#byPartition.delete(partition);
    else this.#byPartition.set(partition, { ...range, from: next });
  }

  /** Resolves when all is read, or nothing was heard for so long. */
  async untilRead(patienceMs: number): Promise<void> {
    this.#heardAtMs = monotonicMs();
    while (!this.isEmpty() && (this.#underWay > 0 || monotonicMs() - this.#heardAtMs < patienceMs))
      await sleep(20);
  }

  /** Retention may have taken some of it meanwhile: what the topic holds no longer, nobody can read. */
  async stillAvailable(connection: KafkaConnection, topic: string, log: Log): Promise<OffsetRange[]> {
    const admin = createAdmin(connection, log);
    try {
      const available = await admin.topicOffsets(topic);
      return clampRanges(
        this.all(),
        available.map((one) => ({ ...one, high: Infinity })),
      );
    } catch {
      return this.all(); // the cluster is away: nothing can be said but how far it went
    } finally {
      await admin.close().catch(() => undefined);
    }
  }
}

/** Cuts ranges to what the topic still holds. */
export const clampRanges = (
  ranges: readonly OffsetRange[],
  available: readonly { partition: number; low: number; high: number }[],
): OffsetRange[] =>
  ranges.flatMap(({ partition, from, to }) => {
    const limits = available.find((one) => one.partition === partition);
    if (limits === undefined) return [];
    const clamped = { partition, from: Math.max(from, limits.low), to: Math.min(to, limits.high) };
    return clamped.from < clamped.to ? [clamped] : [];
  });
