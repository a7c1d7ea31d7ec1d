import kafkajs from 'kafkajs';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { createAdmin, type Admin } from '../../../src/kafka/admin.ts';
import { runConsumerGroup } from '../../../src/kafka/consumer.ts';
import { createKafkajs } from '../../../src/kafka/connection.ts';
import type { Batch } from '../../../src/kafka/group-options.ts';
import { createPublisher, type Publisher } from '../../../src/kafka/publisher.ts';
import { createLog } from '../../../src/log.ts';
import { eventually } from '../../support/eventually.ts';
import { uniqueName } from '../../support/names.ts';
import { compressors } from '../../support/record-batches.ts';

const partitions = 2;
const connection = () => ({ brokers: inject('kafkaBrokers').split(','), clientId: 'test' });

let admin: Admin;
let publisher: Publisher;
let topic: string;
let lines: Record<string, unknown>[];
let lost: object[];
let stops: (() => Promise<void>)[];
beforeEach(async () => {
  admin = createAdmin(connection(), createLog({ level: 'silent' }));
  publisher = createPublisher(connection());
  topic = uniqueName('group');
  await admin.createTopic(topic, partitions);
  // Leaders take up their work a moment later.
  await eventually(async () => expect(await admin.topicOffsets(topic)).toHaveLength(partitions));
  lines = [];
  lost = [];
  stops = [];
});
afterEach(async () => {
  await Promise.all(stops.map((stop) => stop()));
  await publisher.close();
  await admin.close();
});

/** A member of the test's group, and how it ends. */
function join(onBatch: (batch: Batch, end: () => void) => Promise<boolean>): Promise<void> {
  const abort = new AbortController();
  const ended = runConsumerGroup(
    connection(),
    {
      groupId: topic,
      topic,
      sessionTimeoutMs: 6_000,
      log: createLog(
        { level: 'debug' },
        { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
      ),
      readNoted: () => Promise.resolve(new Map()),
      onBatch: (batch) => onBatch(batch, () => abort.abort()),
      onLost: (one) => void lost.push(one),
    },
    abort.signal,
  );
  stops.push(async () => {
    abort.abort();
    await ended;
  });
  return ended;
}

const publish = async (value: string): Promise<void> => {
  const batches = Array.from({ length: partitions }, (_, partition) => ({
    partition,
    messages: [{ key: null, value, headers: {} }],
  }));
  expect(await publisher.publish(topic, batches)).toMatchObject({ kind: 'published' });
};

/** What kafkajs takes for a crash at once, and for one that a restart helps; brokers that are away take it half a minute. */
const crash = (): TypeError => new TypeError('gone', { cause: { retriable: true } });

describe('a member of a consumer group', () => {
  it('that crashes while it is told to end is not started again: its partitions go to the others', async () => {
    await publish('first');
    await join((_, end) => {
      end();
      return Promise.reject(crash());
    });
    const taken: string[] = [];
    void join(({ partition, messages }) => {
      taken.push(...messages.map(({ value }) => `${partition} ${String(value)}`));
      return Promise.resolve(true);
    });
    await eventually(() => expect(taken.sort()).toEqual(['0 first', '1 first']));
    await publish('second');
    await eventually(() => expect(taken).toEqual(expect.arrayContaining(['0 second', '1 second'])));
    const said = lines.map(({ kafka }) => String(kafka));
    expect(said.filter((line) => line.startsWith('Crash:'))).toHaveLength(1);
    expect(said.filter((line) => line.startsWith('Restarting'))).toEqual([]);
  });
});

/** What a member gives to its handler, by partition 0; committed each. */
function taking(taken: string[]): (batch: Batch) => Promise<boolean> {
  return ({ partition, messages }) => {
    if (partition === 0) taken.push(...messages.map(({ value, unreadable }) => unreadable ?? String(value)));
    return Promise.resolve(true);
  };
}

const forget = async (offset: number): Promise<void> => {
  const kafka = createKafkajs(connection(), createLog({ level: 'silent' })).admin();
  await kafka.connect();
  await kafka.fetchTopicOffsets(topic); // it must know the leaders
  await kafka.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(offset) }] });
  await kafka.disconnect();
};

describe('messages that Kafka forgot before they were read', () => {
  it('are named once: while nobody read, and while somebody did', async () => {
    const taken: string[] = [];
    const end = join(taking(taken));
    await publish('1');
    await eventually(async () => expect((await admin.groupOffsets(topic, topic)).get(0)).toBe(1));
    await stops.pop()!();
    await end;
    for (const value of ['2', '3', '4']) await publish(value);
    await forget(3);
    const first = join(taking(taken));
    await eventually(() => expect(taken).toEqual(['1', '4']));
    expect(lost).toEqual([{ partition: 0, from: 1, to: 3 }]);
    await stops.pop()!();
    await first;

    const slow = Promise.withResolvers<boolean>();
    join(async (batch) => {
      await taking(taken)(batch);
      return batch.partition === 0 && batch.messages.length > 0 ? slow.promise : true;
    }).catch(() => undefined);
    await publish('5');
    await eventually(() => expect(taken.at(-1)).toBe('5'));
    for (const value of ['6', '7', '8']) await publish(value);
    await forget(7);
    slow.resolve(true);
    await eventually(() => expect(taken.at(-1)).toBe('8'));
    expect(lost).toEqual([
      { partition: 0, from: 1, to: 3 },
      { partition: 0, from: 5, to: 7 },
    ]);
  });

  it('are passed where nothing follows them, so that nobody finds them again', async () => {
    const taken: string[] = [];
    const end = join(taking(taken));
    await publish('1');
    await eventually(async () => expect((await admin.groupOffsets(topic, topic)).get(0)).toBe(1));
    await stops.pop()!();
    await end;
    for (const value of ['2', '3']) await publish(value);
    await forget(3);
    void join(taking(taken));
    await eventually(async () => expect((await admin.groupOffsets(topic, topic)).get(0)).toBe(3));
    expect(lost).toEqual([{ partition: 0, from: 1, to: 3 }]);
  });
});

describe('a batch that would not fit into memory', () => {
  it('is one message that says so, and the next ones come', async () => {
    const { ZSTD } = kafkajs.CompressionTypes;
    const compress = ({ buffer }: { buffer: Buffer }) =>
      Promise.resolve(compressors['zstd']!.compress(buffer));
    Object.assign(kafkajs.CompressionCodecs, { [ZSTD]: () => ({ compress }) });
    const producer = createKafkajs(connection(), createLog({ level: 'silent' })).producer();
    await producer.connect();
    const bomb = [{ value: Buffer.alloc(100_000_000), partition: 0 }];
    for (let time = 0; time < 3; time++) await producer.send({ topic, compression: ZSTD, messages: bomb });
    await producer.disconnect();
    await publish('after');
    const taken: string[] = [];
    void join(taking(taken));
    await eventually(() => expect(taken).toHaveLength(4));
    expect(taken.pop()).toBe('after');
    for (const text of taken) expect(text).toMatch(/cannot be read: zstd makes more than 67108864 bytes/);
  });
});

describe('a topic that is made again under a group that reads it', () => {
  it('is read from its beginning', async () => {
    const taken: string[] = [];
    for (const value of ['1', '2', '3']) await publish(value);
    void join(taking(taken));
    await eventually(async () => expect((await admin.groupOffsets(topic, topic)).get(0)).toBe(3));
    const kafka = createKafkajs(connection(), createLog({ level: 'silent' })).admin();
    await kafka.connect();
    await kafka.deleteTopics({ topics: [topic] });
    await kafka.disconnect();
    const fresh = createAdmin(connection(), createLog({ level: 'silent' }));
    await eventually(async () => expect(await fresh.createTopic(topic, partitions)).toBe(true));
    await fresh.close();
    // One partition may have a leader before the other: what is published again comes twice.
    await eventually(() => publish('new 1'));
    await eventually(() => expect([...new Set(taken)]).toEqual(['1', '2', '3', 'new 1']));
  });
});
