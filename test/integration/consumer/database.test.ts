import { systemClock } from '../../../src/clock.ts';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { bundledCarriers } from '../../../src/shipment/carriers.ts';
import { takeGroup } from '../../../src/consumer/deployment-store.ts';
import { readStrangers } from '../../../src/consumer/guard.ts';
import { runConsumer } from '../../../src/consumer/run.ts';
import { createAdmin, type Admin } from '../../../src/kafka/admin.ts';
import { createPublisher, type Publisher } from '../../../src/kafka/publisher.ts';
import { createLog } from '../../../src/log.ts';
import { createDoorbell } from '../../../src/loop.ts';
import { createMetrics } from '../../../src/metrics.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { shippedEvent } from '../../support/events.ts';
import { eventually } from '../../support/eventually.ts';
import { uniqueName } from '../../support/names.ts';

const log = createLog({ level: 'silent' });
const connection = () => ({ brokers: inject('kafkaBrokers').split(','), clientId: 'test' });

let first: TestDatabase;
let second: TestDatabase;
let admin: Admin;
let publisher: Publisher;
let topic: string;
let stops: AbortController[];
let running: Promise<unknown>[];

beforeEach(async () => {
  [first, second] = [await createDatabase(), await createDatabase()];
  admin = createAdmin(connection(), log);
  publisher = createPublisher(connection());
  topic = uniqueName('shipments');
  await admin.createTopic(topic, 1);
  [stops, running] = [[], []];
});
afterEach(async () => {
  for (const stop of stops) stop.abort();
  await Promise.allSettled(running);
  await publisher.close();
  await admin.close();
  await first.drop();
  await second.drop();
});

/** A member of the test's one group; resolves or rejects as the consumer does. */
function consume({ pool }: TestDatabase, stop: AbortController): Promise<void> {
  const deps = { pool, log, metrics: createMetrics(), doorbell: createDoorbell() };
  const run = runConsumer(
    { ...deps, connection: connection(), publisher },
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
    stop.signal,
  );
  stops.push(stop);
  running.push(run);
  return run;
}

const publish = async (payment: string): Promise<void> => {
  const message = {
    key: payment,
    value: JSON.stringify(shippedEvent({ payment })),
    headers: { 'content-type': 'application/cloudevents+json' },
  };
  const published = await publisher.publish(topic, [{ partition: 0, messages: [message] }]);
  expect(published).toMatchObject({ kind: 'published' });
};
const payments = async ({ pool }: TestDatabase) =>
  (await pool.query<{ payment: string }>('select payment from fahuo.upload order by id')).rows.map(
    (row) => row.payment,
  );
const committed = async () => [...(await admin.groupOffsets(topic, topic))];

describe('a consumer group', () => {
  it('belongs to one database: another is refused, until it takes the group over', async () => {
    await publish('a');
    const stop = new AbortController();
    const done = consume(first, stop);
    await eventually(async () => expect(await committed()).toEqual([[0, 1]]));
    expect(await readStrangers({ pool: first.pool, admin }, { group: topic, topic })).toMatchObject({
      strangers: [],
    });
    stop.abort();
    await done;
    await publish('b');
    await expect(consume(second, new AbortController())).rejects.toMatchObject({
      code: 'GROUP_OF_ANOTHER_DATABASE',
      remedy: expect.stringContaining('fahuo database take-group') as string,
    });
    expect(await payments(second)).toEqual([]);
    const named = { group: topic, topic };
    const { strangers } = await readStrangers({ pool: second.pool, admin }, named);
    expect(strangers).toHaveLength(1);
    await takeGroup(second.pool, named, strangers);
    void consume(second, new AbortController());
    await eventually(async () => expect(await payments(second)).toEqual(['b']));
    await eventually(async () => expect(await committed()).toEqual([[0, 2]]));
    await expect(consume(first, new AbortController())).rejects.toMatchObject({
      code: 'GROUP_OF_ANOTHER_DATABASE',
    });
  });

  it('brings the time of each message along: what is older than the database is known by it', async () => {
    await first.pool.query(`update fahuo.deployment set created_at = now() + interval '5 minutes'`);
    await publish('old');
    void consume(first, new AbortController());
    await eventually(async () => {
      const { rows } = await first.pool.query('select payment, caution from fahuo.upload');
      expect(rows).toEqual([{ payment: 'old', caution: 'older' }]);
    });
  });
});
