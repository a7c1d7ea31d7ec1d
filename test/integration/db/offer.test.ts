import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from 'pg';
import { connectAlone } from '../../../db/client.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { appid, shippedEvent } from '../../support/events.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

const offer = async (event: unknown): Promise<number | null> => {
  const text = typeof event === 'string' || event === null ? event : JSON.stringify(event);
  return (await database.pool.query<{ id: number | null }>('select fahuo.offer($1) as id', [text])).rows[0]!
    .id;
};
type Refused = Record<string, unknown> & { id: number };
const lastRefused = async (): Promise<Refused> =>
  (await database.pool.query<Refused>('select * from fahuo.refused_offer order by id desc limit 1')).rows[0]!;

describe('an offer that is in order', () => {
  it('is written as enqueue writes it, and found again', async () => {
    const event = shippedEvent({ payment: 'good' });
    const id = await offer(event);
    expect(id).toBeGreaterThan(0);
    expect(await offer(event)).toBe(id);
  });
});

describe('an offer that breaks the contract', () => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  it.each<[string, string | null]>([
    ['nothing', null],
    ['an empty text', ''],
    ['no JSON', '{oops'],
    ['another value', '[]'],
    ['a NUL', '{"id":"a\\u0000b"}'],
    ['half a pair', '{"id":"\\ud800"}'],
    ['nesting beyond the stack', `{"a":${deep}}`],
    ['nesting beyond the stack, and a NUL', `{"b":"\\u0000","a":${deep}}`],
    ['a number beyond numeric', '{"version":1e200000}'],
    ['more digits than a number holds', `{"version":${'9'.repeat(200_000)}}`],
    ['300 kB', `{"a":"${'果'.repeat(100_000)}"}`],
    [
      'ten thousand members',
      JSON.stringify(Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`m${n}`, null]))),
    ],
    ['ids of other types', '{"id":{},"appid":[],"version":"1","data":{"order_key":{"transaction_id":7}}}'],
  ])('raises nothing and is kept: %s', async (_what, text) => {
    expect(await offer(text)).toBeNull();
    const kept = await lastRefused();
    expect(kept).toMatchObject({
      bytes: text === null ? 0 : Buffer.byteLength(text),
      version: null,
      appid: null,
    });
    expect(kept['detail']).toMatch(/ is .*: must |cannot be read/);
    expect(String(kept['detail']).length).toBeLessThan(8_100);
    expect(Buffer.byteLength(String(kept['event']))).toBeLessThanOrEqual(262_144);
  });

  it('does not end the transaction that it stands in', async () => {
    const client = await database.pool.connect();
    try {
      await client.query('begin');
      await client.query(`select fahuo.offer('{')`);
      await client.query('select fahuo.offer($1)', [JSON.stringify(shippedEvent({ payment: 'same-tx' }))]);
      await client.query('commit');
    } finally {
      client.release();
    }
    const { rows } = await database.pool.query(`select 1 from fahuo.outbox where payment = 'same-tx'`);
    expect(rows).toHaveLength(1);
  });

  it('is answered on the ack topic where app, payment and event are named, in the form of every answer', async () => {
    const event = { ...shippedEvent({ payment: 'answered', version: 7 }), time: 'today' };
    expect(await offer(event)).toBeNull();
    const kept = await lastRefused();
    expect(kept).toMatchObject({
      event_id: 'answered-7',
      payment: 'answered',
      appid,
      version: 7,
      source: '/orders',
    });
    const { rows } = await database.pool.query<{ data: string }>(
      `select type, source, appid, payment, version, data from fahuo.outbox where event_id = 'refused-' || $1`,
      [kept.id],
    );
    expect(rows).toMatchObject([
      { type: 'fahuo.shipment.acknowledged.v1', source: 'fahuo', appid, payment: 'answered', version: 7 },
    ]);
    expect(JSON.parse(rows[0]!.data)).toEqual({
      appid,
      payment: 'answered',
      version: 7,
      event_id: 'answered-7',
      state: 'rejected',
      errcode: null,
      errmsg: null,
      rid: null,
      attempts: 0,
      uploaded_at: null,
      acknowledged_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00$/) as string,
      detail: 'time is "today": must be RFC 3339 with a zone, like 2026-11-23T10:00:00+08:00',
    });
  });

  it('has no answer on the ack topic of a deployment without one, and takes names for carriers where that is set', async () => {
    const count = async (): Promise<number> =>
      (
        await database.pool.query<{ n: number }>(
          `select count(*) as n from fahuo.outbox where event_id like 'refused-%'`,
        )
      ).rows[0]!.n;
    const named = shippedEvent({ payment: 'named' });
    named.data.shipping_list[0]!['express_company'] = '中通快递';
    const before = await count();
    expect(await offer(named)).toBeNull();
    expect(await count()).toBe(before + 1);
    await database.pool.query(
      'update fahuo.deployment set acknowledgement_rows = false, carrier_aliases = true',
    );
    expect(await offer(named)).toBeGreaterThan(0);
    const { rows } = await database.pool.query<{ data: string }>(
      `select data, notes from fahuo.outbox where payment = 'named' and source = '/orders'`,
    );
    expect(rows).toMatchObject([{ notes: 'data.shipping_list[0].express_company: taken as ZTO' }]);
    expect(rows[0]?.data).toContain('"express_company": "ZTO"');
    expect(await offer({ ...named, id: 'other', time: '' })).toBeNull();
    expect(await count()).toBe(before + 1);
    await database.pool.query(
      'update fahuo.deployment set acknowledgement_rows = true, carrier_aliases = false',
    );
  });

  it('is what enqueue raises as a conflict: kept, with the event that came before', async () => {
    await offer(shippedEvent({ payment: 'twice', id: 'first' }));
    expect(await offer(shippedEvent({ payment: 'twice', id: 'second' }))).toBeNull();
    expect(await lastRefused()).toMatchObject({
      event_id: 'second',
      detail: expect.stringMatching(/^version 1 of payment twice came before by the event first/) as string,
    });
  });
});

it('raises a timeout of the caller’s own, and what it wrote is not kept', async () => {
  const [holder, waiting]: [Client, Client] = [
    await connectAlone(database.url, 'test'),
    await connectAlone(database.url, 'test', { lock_timeout: '100' }),
  ];
  const { version: _drawn, ...event } = shippedEvent({ payment: 'held' });
  try {
    await holder.query('begin');
    await holder.query('select fahuo.offer($1)', [JSON.stringify(event)]);
    await expect(
      waiting.query('select fahuo.offer($1)', [JSON.stringify({ ...event, id: 'x' })]),
    ).rejects.toMatchObject({
      code: '55P03',
    });
  } finally {
    await holder.end();
    await waiting.end();
  }
});
