import { createAdmin } from '../../src/kafka/admin.ts';
import type { KafkaConnection } from '../../src/kafka/connection.ts';
import type { Received } from '../../src/kafka/message.ts';
import { readRanges } from '../../src/kafka/range-reader.ts';
import { createLog } from '../../src/log.ts';

const log = createLog({ level: 'silent' });

/** Everything that a topic holds, by partition and offset. */
export async function readTopic(connection: KafkaConnection, topic: string): Promise<Received[]> {
  const admin = createAdmin(connection, log);
  const ranges = (await admin.topicOffsets(topic)).map(({ partition, low, high }) => ({
    partition,
    from: low,
    to: high,
  }));
  await admin.close();
  const messages: Received[] = [];
  const { unread } = await readRanges(connection, { topic, ranges, log }, (batch) => {
    messages.push(...batch);
    return Promise.resolve();
  });
  if (unread.length > 0) throw new TypeError(`${topic}: not read: ${JSON.stringify(unread)}`);
  return messages.sort((left, right) => left.partition - right.partition || left.offset - right.offset);
}
