import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inTransaction } from '../../../db/client.ts';
import { enqueue, enqueueCombined } from '../../../src/outbox/enqueue.ts';
import { acceptEvents } from '../../support/accept.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { combinedEvent, shippedEvent } from '../../support/events.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

type Row = { payment: string; outbox_id: number; version: number };
const ask = async (door: string, event: unknown): Promise<Row[]> =>
  (await database.pool.query<Row>(`select * from fahuo.${door}($1)`, [JSON.stringify(event)])).rows;
const bySql = (event: unknown): Promise<Row[]> => ask('enqueue_combined', event);
const writtenOf = async (id: string): Promise<unknown[]> =>
  (
    await database.pool.query<Record<string, unknown>>(
      'select event_id, type, payment, version from fahuo.outbox where event_id like $1 order by id',
      [`${id}#%`],
    )
  ).rows;
const event = (id: string, ...payments: string[]) => combinedEvent(payments, { id });

describe('enqueue_combined', () => {
  it('writes a shipped event of each part, with the next version of its payment', async () => {
    await ask('enqueue', shippedEvent({ payment: 'A2', version: 4 }));
    const rows = await bySql(event('a', 'A3', 'A1', 'A2'));
    expect(rows.map(({ payment, version }) => [payment, version])).toEqual([
      ['A3', 1],
      ['A1', 1],
      ['A2', 5],
    ]);
    const { rows: kept } = await database.pool.query<{ data: string }>(
      'select data from fahuo.outbox where id = $1',
      [rows[2]!.outbox_id],
    );
    expect(JSON.parse(kept[0]!.data)).toEqual(shippedEvent({ payment: 'A2' }).data);
    expect(await writtenOf('a')).toEqual(
      ['A1', 'A2', 'A3'].map((payment) => ({
        event_id: `a#${payment}`,
        type: 'fahuo.shipment.shipped.v1',
        payment,
        version: payment === 'A2' ? 5 : 1,
      })),
    );
  });

  it('answers the same event again with its earlier rows, in whatever order its parts stand', async () => {
    const first = await bySql(event('b', 'B1', 'B2'));
    const again = await bySql(event('b', 'B2', 'B1'));
    expect(again).toEqual([first[1], first[0]]);
    expect(await writtenOf('b')).toHaveLength(2);
  });

  it('answers with version and 0 where retention has dropped the earlier rows', async () => {
    await bySql(event('r', 'R1'));
    await database.pool.query(
      `insert into fahuo.upload (appid, payment, version, kind, event_id, source, event_time, topic, partition, "offset", body, body_hash)
       select appid, payment, version, 'shipped', event_id, source, event_time, 't', 0, 0, data, md5(data) from fahuo.outbox
       where event_id = 'r#R1'`,
    );
    await database.pool.query(`delete from fahuo.outbox where event_id = 'r#R1'`);
    expect(await bySql(event('r', 'R1'))).toEqual([{ payment: 'R1', outbox_id: 0, version: 1 }]);
  });

  it('writes all parts or none: one that came before with other content, or breaks the contract, refuses them all', async () => {
    await bySql(event('c', 'C2'));
    const other = event('c', 'C1', 'C2', 'C3');
    other.data.sub_orders[1]!.shipping_list[0]!['item_desc'] = 'another';
    await expect(bySql(other)).rejects.toMatchObject({
      code: '23505',
      message: expect.stringMatching(
        /^fahuo.enqueue_combined: the event c#C2 of \/orders came before/,
      ) as string,
    });
    const broken = event('d', 'D1', 'D2');
    broken.data.sub_orders[1]!['delivery_mode'] = 3;
    await expect(bySql(broken)).rejects.toMatchObject({
      code: '22023',
      message: expect.stringContaining(
        'data.sub_orders[1].delivery_mode is 3: must be the number 1',
      ) as string,
    });
    expect([await writtenOf('c'), await writtenOf('d')]).toMatchObject([[{ payment: 'C2' }], []]);
  });

  it('draws versions of the same payments for two transactions at one time without a deadlock', async () => {
    const payments = Array.from({ length: 8 }, (_, n) => `E${n}`);
    const writers = Array.from({ length: 12 }, (_, n) =>
      inTransaction(database.pool, (tx) =>
        enqueueCombined(tx, event(`e${n}`, ...(n % 2 === 0 ? payments : payments.toReversed()))),
      ),
    );
    const versions = (await Promise.all(writers)).map((parts) => parts.map(({ version }) => version));
    expect(versions.map((one) => new Set(one).size)).toEqual(writers.map(() => 1));
    expect(versions.map(([version]) => version).sort((a, b) => a! - b!)).toEqual(
      writers.map((_, n) => n + 1),
    );
  });
});

describe('a combined event', () => {
  it('is refused by enqueue, which names the door', async () => {
    const remedy =
      'names several payments: write it with fahuo.enqueue_combined, in TypeScript with enqueueCombined';
    await expect(ask('enqueue', event('f', 'F1'))).rejects.toThrow(remedy);
    await expect(inTransaction(database.pool, (tx) => enqueue(tx, event('f', 'F1')))).rejects.toThrow(remedy);
    await expect(bySql(shippedEvent())).rejects.toThrow('write other events with fahuo.enqueue');
  });

  it('has its problems told by fahuo.problems, each with its remedy', async () => {
    const broken = event('g', 'G1', 'G1');
    expect(await ask('problems', event('g', 'G1'))).toEqual([]);
    expect(await ask('problems', broken)).toEqual([
      {
        field: 'data.sub_orders[1].order_key',
        value: expect.stringContaining('G1') as string,
        rule: 'stands twice',
        remedy: 'list each payment once',
      },
    ]);
  });

  it('is kept whole by offer_combined where it is refused, and nothing is written of its parts', async () => {
    expect(await ask('offer_combined', event('h', 'H2'))).toMatchObject([{ payment: 'H2', version: 1 }]);
    const other = event('h', 'H1', 'H2');
    other.data.sub_orders[1]!.shipping_list[0]!['item_desc'] = 'another';
    expect(await ask('offer_combined', other)).toEqual([]);
    expect(await ask('offer_combined', event('i', 'I1', 'I1'))).toEqual([]);
    expect(await ask('offer_combined', 'no event')).toEqual([]);
    expect(await writtenOf('h')).toMatchObject([{ payment: 'H2' }]);
    const { rows } = await database.pool.query(
      'select event_id, payment, detail from fahuo.refused_offer order by id',
    );
    expect(rows).toEqual([
      {
        event_id: 'h',
        payment: '4200001234202611230000000000',
        detail: expect.stringContaining('event h#H2 of') as string,
      },
      {
        event_id: 'i',
        payment: '4200001234202611230000000000',
        detail: expect.stringContaining('stands twice') as string,
      },
      { event_id: null, payment: null, detail: expect.stringContaining('event is "no event"') as string },
    ]);
  });
});

it('a combined event of the topic is a dead letter that says what to send', async () => {
  await acceptEvents(database.pool, [event('m', 'M1', 'M2')]);
  const { rows } = await database.pool.query(
    `select reason, detail from fahuo.dead_letter where event_id = 'm'`,
  );
  expect(rows).toEqual([
    { reason: 'invalid', detail: expect.stringContaining('send an event for each') as string },
  ]);
  expect((await database.pool.query(`select from fahuo.upload where payment like 'M%'`)).rowCount).toBe(0);
});

describe('enqueueCombined', () => {
  it('writes nothing when the caller’s transaction rolls back, and answers with the parts when it commits', async () => {
    const failing = inTransaction(database.pool, async (tx) => {
      await enqueueCombined(tx, event('j', 'J1', 'J2'));
      throw new Error('the order failed');
    });
    await expect(failing).rejects.toThrow('the order failed');
    expect(await writtenOf('j')).toEqual([]);
    const parts = await inTransaction(database.pool, (tx) => enqueueCombined(tx, event('j', 'J2', 'J1')));
    expect(parts.map(({ payment, version, outboxId }) => [payment, version, outboxId > 0])).toEqual([
      ['J2', 1, true],
      ['J1', 1, true],
    ]);
  });

  it('takes a carrier that the database alone knows, masks phones and takes aliases where it is told to', async () => {
    await database.pool.query(`insert into fahuo.carrier (id, name) values ('NEW1', 'new')`);
    const fresh = event('k', 'K1', 'K2');
    fresh.data.sub_orders[1]!.shipping_list[0]!['express_company'] = 'NEW1';
    expect(await inTransaction(database.pool, (tx) => enqueueCombined(tx, fresh))).toHaveLength(2);
    const clear = event('l', 'L1', 'L2');
    clear.data.sub_orders[1]!.shipping_list[0]!['contact'] = { receiver_contact: '13812341234' };
    clear.data.sub_orders[0]!.shipping_list[0]!['express_company'] = '中通快递';
    await expect(inTransaction(database.pool, (tx) => enqueueCombined(tx, clear))).rejects.toThrow(
      /data\.sub_orders\[0\]\.shipping_list\[0\]\.express_company is .*data\.sub_orders\[1\]\.shipping_list\[0\]\.contact\.receiver_contact is "\*{7}1234": must be masked/,
    );
    const options = { maskContacts: true, carrierAliases: true };
    await inTransaction(database.pool, (tx) => enqueueCombined(tx, clear, options));
    const { rows } = await database.pool.query<{ data: string }>(
      `select data from fahuo.outbox where event_id like 'l#%' order by payment`,
    );
    expect(rows[0]!.data).toContain('"ZTO"');
    expect(rows[1]!.data).toContain('138****1234');
  });
});
