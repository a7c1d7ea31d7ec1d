import { afterEach, describe, expect, it } from 'vitest';
import { createPublisher } from '../../src/kafka/publisher.ts';
import { createLog } from '../../src/log.ts';
import { runRetention } from '../../src/upload/retention.ts';
import { shippedEvent } from '../support/events.ts';
import { eventually } from '../support/eventually.ts';
import { appid, createStack, effectsOf, statsOf, type Stack } from '../support/stack.ts';
import { countTables } from '../support/tables.ts';

const log = createLog({ level: 'silent' });
const keptMs = 1_000;
const generations = 3;
const payments = 40;

let stack: Stack;
let stop: AbortController;
let retention: Promise<void>;
afterEach(async () => {
  stop.abort();
  await retention;
  await stack.close();
});

const one = async (sql: string): Promise<number> =>
  (await stack.database.pool.query<{ n: number }>(sql)).rows[0]!.n;

/** Two versions a payment, and a message that is no event. */
async function ship(generation: number): Promise<void> {
  const events = Array.from({ length: payments }, (_, index) => `g${generation}-${index}`).flatMap(
    (payment) =>
      [1, 2].map((version) => {
        const event = shippedEvent({ payment, version, appid });
        Object.assign(event.data, { delivery_mode: 2, is_all_delivered: version === 2 });
        event.data.shipping_list[0]!['tracking_no'] = `SF${generation}`;
        return JSON.stringify(event);
      }),
  );
  await stack.database.pool.query('select fahuo.enqueue(text) from unnest($1::text[]) as text', [events]);
  const publisher = createPublisher(stack.connection);
  await publisher.publish(stack.topic, [
    { partition: 0, messages: [{ key: 'k', value: 'no event', headers: {} }] },
  ]);
  await publisher.close();
}

/** Shipped, answered, and forgotten. */
const untilForgotten = (generation: number): Promise<void> =>
  eventually(
    async () => {
      expect(await one('select count(*) as n from fahuo.tombstone')).toBe(generation * payments);
      for (const table of ['upload', 'attempt', 'dead_letter', 'outbox', 'relay_journal'])
        expect([table, await one(`select count(*) as n from fahuo.${table}`)]).toEqual([table, 0]);
    },
    60_000,
    200,
  );

describe('years that pass in seconds', () => {
  it('leave every table as large as the first one did, and a replay of all of them sends nothing', async () => {
    stack = await createStack({ partitions: 2 });
    stop = new AbortController();
    const keep = {
      uploadMs: keptMs,
      deadLetterMs: keptMs,
      outboxMs: keptMs,
      webhookDeliveredMs: keptMs,
      webhookUndeliveredMs: keptMs,
      olderQuietMs: keptMs,
    };
    retention = runRetention(
      { pool: stack.database.pool, log },
      { ...keep, instance: 'test', acknowledgements: true, everyMs: 200 },
      stop.signal,
    );
    await stack.start();
    const sizes = [];
    for (let generation = 1; generation <= generations; generation++) {
      await ship(generation);
      await untilForgotten(generation);
      sizes.push(await countTables(stack.database.pool));
    }
    const tombstones = sizes.map((tables) => tables['tombstone']);
    expect(tombstones).toEqual([payments, 2 * payments, 3 * payments]);
    for (const tables of sizes) expect({ ...tables, tombstone: 0 }).toEqual({ ...sizes[0], tombstone: 0 });

    const before = await effectsOf(stack.wechat);
    expect(new Set(before.map((effect) => effect.payment)).size).toBe(generations * payments);
    const planned = await stack.run('replay', '--earliest', '--json');
    expect(JSON.parse(planned.stdout)).toMatchObject({ plan: { toSend: 0, dead: generations } });
    const replayed = await stack.run('replay', '--earliest', '--execute', '--json');
    expect(JSON.parse(replayed.stdout)).toMatchObject({
      replay: { inserted: 0, retried: 0, duplicate: generations * payments * 2, dead: generations },
    });
    expect(await one('select count(*) as n from fahuo.upload')).toBe(0);
    expect(await effectsOf(stack.wechat)).toEqual(before);
    expect((await statsOf(stack.wechat)).effects.reship).toBe(0);
  });
});
