import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { bundledCarriers } from '../../../src/shipment/carriers.ts';
import { monotonicMs, systemClock } from '../../../src/clock.ts';
import { publishDeadLetters } from '../../../src/consumer/dead-letters.ts';
import { acceptMessages } from '../../../src/consumer/handle.ts';
import { runConsumer } from '../../../src/consumer/run.ts';
import { createAdmin, type Admin } from '../../../src/kafka/admin.ts';
import { createKafkajs } from '../../../src/kafka/connection.ts';
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
/** The least that a broker takes unless told otherwise. */
const sessionTimeoutMs = 6_000;

let database: TestDatabase;
let admin: Admin;
let publisher: Publisher;
let topic: string;
let stops: (() => Promise<void>)[];
/** What the members say, one object a line. */
let said: Record<string, unknown>[];
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
  said = [];
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
      log: createLog(
        { level: 'debug' },
        { write: (line) => void said.push(JSON.parse(line) as Record<string, unknown>) },
      ),
      metrics: createMetrics(),
      doorbell: createDoorbell(),
    },
    {
      topic,
      group: topic,
      deadLetterTopic: `${topic}.dead-letters`,
      sessionTimeoutMs,
      carriers: bundledCarriers(),
      maskContacts: false,
      clock: systemClock,
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

const linesOf = (event: string): Record<string, unknown>[] => said.filter(({ msg }) => msg === event);

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

describe('where the consumer begins', () => {
  it('consumes again what a failover to a late copy of the database lost behind committed offsets', async () => {
    await publish(0, good('a'), good('b'));
    const stop = start();
    await untilCount(2, 'upload');
    await eventually(async () => expect(await committed()).toContainEqual([0, 2]));
    await stop();
    const { rows: copy } = await database.pool.query('select * from fahuo.consumer_offset');
    expect(copy).toMatchObject([{ consumer_group: topic, topic, partition: 0, next_offset: 2 }]);
    await publish(0, good('c'), good('d'), bad('{'));
    await publish(1, good('e'));
    const again = start();
    await untilCount(5, 'upload');
    await eventually(async () =>
      expect(await committed()).toEqual([
        [0, 5],
        [1, 1],
      ]),
    );
    await again();
    // The copy: the rows of `c`, `d` and the dead letter are not there, nor what was noted with them.
    await database.pool.query(`delete from fahuo.upload where "offset" >= 2 and partition = 0`);
    await database.pool.query('delete from fahuo.dead_letter');
    await database.pool.query('update fahuo.consumer_offset set next_offset = 2 where partition = 0');
    said = [];
    start();
    await untilCount(5, 'upload');
    await untilCount(1, 'dead_letter');
    expect(linesOf('offset.differs')).toMatchObject([
      { kind: 'rows_lost', partition: 0, committed: 5, noted: 2, from: 2, level: 40 },
    ]);
    await eventually(async () => {
      const { rows } = await database.pool.query<{ next: number }>(
        'select next_offset as next from fahuo.consumer_offset order by partition',
      );
      expect(rows.map(({ next }) => next)).toEqual([5, 1]);
    });
  });

  it('is the beginning of a topic that was made again, although both offsets are beyond its end', async () => {
    await publish(0, good('a'), good('b'));
    await database.pool.query(
      `insert into fahuo.consumer_offset (consumer_group, topic, partition, next_offset) values ($1, $1, 0, 70)`,
      [topic],
    );
    await setOffset(0, 100);
    start();
    await untilCount(2, 'upload');
    expect(linesOf('offset.differs')).toMatchObject([
      { kind: 'topic_made_again', committed: 100, noted: 70, from: 0, high: 2 },
    ]);
  });

  it('is the beginning of what is left when retention took messages meanwhile, and the log names them', async () => {
    await publish(0, good('a'), good('b'), good('c'), good('d'));
    await setOffset(0, 1);
    const kafka = createKafkajs(connection(), log).admin();
    await kafka.connect();
    await kafka.fetchTopicOffsets(topic); // it has to have heard of the topic
    await kafka.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '3' }] });
    await kafka.disconnect();
    start();
    await untilCount(1, 'upload', `payment = 'd'`);
    expect(await count('upload')).toBe(1);
    expect(linesOf('offset.differs')).toMatchObject([
      { kind: 'messages_gone', committed: 1, firstGone: 1, from: 3 },
    ]);
  });

  it('says nothing while both agree, and no more than that a commit was lost when the database is ahead', async () => {
    await publish(0, good('a'), good('b'));
    const stop = start();
    await eventually(async () => expect(await committed()).toContainEqual([0, 2]));
    await stop();
    const again = start();
    await eventually(() => expect(linesOf('consumer.joined')).toHaveLength(2));
    await publish(0, good('c'));
    await untilCount(3, 'upload');
    expect(linesOf('offset.differs')).toEqual([]);
    await again();
    await setOffset(0, 1);
    start();
    await eventually(() =>
      expect(linesOf('offset.differs')).toMatchObject([
        { kind: 'commit_lost', committed: 1, noted: 3, level: 30 },
      ]),
    );
    await eventually(async () => expect(await committed()).toContainEqual([0, 3]));
    expect(await count('upload')).toBe(3);
  });

  async function setOffset(partition: number, offset: number): Promise<void> {
    const kafka = createKafkajs(connection(), log).admin();
    await kafka.connect();
    const partitions = [{ partition, offset: String(offset) }];
    await eventually(() => kafka.setOffsets({ groupId: topic, topic, partitions })); // a member may be leaving
    await kafka.disconnect();
  }
});

describe('a batch that Postgres holds longer than the group waits for a member', () => {
  it('costs no rebalance and loses nothing', async () => {
    start();
    start();
    await publish(0, good('first'));
    await publish(1, good('other'));
    await untilCount(2, 'upload');
    await eventually(() => expect(assigned()).toEqual([[0], [1]]));
    const joins = linesOf('consumer.joined').length;
    const holder = await database.pool.connect();
    await holder.query('begin; lock table fahuo.upload in access exclusive mode');
    await publish(0, good('a'), good('b'));
    await publish(1, good('c'));
    const heldFrom = monotonicMs();
    await eventually(async () => expect(await waiting()).toBe(2));
    await eventually(() => expect(monotonicMs() - heldFrom).toBeGreaterThan(sessionTimeoutMs * 1.5));
    await holder.query('commit');
    holder.release();
    await untilCount(5, 'upload');
    await eventually(async () =>
      expect(await committed()).toEqual([
        [0, 3],
        [1, 2],
      ]),
    );
    expect(linesOf('consumer.joined')).toHaveLength(joins);
    expect(linesOf('offset.not_committed')).toEqual([]);
  });

  /** The partitions of the last two joins. */
  const assigned = (): unknown[] =>
    linesOf('consumer.joined')
      .slice(-2)
      .map(({ partitions: of }) => of)
      .sort();

  async function waiting(): Promise<number> {
    const { rows } = await database.pool.query<{ n: number }>(
      `select count(*) as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    return rows[0]!.n;
  }
});

describe('dead letters', () => {
  it('are published once by two instances that look at the same moment', async () => {
    await admin.createTopic(`${topic}.dead-letters`, 1);
    const letters = 300;
    await acceptMessages(
      { pool: database.pool, log, metrics: createMetrics() },
      Array.from({ length: letters }, (_, offset) => ({
        topic,
        partition: 0,
        offset,
        key: null,
        value: Buffer.from('{'),
        headers: {},
      })),
      { carriers: bundledCarriers(), maskContacts: false, clock: systemClock, acknowledgements: true },
    );
    const deps = { pool: database.pool, publisher, log };
    await Promise.all([1, 2, 3].map(() => publishDeadLetters(deps, `${topic}.dead-letters`)));
    await untilCount(letters, 'dead_letter', 'published_at is not null');
    const offsets = (await readAll(`${topic}.dead-letters`)).map(({ headers }) =>
      String(headers['fahuo_offset']),
    );
    expect(new Set(offsets).size).toBe(letters);
    expect(offsets).toHaveLength(letters);
  });

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
