import { randomUUID } from 'node:crypto';
import { monotonicMs, pause } from '../clock.ts';
import type { Log } from '../log.ts';
import { createAdmin } from './admin.ts';
import { createKafkajs, type KafkaConnection } from './connection.ts';
import { received } from './consumer.ts';
import type { Received } from './message.ts';

/** Half-open: `from` is read, `to` is not. */
export type OffsetRange = { partition: number; from: number; to: number };

export type RangeRead = { topic: string; ranges: readonly OffsetRange[]; log: Log };

/** What lies at the end of a range may be markers of a transaction, which no read shows. */
const silentForMs = 5_000;

/**
 * Reads ranges of a topic in a group of its own, which is deleted at the end: the live group's offsets never move.
 * Ranges must lie within what the topic holds (see {@link clampRanges}). Resolves when all are read.
 */
export async function readRanges(
  connection: KafkaConnection,
  { topic, ranges, log }: RangeRead,
  onMessages: (messages: Received[]) => Promise<void>,
): Promise<void> {
  const open = new Map(ranges.filter(({ from, to }) => from < to).map((range) => [range.partition, range]));
  if (open.size === 0) return;
  const groupId = `fahuo-replay-${randomUUID()}`;
  const consumer = createKafkajs(connection, log).consumer({ groupId, maxWaitTimeInMs: 200 });
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  let lastAtMs = monotonicMs();
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (!payload.restart) failed.reject(payload.error);
  });
  try {
    // Also after a rejoin: a group without commits would begin at the beginning again.
    consumer.on(consumer.events.GROUP_JOIN, () => {
      for (const { partition, from } of open.values())
        consumer.seek({ topic, partition, offset: String(from) });
    });
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatch: async (payload) => {
        const { batch } = payload;
        const range = open.get(batch.partition);
        if (range === undefined) return;
        const messages = batch.messages.map((message) => received(topic, batch.partition, message));
        const wanted = messages.filter(({ offset }) => offset >= range.from && offset < range.to);
        if (wanted.length > 0) await onMessages(wanted).catch((error: unknown) => failed.reject(error));
        lastAtMs = monotonicMs();
        const next = Number(batch.lastOffset()) + 1;
        if (next >= range.to) open.delete(batch.partition);
        else if (next > range.from) open.set(batch.partition, { ...range, from: next });
        await payload.heartbeat();
      },
    });
    const untilRead = async (): Promise<void> => {
      lastAtMs = monotonicMs();
      while (open.size > 0 && monotonicMs() - lastAtMs < silentForMs) await pause(20);
    };
    await Promise.race([untilRead(), failed.promise]);
  } finally {
    await consumer.disconnect().catch(() => undefined);
    const admin = createAdmin(connection, log);
    await admin.deleteGroup(groupId).catch(() => undefined); // it expires by itself
    await admin.close();
  }
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
