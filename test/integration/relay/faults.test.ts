import { Kafka, logLevel } from 'kafkajs';
import { afterEach, describe, expect, it } from 'vitest';
import { monotonicMs } from '../../../src/clock.ts';
import { locate } from '../../../src/relay/journal/locate.ts';
import { readOutboxRows } from '../../../src/relay/journal/store.ts';
import { eventually } from '../../support/eventually.ts';
import { createTcpProxy } from '../../support/proxy.ts';
import { createRelayStack, type RelayStack } from '../../support/relay-stack.ts';
import { readTopic } from '../../support/topic.ts';

let stack: RelayStack;
afterEach(() => stack.close());

const untilPassed = (): Promise<void> =>
  eventually(async () => {
    const { cursor, last } = await stack.cursor();
    expect([last > 0, cursor]).toEqual([true, last]);
  }, 40_000);
const payments = (count: number, from = 0): { payment: string }[] =>
  Array.from({ length: count }, (_, index) => ({ payment: `p${from + index}` }));

describe('the relay and its topic', () => {
  it('says which command makes a missing topic, and publishes once it is there', async () => {
    stack = await createRelayStack({ topicLater: true });
    await stack.enqueue(...payments(3));
    const relay = stack.start();
    const said = await eventually(() => {
      const line = relay.lines.find(({ msg }) => msg === 'relay.interrupted');
      expect(line).toBeDefined();
      return line!;
    });
    expect(said['err']).toBe(`the topic ${stack.topic} does not exist`);
    expect(said['remedy']).toMatch(
      new RegExp(`kafka-topics.sh .*--create --topic ${stack.topic} .*FAHUO_CREATE_TOPICS=true`),
    );
    await stack.admin.createTopic(stack.topic, 2);
    await untilPassed();
    expect((await stack.published()).sort()).toEqual(['p0 v1', 'p1 v1', 'p2 v1']);
  });

  it('goes on when partitions are added: nothing is lost, and every row is found at its offset', async () => {
    stack = await createRelayStack({ partitions: 2 });
    const first = stack.start();
    await stack.enqueue(...payments(60));
    await untilPassed();
    const kafka = new Kafka({ brokers: [...stack.connection.brokers], logLevel: logLevel.NOTHING }).admin();
    await kafka.connect();
    await kafka.createPartitions({ topicPartitions: [{ topic: stack.topic, count: 5 }] });
    await kafka.disconnect();
    await stack.enqueue(...payments(60, 100)); // by the old count still
    await untilPassed();
    await first.stop();
    stack.start(); // asks for the count again, as every minute
    await stack.enqueue(...payments(60, 200), ...payments(60).map((one) => ({ ...one, version: 2 })));
    await untilPassed();
    const messages = await readTopic(stack.connection, stack.topic);
    expect(messages).toHaveLength(240);
    expect(new Set(messages.map(({ partition }) => partition)).size).toBe(5);
    const topics = { events: stack.topic, acks: `${stack.topic}.acks` };
    for (const payment of ['p7', 'p107', 'p207'])
      for (const row of await readOutboxRows(stack.database.pool, payment)) {
        const place = await locate(stack.database.pool, row, topics);
        const held = messages.find(
          (one) => one.partition === place?.partition && one.offset === place.offset,
        );
        expect(String(held?.headers['ce_id'])).toBe(row.eventId);
      }
  });

  it('parks a row that Kafka refuses and the later rows of its payment, and publishes all others', async () => {
    stack = await createRelayStack({ partitions: 1, topicConfig: { 'max.message.bytes': '20000' } });
    await stack.enqueue(
      { payment: 'big', version: 1 },
      { payment: 'other', version: 1 },
      { payment: 'big', version: 2, padding: 30_000 },
      { payment: 'other', version: 2 },
      { payment: 'big', version: 3 },
      { payment: 'third', version: 1 },
    );
    const relay = stack.start();
    await untilPassed();
    await stack.enqueue({ payment: 'big', version: 4 }, { payment: 'other', version: 3 });
    await untilPassed();
    const published = await stack.published();
    expect([...new Set(published)]).toEqual(['big v1', 'other v1', 'other v2', 'third v1', 'other v3']);
    const { rows } = await stack.database.pool.query<{ version: number }>(
      'select version from fahuo.relay_parked order by outbox_id',
    );
    expect(rows.map(({ version }) => version)).toEqual([2, 3, 4]);
    expect(relay.lines.filter(({ msg }) => msg === 'relay.row_parked')).toHaveLength(1);
    // A new leader knows what waits.
    await relay.stop();
    stack.start();
    await stack.enqueue({ payment: 'big', version: 5 }, { payment: 'other', version: 4 });
    await untilPassed();
    expect((await stack.published()).at(-1)).toBe('other v4');
  });
});

describe('the relay and its Postgres', () => {
  it('waits out a disk that is full where the journal is written: nothing is lost, and order holds', async () => {
    stack = await createRelayStack({ partitions: 1 });
    const { pool } = stack.database;
    // A trigger says what a full disk says: a small file system would need privileges that tests do not have.
    await pool.query(`create function public.full() returns trigger language plpgsql as $$
      begin raise exception 'could not extend file: No space left on device' using errcode = 'disk_full'; end $$;
      create trigger full_disk before insert on fahuo.relay_journal for each row execute function public.full()`);
    const relay = stack.start();
    await stack.enqueue(...payments(20));
    await eventually(() => {
      expect(relay.lines.filter(({ err }) => String(err).includes('No space left')).length).toBeGreaterThan(
        1,
      );
    });
    expect((await stack.cursor()).cursor).toBe(0);
    await pool.query('drop trigger full_disk on fahuo.relay_journal');
    await stack.enqueue(...payments(20, 20));
    await untilPassed();
    const published = await stack.published();
    expect([...new Set(published)]).toEqual(payments(40).map(({ payment }) => `${payment} v1`));
  });

  it('loses nothing when the sequence jumps, as it does after a failover or a crash', async () => {
    stack = await createRelayStack({ partitions: 1 });
    const before = stack.start();
    await stack.enqueue(...payments(10));
    await untilPassed();
    await before.stop();
    const { pool } = stack.database;
    const open = await pool.connect();
    await open.query('begin');
    await open.query('select setval($1, last_value + 32) from fahuo.outbox_id_seq', ['fahuo.outbox_id_seq']);
    await open.query('commit');
    open.release();
    await stack.enqueue(...payments(10, 10));
    await pool.query(`select setval('fahuo.outbox_id_seq', 900000)`);
    await stack.enqueue(...payments(10, 20));
    stack.start(); // reads what lies on either side of the jump at once
    await untilPassed();
    expect(await stack.published()).toEqual(payments(30).map(({ payment }) => `${payment} v1`));
    const [row] = await readOutboxRows(pool, 'p25');
    expect(await locate(pool, row!, { events: stack.topic, acks: 'none' })).toMatchObject({ offset: 25 });
  });

  it.each([
    ['is stopped while Postgres sends it rows', 'stopReading'],
    ['is cut off without a word', 'freeze'],
  ] as const)('takes over from a leader that %s, and nothing of it counts as new', async (_name, trouble) => {
    stack = await createRelayStack({ partitions: 1 });
    const { hostname, port } = new URL(stack.database.url);
    const proxy = await createTcpProxy({ host: hostname, port: Number(port) });
    try {
      const behind = Object.assign(new URL(stack.database.url), { port: String(proxy.port) }).toString();
      await stack.enqueue({ payment: 'first' });
      const leader = stack.start({ databaseUrl: behind, instance: 'behind' });
      await untilPassed();
      stack.start({ instance: 'standby' });
      if (trouble === 'freeze') proxy.freeze();
      else proxy.stopReading(100_000);
      // More than the buffers of the sockets on the way hold.
      const padding = trouble === 'freeze' ? 0 : 200_000;
      await stack.enqueue(...payments(100).map((one) => ({ ...one, padding })));
      const startedAtMs = monotonicMs();
      await eventually(async () => expect((await stack.cursor()).owner).toBe('standby'), 20_000);
      console.log(`${trouble}: taken over after ${((monotonicMs() - startedAtMs) / 1_000).toFixed(1)} s`);
      await untilPassed();
      proxy.thaw();
      await eventually(
        () => expect(leader.lines.map(({ msg }) => msg)).toContain('relay.stood_down'),
        30_000,
      );
      const published = await stack.published();
      expect([...new Set(published)]).toEqual([
        'first v1',
        ...payments(100).map(({ payment }) => `${payment} v1`),
      ]);
      expect((await stack.cursor()).owner).toBe('standby');
    } finally {
      proxy.close();
    }
  });

  it('gives a connection up that does not answer, and leads again over a new one', async () => {
    stack = await createRelayStack({ partitions: 1 });
    const { hostname, port } = new URL(stack.database.url);
    const dead = await createTcpProxy({ host: hostname, port: Number(port) });
    try {
      const behind = Object.assign(new URL(stack.database.url), { port: String(dead.port) }).toString();
      const relay = stack.start({ databaseUrl: behind });
      await stack.enqueue({ payment: 'first' });
      await untilPassed();
      dead.freeze();
      await eventually(() => expect(relay.lines.map(({ msg }) => msg)).toContain('relay.stood_down'), 25_000);
      dead.thaw();
      await stack.enqueue({ payment: 'second' });
      await untilPassed();
      expect([...new Set(await stack.published())]).toEqual(['first v1', 'second v1']);
    } finally {
      dead.close();
    }
  });
});
