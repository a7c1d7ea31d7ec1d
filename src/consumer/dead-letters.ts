import type { Pool } from '../../db/client.ts';
import type { Message } from '../kafka/message.ts';
import type { Published, Publisher } from '../kafka/publisher.ts';
import type { Log } from '../log.ts';
import { headersIn } from './letter-headers.ts';
import { leaseUnpublished, markPublished, releaseUnpublished, type UnpublishedLetter } from './store.ts';

/** One send: Kafka takes a megabyte, headers included. */
const atOnce = {
  limit: 200,
  bytes: 524_288,
  // Longer than a send that comes to nothing takes: letters of an instance that died go to the others after it.
  leaseMs: 120_000,
};

/**
 * Publishes what the table holds and the topic does not yet: the table is the truth. Twice is possible after a
 * crash; the original position in the headers tells. False when the topic could not be reached.
 */
export async function publishDeadLetters(
  deps: { pool: Pool; publisher: Publisher; log: Log },
  topic: string,
): Promise<boolean> {
  for (;;) {
    const letters = await leaseUnpublished(deps.pool, atOnce);
    if (letters.length === 0) return true;
    const ids = letters.map((letter) => letter.id);
    const result = await publishAll(deps.publisher, topic, letters.map(messageOf));
    if (result !== 'published') {
      deps.log.warn({ topic, result }, 'dead_letter.not_published');
      await releaseUnpublished(deps.pool, ids);
      return false;
    }
    await markPublished(deps.pool, ids);
  }
}

/** Together, or one by one where that is too large; what is too large alone stays in the table. */
async function publishAll(
  publisher: Publisher,
  topic: string,
  messages: readonly Message[],
): Promise<Published['kind']> {
  const { kind } = await publisher.publish(topic, [{ partition: 0, messages }]);
  if (kind !== 'too_large') return kind;
  if (messages.length === 1) return 'published';
  for (const message of messages) {
    const alone = await publishAll(publisher, topic, [message]);
    if (alone !== 'published') return alone;
  }
  return 'published';
}

/** The original key, value and headers, byte for byte, and after them why it is here and where it came from. */
function messageOf({
  topic,
  partition,
  offset,
  key,
  value,
  headers,
  reason,
  detail,
}: UnpublishedLetter): Message {
  const added = {
    fahuo_reason: reason,
    fahuo_detail: detail,
    fahuo_topic: topic,
    fahuo_partition: String(partition),
    fahuo_offset: String(offset),
  };
  const why = Object.entries(added).map(([name, text]) => ({ name, value: Buffer.from(text) }));
  return { key, value, headers: [...headersIn(headers), ...why] };
}
