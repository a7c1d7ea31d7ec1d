import { randomUUID } from 'node:crypto';
import type { Consumer } from 'kafkajs';
import type { Log } from '../log.ts';
import { createAdmin } from './admin.ts';
import { whileBeating } from './beats.ts';
import { createKafkajs, type KafkaConnection } from './connection.ts';
import type { Received } from './message.ts';
import { clampRanges, type OffsetRange } from './offset-range.ts';
import { OpenRanges } from './open-ranges.ts';
import { received } from './received.ts';

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
  try {
    await begin(consumer, topic, { open, onMessages, onFailure: failed.reject });
    await Promise.race([open.untilRead(patienceMs), failed.promise]);
    if (open.isEmpty()) return { unread: [] };
    return { unread: await stillAvailable(connection, topic, { open, log }) };
  } finally {
    await consumer.disconnect().catch(() => undefined);
    const admin = createAdmin(connection, log);
    await admin.deleteGroup(groupId).catch(() => undefined); // it expires by itself
    await admin.close();
  }
}

type Reading = {
  open: OpenRanges;
  onMessages: (messages: Received[]) => Promise<void>;
  onFailure: (error: unknown) => void;
};

async function begin(consumer: Consumer, topic: string, reading: Reading): Promise<void> {
  const { open, onMessages, onFailure } = reading;
  watch(consumer, topic, reading);
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachBatch: async (payload) => {
      const { batch } = payload;
      const messages = batch.messages.map((message) => received(topic, batch.partition, message));
      const wanted = messages.filter((message) => open.wants(message));
      if (wanted.length === 0) return;
      try {
        await whileBeating(payload, sessionTimeoutMs, () => open.during(onMessages(wanted)));
      } catch (error) {
        onFailure(error);
        throw error;
      }
    },
  });
}

function watch(consumer: Consumer, topic: string, { open, onFailure }: Reading): void {
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (!payload.restart) onFailure(payload.error);
  });
  // Also after a rejoin: a group without commits would begin at the beginning again.
  consumer.on(consumer.events.GROUP_JOIN, () => {
    for (const { partition, from } of open.all()) consumer.seek({ topic, partition, offset: String(from) });
  });
  // A batch of nothing but markers comes to no handler; this event says how far it went.
  consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload: { partition, lastOffset } }) => {
    open.reached(partition, Number(lastOffset) + 1);
  });
}

/** Retention may have taken some of it meanwhile: what the topic holds no longer, nobody can read. */
async function stillAvailable(
  connection: KafkaConnection,
  topic: string,
  { open, log }: { open: OpenRanges; log: Log },
): Promise<OffsetRange[]> {
  const admin = createAdmin(connection, log);
  try {
    const available = await admin.topicOffsets(topic);
    return clampRanges(
      open.all(),
      available.map((one) => ({ ...one, high: Infinity })),
    );
  } catch {
    return open.all(); // the cluster is away: nothing can be said but how far it went
  } finally {
    await admin.close().catch(() => undefined);
  }
}
