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
/** A test's name has the beginning of a text that may have 300 kB. */
const shown = (refusals: [text: string, message: RegExp][]): [string, string, RegExp][] =>
  refusals.map(([text, message]) => [text.slice(0, 200), text, message]);
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

  it('keeps the text of data byte for byte where nothing was changed in it', async () => {
    const data = JSON.stringify(shippedEvent({ payment: 'T9' }).data)
      .replace('"logistics_type":1', ' "logistics_type" : 1.0')
      .replace('苹果', '\\u82f9\\u679c');
    const event = JSON.stringify({
      ...shippedEvent({ payment: 'T9' }),
      time: '2026-11-23T10:00+0800',
      data: 0,
    });
    await raw(event.replace('"data":0', `"data":${data}`));
    const { rows } = await database.pool.query(
      "select data, event_time, notes from fahuo.outbox where payment = 'T9'",
    );
    expect(rows).toEqual([
      { data, event_time: '2026-11-23T10:00:00+08:00', notes: 'time: read as 2026-11-23T10:00:00+08:00' },
    ]);
  });

  it.each(
    shown([
      ['{oops', /event is no JSON: must be one JSON object/],
      ['[]', /event is \[\]: must be one object/],
      ['null', /event is null: must be one object/],
      [JSON.stringify({ ...shippedEvent(), id: undefined }), /id is missing/],
      [JSON.stringify({ ...shippedEvent(), version: '1' }), /version is "1": .*send a number, not a string/],
      [JSON.stringify({ ...shippedEvent(), type: 'other' }), /type is "other"/],
      [
        JSON.stringify({ ...shippedEvent(), data: { order_key: { order_number_type: '2' } } }),
        /order_number_type is "2".*data.payer is missing/,
      ],
      [JSON.stringify({ ...shippedEvent(), type: 'fahuo.shipment.corrected.v1' }), /reason is missing/],
      [JSON.stringify({ ...shippedEvent(), source: 7 }), /source is 7: must be a text that names the sender/],
      [JSON.stringify({ ...shippedEvent(), time: null }), /time is missing: must be RFC 3339/],
      [JSON.stringify({ ...shippedEvent(), data: [] }), /data is \[\]: must be an object/],
      [JSON.stringify({ ...shippedEvent(), id: 'a\u0000b' }), /id is "a\\u0001b": holds a control character/],
      [JSON.stringify({ ...shippedEvent(), id: 'a\ud800' }), /id is .*lone surrogate/],
      [JSON.stringify(shippedEvent()).replace('"id":"', '"id":"\u00010041'), /event is no JSON/],
      [
        JSON.stringify({ ...shippedEvent(), id: 'a\u0000' }).replace('"id":"', '"id":"\u00020041'),
        /event is no JSON/,
      ],
      [`{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}`, /event is nested: must not be nested deeper/],
      [JSON.stringify(shippedEvent()).replace('"version":1', '"version":1e200000'), /event is out of range/],
      [
        JSON.stringify({ ...shippedEvent(), note: 'x'.repeat(300_000) }),
        /event is 300\d+ bytes: must have at most/,
      ],
    ]),
  )('the SQL function refuses %s', async (_shown, text, message) => {
    const before = await count();
    await expect(raw(text)).rejects.toMatchObject({
      message: expect.stringMatching(message) as string,
      code: '22023',
    });
    expect(await count()).toBe(before);
  });

  it('refuses null, and describes twenty of very many problems', async () => {
    await expect(database.pool.query('select fahuo.enqueue(null)')).rejects.toThrow('event is null');
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`m${n}`, n]));
    const refused = raw(JSON.stringify({ ...shippedEvent(), ...many }));
    await expect(refused).rejects.toThrow(/; and 4980 more$/);
    await expect(refused).rejects.toThrow(/^.{0,8100}$/);
  });

  it('is the same for a client whose strings have escapes', async () => {
    const client = await database.pool.connect();
    try {
      await client.query('set standard_conforming_strings = off; set escape_string_warning = off');
      const event = { ...shippedEvent({ payment: 'escapes' }), time: '2026-11-23T10:00:00.5+0800' };
      await client.query('select fahuo.enqueue($1)', [JSON.stringify(event)]);
      await expect(
        client.query('select fahuo.enqueue($1)', [JSON.stringify({ ...event, id: 'a\tb' })]),
      ).rejects.toThrow('control character');
    } finally {
      client.release(true);
    }
  });

  it('unescapes attributes, keys a payment by merchant and order, and takes the last of two equal members', async () => {
    const data = {
      ...shippedEvent().data,
      order_key: { order_number_type: 1, mchid: 'M', out_trade_no: 'O' },
    };
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    await raw(
      `{"id":"first","id":"\\u4e2d\\"x","type":"fahuo.shipment.corrected.v1","source":"/s","time":"2026-11-23T10:00:00Z","appid":"a","version":12,
        "reason":"r","approved_by":"p","traceparent":"${traceparent}","data":1,"data":${JSON.stringify(data)}}`,
    );
    const { rows } = await database.pool.query(
      `select event_id, version, reason, approved_by, traceparent, data from fahuo.outbox where payment = 'M:O'`,
    );
    expect(rows).toEqual([
      {
        event_id: '中"x',
        version: 12,
        reason: 'r',
        approved_by: 'p',
        traceparent,
        data: JSON.stringify(data),
      },
    ]);
  });

  it('lets fahuo_writer enqueue and read acknowledgements, and nothing else', async () => {
    await inTransaction(database.pool, async (tx) => {
      await tx.query('set local role fahuo_writer');
      expect(await enqueue(tx, shippedEvent({ version: 3 }))).toBeGreaterThan(0);
      const { rows } = await tx.query('select field, remedy from fahuo.problems($1)', [
        JSON.stringify({ ...shippedEvent(), id: 7, note: 1 }),
      ]);
      expect(rows).toEqual([
        { field: 'id', remedy: 'must be a text that names this event for good, like "order-17-1"' },
        { field: 'note', remedy: 'remove it' },
      ]);
      expect((await tx.query('select * from fahuo.acknowledgements')).rowCount).toBe(0);
      await expect(tx.query('select * from fahuo.outbox')).rejects.toThrow('permission denied');
    });
  });
});
