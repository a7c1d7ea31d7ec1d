import { Kafka, ConfigResourceTypes, logLevel } from 'kafkajs';
import { afterEach, expect, it } from 'vitest';
import { locate } from '../../../src/relay/journal/locate.ts';
import { readOutboxRows } from '../../../src/relay/journal/store.ts';
import { countReleased, findParked, listParked, releasePayment } from '../../../src/relay/parked-store.ts';
import { readStatus } from '../../../src/relay/status-store.ts';
import { eventually } from '../../support/eventually.ts';
import { runFahuo } from '../../support/fahuo-process.ts';
import { createRelayStack, type RelayStack } from '../../support/relay-stack.ts';
import { readTopic } from '../../support/topic.ts';

let stack: RelayStack;
afterEach(() => stack.close());

async function allow(bytes: number): Promise<void> {
  const admin = new Kafka({ brokers: [...stack.connection.brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.alterConfigs({
    validateOnly: false,
    resources: [
      {
        type: ConfigResourceTypes.TOPIC,
        name: stack.topic,
        configEntries: [{ name: 'max.message.bytes', value: String(bytes) }],
      },
    ],
  });
  await admin.disconnect();
}

it('keeps a row that Kafka refuses whole, lists it, and publishes it in order when it is un-parked', async () => {
  stack = await createRelayStack({ partitions: 1, topicConfig: { 'max.message.bytes': '20000' } });
  const { pool } = stack.database;
  const cli = (...args: string[]) => runFahuo(['outbox', ...args], { DATABASE_URL: stack.database.url });
  const relay = stack.start();
  await stack.enqueue({ payment: 'big', version: 1, padding: 30_000 }, { payment: 'other' });
  await stack.enqueue({ payment: 'big', version: 2 });
  await eventually(async () => expect((await stack.cursor()).cursor).toBe(3));
  expect(await stack.published()).toEqual(['other v1']);

  const rows = await listParked(pool, { limit: 10, after: 0 });
  expect(rows).toMatchObject([
    { outboxId: 1, eventId: 'big-1', payment: 'big', version: 1, reason: 'too_large', releasedAt: null },
    { outboxId: 3, eventId: 'big-2', payment: 'big', version: 2, reason: 'waits_behind' },
  ]);
  expect(rows[0]!.bytes).toBeGreaterThan(30_000);
  expect(await readStatus(pool, 0)).toMatchObject({ parkedRows: 2, releasedRows: 0 });
  const listed = await cli('parked');
  expect(listed.stdout).toMatch(/^1 .*\/big +1 +big-1 +too_large +3\d{4} +\d{4}-/m);

  // Kafka refuses it still: it waits again, and so does what came behind it.
  expect(await releasePayment(pool, rows[0]!)).toBe(2);
  await eventually(() => expect(relay.lines.map(({ msg }) => msg)).toContain('relay.release_refused'));
  expect(await countReleased(pool, rows)).toEqual({ published: 0, refused: 2 });

  // The outbox has forgotten it by the time somebody has mended the topic.
  await pool.query('delete from fahuo.outbox where id = 1');
  await allow(1_000_000);
  await stack.enqueue({ payment: 'big', version: 3 });
  await eventually(async () => expect((await stack.cursor()).cursor).toBe(4));
  const done = await cli('unpark', '3', '--execute');
  expect([done.code, done.stdout]).toEqual([0, expect.stringContaining('Published 3, in this order.')]);
  await stack.enqueue({ payment: 'big', version: 4 });
  await eventually(async () =>
    expect(await stack.published()).toEqual(['other v1', 'big v1', 'big v2', 'big v3', 'big v4']),
  );

  const topics = { events: stack.topic, acks: `${stack.topic}.acks` };
  const messages = await readTopic(stack.connection, stack.topic);
  for (const row of await readOutboxRows(pool, 'big')) {
    const place = await locate(pool, row, topics);
    const held = messages.find(({ offset }) => offset === place?.offset);
    expect(String(held?.headers['ce_id'])).toBe(row.eventId);
  }
  expect(await findParked(pool, 'big')).toEqual([]);
}, 120_000);
