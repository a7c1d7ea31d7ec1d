import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CompressionTypes } from 'kafkajs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createAdmin } from '../../../src/kafka/admin.ts';
import { createKafkajs } from '../../../src/kafka/connection.ts';
import { createLog } from '../../../src/log.ts';
import { startKafka } from '../../../src/parts/kafka.ts';
import type { LocalService } from '../../../src/parts/process.ts';
import { readTopic } from '../../support/topic.ts';

const log = createLog({ level: 'silent' });
const topic = 'damaged';
let dir: string;
let kafka: LocalService;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fahuo-damage-'));
  kafka = await startKafka(dir);
});
afterEach(async () => {
  await kafka.stop();
  await rm(dir, { recursive: true, force: true });
});

/** Changes one byte of the second batch in the broker's own file. */
async function damageSecondBatch(): Promise<void> {
  const home = (await readdir(dir)).find((name) => /^kafka-1-/.test(name))!;
  const file = join(dir, home, 'logs', `${topic}-0`, '00000000000000000000.log');
  const bytes = await readFile(file);
  const second = 12 + bytes.readInt32BE(8);
  bytes[second + 80]! ^= 0x10;
  await writeFile(file, bytes);
}

it('a batch that the broker’s disk damaged is one message that says so, and the others are read', async () => {
  const connection = { brokers: [kafka.url], clientId: 'test' };
  const admin = createAdmin(connection, log);
  await admin.createTopic(topic, 1);
  await admin.close();
  const producer = createKafkajs(connection, log).producer();
  await producer.connect();
  for (const batch of [['1'], ['2', '3'], ['4']])
    await producer.send({
      topic,
      compression: CompressionTypes.GZIP,
      messages: batch.map((value) => ({ value })),
    });
  await producer.disconnect();
  await kafka.stop();
  await damageSecondBatch();
  await kafka.restart();
  const read = await readTopic(connection, topic);
  expect(read.map(({ offset, value, unreadable }) => [offset, unreadable ?? String(value)])).toEqual([
    [0, '1'],
    [2, expect.stringMatching(/^the record batch of the offsets 1 to 2 cannot be read: its checksum/)],
    [3, '4'],
  ]);
});
