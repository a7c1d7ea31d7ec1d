import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { bundledCarriers } from '../../../src/carriers.ts';
import { runConsumer } from '../../../src/consumer/run.ts';
import { createAdmin, type Admin } from '../../../src/kafka/admin.ts';
import type { Message, Received } from '../../../src/kafka/message.ts';
import { createPublisher, type Publisher } from '../../../src/kafka/publisher.ts';
import { readRanges } from '../../../src/kafka/range-reader.ts';
import { createLog } from '../../../src/log.ts';
import { createDoorbell } from '../../../src/loop.ts';
import { createMetrics } from '../../../src/metrics.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { shippedEvent } from '../../support/events.ts';
import { eventually } from '../../support/eventually.ts';
import { uniqueName } from '../../support/names.ts';

const log = createLog({ level: 'silent' });
const partitions = 2;

let database: TestDatabase;
let admin: Admin;
let publisher: Publisher;
let topic: string;
let stops: (() => Promise<void>)[];
const connection = () => ({ brokers: inject('kafkaBrokers').split(','), clientId: 'test' });

beforeEach(async () => {
  database = await createDatabase();
  admin = createAdmin(connection(), log);
  publisher = createPublisher(connection());
  topic = uniqueName('shipments');
  await admin.createTopic(topic, partitions);
  // Leaders are elected a moment later.
  await eventually(async () => expect(await admin.topicOffsets(topic)).toHaveLength(partitions));
  stops = [];
});
afterEach(async () => {
  await Promise.all(stops.map((stop) => stop()));
  await publisher.close();
  await admin.close();
  await database.drop();
});

/** A member of the test's group; returns its stop. */
function start(): () => Promise<void> {
  const abort = new AbortController();
  const own = createPublisher(connection());
  const running = runConsumer(
    {
      pool: database.pool,
      connection: connection(),
      publisher: own,
      log,
      metrics: createMetrics(),
      doorbell: createDoorbell(),
    },
    {
      topic,
      group: topic,
      deadLetterTopic: `${topic}.dead-letters`,
      sessionTimeoutMs: 6_000,
      carriers: bundledCarriers(),
      maskContacts: false,
      acknowledgements: true,
    },
    abort.signal,
  );
  const stop = async (): Promise<void> => {
    abort.abort();
    await running;
    await own.close();
  };
  stops.push(stop);
  return stop;
}

const good = (payment: string): Message => ({
  key: payment,
  value: JSON.stringify(shippedEvent({ payment })),
  headers: { 'content-type': 'application/cloudevents+json' },
});
const bad = (value: string | null): Message => ({ key: 'bad', value, headers: { mine: 'kept 中' } });

async function publish(partition: number, ...messages: Message[]): Promise<void> {
  expect(await publisher.publish(topic, [{ partition, messages }])).toMatchObject({ kind: 'published' });
}

async function count(table: 'upload' | 'dead_letter', where = 'true'): Promise<number> {
  const { rows } = await database.pool.query<{ n: number }>(
    `select count(*) as n from fahuo.${table} where ${where}`,
  );
  return rows[0]!.n;
}
const untilCount = (wanted: number, ...of: Parameters<typeof count>): Promise<void> =>
  eventually(async () => expect(await count(...of)).toBe(wanted));

async function readAll(name: string): Promise<Received[]> {
  const ranges = (await admin.topicOffsets(name)).map(({ partition, low, high }) => ({
    partition,
    from: low,
    to: high,
  }));
  const messages: Received[] = [];
  await readRanges(connection(), { topic: name, ranges, log }, (batch) => {
    messages.push(...batch);
    return Promise.resolve();
  });
  return messages;
}

const committed = async (): Promise<[number, number][]> =>
  [...(await admin.groupOffsets(topic, topic))].sort(([left], [right]) => left - right);

describe('the consumer', () => {
  it('goes on where it stopped: the offsets it committed are those of the rows that are in', async () => {
    await publish(0, good('a'), bad('{'), good('b'));
    const stop = start();
    await untilCount(2, 'upload');
    await eventually(async () => expect(await committed()).toContainEqual([0, 3]));
    await stop();
    await publish(0, good('c'));
    await publish(1, good('d'));
    start();
    await untilCount(4, 'upload');
    await eventually(async () =>
      expect(await committed()).toEqual([
        [0, 4],
        [1, 1],
      ]),
    );
    expect(await count('dead_letter')).toBe(1);
  });

  it('commits nothing while the database refuses to answer, and everything afterwards', async () => {
    await database.pool.query('alter table fahuo.upload rename to away');
    await publish(0, good('a'));
    await publish(1, bad(null));
    start();
    await untilCount(1, 'dead_letter'); // the other partition goes on
    await eventually(async () => expect(await committed()).toContainEqual([1, 1]));
    expect(await committed()).toEqual([[1, 1]]);
    await database.pool.query('alter table fahuo.away rename to upload');
    await untilCount(1, 'upload');
    await eventually(async () => expect(await committed()).toContainEqual([0, 1]));
  });

  it('shares the topic with a second member and takes over what the first one leaves', async () => {
    const stop = start();
    start();
    for (let at = 0; at < 50; at++) await publish(at % partitions, good(`p${at}`));
    await untilCount(50, 'upload');
    await stop();
    for (let at = 50; at < 100; at++) await publish(at % partitions, good(`p${at}`));
    await untilCount(100, 'upload');
    expect(await count('dead_letter')).toBe(0);
  });
});

describe('dead letters', () => {
  it('reach their topic with the original bytes, headers and position, and the reason', async () => {
    await admin.createTopic(`${topic}.dead-letters`, 1);
    await publish(1, good('a'), bad('{"oops'), bad(null));
    start();
    await untilCount(2, 'dead_letter', 'published_at is not null');
    const letters = await readAll(`${topic}.dead-letters`);
    expect(letters.map(({ value }) => value?.toString() ?? null)).toEqual(['{"oops', null]);
    const headers = Object.entries(letters[0]!.headers).map(([name, value]) => [name, value.toString()]);
    expect(Object.fromEntries(headers)).toMatchObject({
      mine: 'kept 中',
      fahuo_reason: 'undecodable',
      fahuo_detail: expect.stringContaining('not JSON') as unknown,
      fahuo_topic: topic,
      fahuo_partition: '1',
      fahuo_offset: '1',
    });
  });

  it('wait in the table while their topic is missing, and hold up nothing', async () => {
    await publish(0, bad('1'), good('a'));
    const stop = start();
    await untilCount(1, 'upload');
    await publish(0, bad('2'), good('b'));
    await untilCount(2, 'upload');
    await eventually(async () => expect(await committed()).toContainEqual([0, 4]));
    expect(await count('dead_letter', 'published_at is null')).toBe(2);
    await stop();
    await admin.createTopic(`${topic}.dead-letters`, 1);
    start(); // what waits is published at the start
    await untilCount(2, 'dead_letter', 'published_at is not null');
    expect(await readAll(`${topic}.dead-letters`)).toHaveLength(2);
  });
});
