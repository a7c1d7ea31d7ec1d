import { systemClock } from '../../../src/clock.ts';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { Producer } from '@platformatic/kafka';
import kafkajs from 'kafkajs';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { runConsumer } from '../../../src/consumer/run.ts';
import { createAdmin, type Admin } from '../../../src/kafka/admin.ts';
import { createKafkajs } from '../../../src/kafka/connection.ts';
import { createPublisher, type Publisher } from '../../../src/kafka/publisher.ts';
import { createLog } from '../../../src/log.ts';
import { createDoorbell } from '../../../src/loop.ts';
import { createMetrics } from '../../../src/metrics.ts';
import { kafkaJars } from '../../../src/parts/kafka.ts';
import { bundledCarriers } from '../../../src/shipment/carriers.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { shippedEvent } from '../../support/events.ts';
import { eventually } from '../../support/eventually.ts';
import { uniqueName } from '../../support/names.ts';
import { compressors } from '../../support/record-batches.ts';
import { readTopic } from '../../support/topic.ts';

const log = createLog({ level: 'silent' });
const connection = () => ({ brokers: inject('kafkaBrokers').split(','), clientId: 'test' });

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
const headerKinds = ['none', 'null'] as const;
/** What a topic makes of batches; `producer` leaves them as they are. */
const topicCodecs = ['producer', 'gzip', 'snappy', 'lz4', 'zstd', 'uncompressed'] as const;
const javaModes = ['plain', 'committed', 'aborted'] as const;

type Sent = { topic: string; codec: (typeof codecs)[number]; headers: (typeof headerKinds)[number] };

let database: TestDatabase;
let admin: Admin;
let publisher: Publisher;
const topics = new Map<string, string>();
const abort = new AbortController();
const running: Promise<void>[] = [];
const lags = createMetrics();

beforeAll(async () => {
  database = await createDatabase();
  admin = createAdmin(connection(), log);
  publisher = createPublisher(connection());
  for (const codec of topicCodecs) {
    const topic = uniqueName(`producers-${codec}`);
    await admin.createTopic(topic, 1, { config: { 'compression.type': codec } });
    topics.set(codec, topic);
  }
});
afterAll(async () => {
  abort.abort();
  await Promise.all(running);
  await publisher.close();
  await admin.close();
  await database.drop();
});

/** Several of them, so that a batch has something to compress. */
const eventsOf = (producer: string, { topic, codec, headers }: Sent): { key: string; value: string }[] =>
  [0, 1, 2].map((number) => {
    const key = `${topic}/${producer}/${codec}/${headers}/${number}`;
    const payment = key.replaceAll(/[^a-z0-9]/g, '').slice(-60);
    return { key, value: JSON.stringify({ ...shippedEvent({ payment }), id: key }) };
  });

const combinations = (): Sent[] =>
  [...topics.values()].flatMap((topic) =>
    codecs.flatMap((codec) => headerKinds.map((headers) => ({ topic, codec, headers }))),
  );

async function sendFromJava(): Promise<void> {
  const lines = javaModes.flatMap((mode) =>
    combinations().flatMap((sent) =>
      eventsOf(`java-${mode}`, sent).map(({ key, value }) =>
        [sent.topic, sent.codec, mode, sent.headers, key, value].join('\t'),
      ),
    ),
  );
  const program = join(import.meta.dirname, '../../support/java/Produce.java');
  const classes = join(await kafkaJars(), '*');
  const java = spawn('java', ['-cp', classes, program, inject('kafkaBrokers')], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [java.stdout, java.stderr])
    stream.on('data', (data: Buffer) => (said += String(data)));
  java.stdin.end(lines.join('\n'));
  const code = await new Promise((resolve) => java.once('close', resolve));
  if (code !== 0) throw new TypeError(`java ended with ${String(code)}: ${said.slice(-3_000)}`);
}

const contentType = Buffer.from('application/cloudevents+json');

async function sendFromKafkajs(): Promise<void> {
  const kafka = createKafkajs(connection(), log);
  const { None: none, GZIP: gzip, Snappy: snappy, LZ4: lz4, ZSTD: zstd } = kafkajs.CompressionTypes;
  const numbers = { none, gzip, snappy, lz4, zstd };
  const codec = (name: string) => () => ({
    compress: ({ buffer }: { buffer: Buffer }) => Promise.resolve(compressors[name]!.compress(buffer)),
  });
  Object.assign(kafkajs.CompressionCodecs, {
    [snappy]: codec('snappy, in blocks'),
    [lz4]: codec('lz4'),
    [zstd]: codec('zstd'),
  });
  const producer = kafka.producer();
  await producer.connect();
  for (const sent of combinations())
    await producer.send({
      topic: sent.topic,
      compression: numbers[sent.codec],
      messages: eventsOf('kafkajs', sent).map(({ key, value }) => ({
        key,
        value,
        headers: {
          'content-type': contentType,
          ...(sent.headers === 'null' ? { ce_subject: ['', 'x'] } : {}), // it writes no null, but a name twice
        },
      })),
    });
  await producer.disconnect();
}

async function sendFromPlatformatic(): Promise<void> {
  for (const codec of codecs) {
    const producer = new Producer({
      clientId: 'test',
      bootstrapBrokers: connection().brokers,
      ...(codec === 'none' ? {} : { compression: codec }),
    });
    for (const sent of combinations().filter((one) => one.codec === codec))
      await producer.send({
        messages: eventsOf('platformatic', sent).map(({ key, value }) => ({
          topic: sent.topic,
          key: Buffer.from(key),
          value: Buffer.from(value),
          headers: new Map([
            [Buffer.from('content-type'), contentType],
            ...(sent.headers === 'null'
              ? [[Buffer.from('ce_subject'), null as unknown as Buffer] as const]
              : []),
          ]),
        })),
      });
    await producer.close();
  }
}

function consume(): void {
  for (const topic of topics.values())
    running.push(
      runConsumer(
        {
          pool: database.pool,
          connection: connection(),
          publisher,
          log,
          metrics: lags,
          doorbell: createDoorbell(),
        },
        {
          topic,
          group: topic,
          deadLetterTopic: `${topic}.dead-letters`,
          sessionTimeoutMs: 6_000,
          carriers: bundledCarriers(),
          maskContacts: false,
          clock: systemClock,
          acknowledgements: true,
        },
        abort.signal,
      ),
    );
}

describe('messages of other producers', () => {
  it('are all taken: each codec of each producer, null headers, whatever the topic makes of them', async () => {
    await Promise.all([sendFromJava(), sendFromKafkajs(), sendFromPlatformatic()]);
    const producers = ['java-plain', 'java-committed', 'kafkajs', 'platformatic'];
    const wanted = combinations().flatMap((sent) =>
      producers.flatMap((producer) => eventsOf(producer, sent).map(({ key }) => key)),
    );
    consume();
    await eventually(
      async () => {
        const { rows } = await database.pool.query<{ n: number }>('select count(*) as n from fahuo.upload');
        expect(rows[0]!.n).toBeGreaterThanOrEqual(wanted.length);
      },
      90_000,
      500,
    );
    const { rows } = await database.pool.query<{ id: string }>('select event_id as id from fahuo.upload');
    expect(rows.map(({ id }) => id).sort()).toEqual(wanted.sort());
    const letters = await database.pool.query('select detail from fahuo.dead_letter');
    expect(letters.rows).toEqual([]);
    // Past the markers, and past what was aborted at the very end.
    for (const topic of topics.values())
      await eventually(async () => {
        const [end] = await admin.topicOffsets(topic);
        expect((await admin.groupOffsets(topic, topic)).get(0)).toBe(end!.high);
      });
    console.log(`${wanted.length} messages of ${producers.join(', ')}, ${topics.size} topics: all taken`);
  });

  it('are all there for a replay, too, and nothing that was aborted', async () => {
    const topic = topics.get('zstd')!;
    const read = await readTopic(connection(), topic);
    expect(read).toHaveLength(combinations().filter((sent) => sent.topic === topic).length * 4 * 3);
    const named = read.find(({ rawHeaders }) => rawHeaders!.length === 4)!;
    expect(named.rawHeaders!.map(({ name, value }) => [name, value])).toEqual([
      ['content-type', contentType],
      ['ce_subject', null],
      ['trace', Buffer.from([0, 0xff])],
      ['trace', null],
    ]);
  });
});
