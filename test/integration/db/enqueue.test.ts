import { drizzle } from 'drizzle-orm/node-postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inTransaction } from '../../../db/client.ts';
import { enqueue } from '../../../src/outbox/enqueue.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { shippedEvent } from '../../support/events.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

const count = async (): Promise<number> =>
  (await database.pool.query<{ n: number }>('select count(*) as n from fahuo.outbox')).rows[0]!.n;
const raw = (text: string) => database.pool.query('select fahuo.enqueue($1)', [text]);

describe('enqueue', () => {
  it('writes nothing when the caller’s transaction rolls back', async () => {
    const before = await count();
    await expect(
      inTransaction(database.pool, async (tx) => {
        await enqueue(tx, shippedEvent());
        throw new Error('the order failed');
      }),
    ).rejects.toThrow('the order failed');
    expect(await count()).toBe(before);
  });

  it('works in a pg and in a drizzle transaction', async () => {
    const before = await count();
    await inTransaction(database.pool, (tx) => enqueue(tx, shippedEvent({ version: 1 })));
    await drizzle(database.pool).transaction((tx) => enqueue(tx, shippedEvent({ version: 2 })));
    expect(await count()).toBe(before + 2);
  });

  it('keeps the text of data byte for byte', async () => {
    const data = '{ "order_key": {"order_number_type":2,"transaction_id":"T9"},  "b":1.0, "a":"\\u4e2d" }';
    await raw(
      `{"id":"x","type":"fahuo.shipment.shipped.v1","source":"/s","time":"t","appid":"a","version":1,"data":${data}}`,
    );
    const { rows } = await database.pool.query<{ data: string }>(
      "select data from fahuo.outbox where payment = 'T9'",
    );
    expect(rows[0]?.data).toBe(data);
  });

  it.each([
    ['{oops', /not JSON/],
    ['[]', /must be one JSON object/],
    [JSON.stringify({ ...shippedEvent(), id: undefined }), /id is missing/],
    [JSON.stringify({ ...shippedEvent(), version: '1' }), /version is "1"/],
    [JSON.stringify({ ...shippedEvent(), type: 'other' }), /type is "other"/],
    [
      JSON.stringify({ ...shippedEvent(), data: { order_key: { order_number_type: '2' } } }),
      /order_number_type is "2"/,
    ],
    [JSON.stringify({ ...shippedEvent(), type: 'fahuo.shipment.corrected.v1' }), /reason is missing/],
    [JSON.stringify({ ...shippedEvent(), source: 7 }), /source is 7; it must be a non-empty string/],
    [JSON.stringify({ ...shippedEvent(), appid: '' }), /appid is ""/],
    [JSON.stringify({ ...shippedEvent(), time: null }), /time is missing/],
    [JSON.stringify({ ...shippedEvent(), traceparent: {} }), /traceparent is \{\}/],
    [JSON.stringify({ ...shippedEvent(), version: 1.5 }), /version is 1.5/],
    [JSON.stringify({ ...shippedEvent(), version: undefined }), /version is missing/],
    [JSON.stringify({ ...shippedEvent(), data: [] }), /data is missing or not an object/],
    [JSON.stringify({ ...shippedEvent(), data: {} }), /data.order_key is missing/],
    [JSON.stringify({ ...shippedEvent(), data: { order_key: {} } }), /order_number_type is missing/],
    [
      JSON.stringify({ ...shippedEvent(), data: { order_key: { order_number_type: 1, mchid: '1' } } }),
      /out_trade_no is missing/,
    ],
  ])('the SQL function refuses %s', async (text, message) => {
    await expect(raw(text)).rejects.toThrow(message);
  });

  it.each([
    ['reason', 1_000],
    ['approved_by', 256],
    ['traceparent', 256],
    ['time', 64],
  ])('the table takes no %s of more than %i characters', async (member, max) => {
    const event = { ...shippedEvent({ payment: `T-${member}` }), type: 'fahuo.shipment.corrected.v1' };
    const withText = (length: number): string =>
      JSON.stringify({ reason: 'r', approved_by: 'a', ...event, [member]: 'x'.repeat(length) });
    await expect(raw(withText(max + 1))).rejects.toThrow('outbox_texts_length');
    await raw(withText(max));
  });

  it('unescapes attributes, keys a payment by merchant and order, and takes the last of two equal members', async () => {
    await raw(
      `{"id":"first","id":"\\u4e2d\\"x","type":"fahuo.shipment.corrected.v1","source":"/s","time":"t","appid":"a","version":12,
        "reason":"r","approved_by":"p","traceparent":"00-1",
        "data":{"order_key":{"order_number_type":1,"mchid":"M","out_trade_no":"O"}}}`,
    );
    const { rows } = await database.pool.query(
      `select event_id, version, reason, approved_by, traceparent from fahuo.outbox where payment = 'M:O'`,
    );
    expect(rows).toEqual([
      { event_id: '中"x', version: 12, reason: 'r', approved_by: 'p', traceparent: '00-1' },
    ]);
  });

  it('lets fahuo_writer enqueue and read acknowledgements, and nothing else', async () => {
    await inTransaction(database.pool, async (tx) => {
      await tx.query('set local role fahuo_writer');
      expect(await enqueue(tx, shippedEvent({ version: 3 }))).toBeGreaterThan(0);
      expect((await tx.query('select * from fahuo.acknowledgements')).rowCount).toBe(0);
      await expect(tx.query('select * from fahuo.outbox')).rejects.toThrow('permission denied');
    });
  });
});
