import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import type { MoneyPlace } from '../../../db/states.ts';
import { readMoney } from '../../../src/payments/read-money.ts';
import { noticeUploads } from '../../../src/reconcile/store.ts';
import { runCommand } from '../../support/command.ts';
import { acceptEvents } from '../../support/accept.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { appid, receivedEvent } from '../../support/events.ts';
import { insertPending } from '../../support/uploader.ts';

const now = new Date('2026-11-30T12:00:00Z');
const hourMs = 3_600_000;
const ago = (hours: number): Date => new Date(now.getTime() - hours * hourMs);

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());
beforeEach(() =>
  database.pool.query(
    `truncate fahuo.upload, fahuo.payment, fahuo.payment_alias, fahuo.outbox, fahuo.dead_letter, fahuo.refused_offer, fahuo.reconcile_finding, fahuo.loose_payment;
     update fahuo.noticed set upload_id = 0`,
  ),
);

const read = (change: { appid?: string | null; limit?: number } = {}) =>
  readMoney(database.pool, { appid: null, now, limit: 10, topic: 't', ...change });

/** A payment as WeChat told of it; the columns are the table's. */
async function told(id: string, columns: Record<string, unknown> = {}): Promise<void> {
  const all = { appid, transaction_id: id, amount_fen: 100, paid_at: ago(1), order_state: 1, ...columns };
  const names = Object.keys(all);
  await database.pool.query(
    `insert into fahuo.payment (${names.join(', ')}) values (${names.map((_, at) => `$${at + 1}`).join(', ')})`,
    Object.values(all),
  );
}
const uploads = async (name: string, set: string): Promise<void> => {
  await insertPending(database.pool, { count: 1, name });
  await database.pool.query(`update fahuo.upload set ${set} where payment = $1`, [`${name}1`]);
};
const final = `finished_at = now(), attempts = 1, upload_time = '2026-11-30T11:00:00Z'`;
const placesOf = async (): Promise<Record<string, number>> => {
  const { places } = await read();
  return Object.fromEntries(
    Object.entries(places).flatMap(([place, one]) => (one.payments > 0 ? [[place, one.fen]] : [])),
  );
};

describe('where money is', () => {
  it.each<[MoneyPlace, string]>([
    ['waiting', `state = 'pending'`],
    ['waiting', `state = 'unknown'`],
    ['parked', `state = 'parked', park_reason = 'payment_not_found'`],
    ['conflict', `state = 'parked', park_reason = 'conflict'`],
    ['refused', `state = 'rejected', ${final}`],
    ['refused', `state = 'superseded', ${final}`],
    ['shipped', `state = 'acknowledged', ${final}`],
    [
      'part_shipped',
      `state = 'acknowledged', body = replace(body, '"delivery_mode":1', '"delivery_mode":2,"is_all_delivered":false'), ${final}`,
    ],
  ])('%s: to ship there, and here %s', async (place, set) => {
    await told('a1', { amount_fen: 7 });
    await uploads('a', set);
    expect(await placesOf()).toEqual({ [place]: 7 });
  });

  it('is with what is under way before what is done, and with the newest of that', async () => {
    await told('a1');
    await uploads('a', `state = 'acknowledged', ${final}`);
    await database.pool.query(
      `insert into fahuo.upload (appid, payment, version, kind, event_id, source, event_time, topic, partition, "offset", body, body_hash, state, park_reason)
       select appid, payment, 2, kind, 'x', source, event_time, topic, partition, 99, body, body_hash, 'parked', 'conflict' from fahuo.upload`,
    );
    expect(await placesOf()).toEqual({ conflict: 100 });
  });

  it.each<[MoneyPlace, Record<string, unknown>]>([
    ['no_event', {}],
    ['no_event', { order_state: null }],
    ['shipped', { order_state: 2, shipped_at: now }],
    ['shipped', { order_state: null, shipped_at: now }],
    ['confirmed', { order_state: 3 }],
    ['confirmed', { order_state: 6 }],
    ['confirmed', { order_state: 2, confirmed_at: now }],
    ['settled', { order_state: 4 }],
    ['settled', { order_state: 1, settled_at: now }],
    ['refunded', { order_state: 5 }],
  ])('%s: as WeChat tells, %j', async (place, columns) => {
    await told('p', columns);
    expect(await placesOf()).toEqual({ [place]: 100 });
  });

  it('is with an event that is on its way, was lost, or was refused at a door', async () => {
    for (const id of ['o', 'l', 'd', 'r']) await told(id);
    await database.pool.query(
      `insert into fahuo.outbox (event_id, type, source, event_time, appid, payment, version, data)
       values ('e', 'fahuo.shipment.shipped.v1', '/o', '', $1, 'o', 1, '{}'), ('f', 'fahuo.shipment.shipped.v1', '/o', '', $1, 'new', 1, '{}')`,
      [appid],
    );
    await database.pool.query(
      `insert into fahuo.reconcile_finding (appid, transaction_id, kind, first_seen_at, seen_at) values ($1, 'l', 'lost', now(), now())`,
      [appid],
    );
    await database.pool.query(
      `insert into fahuo.refused_offer (event, bytes, appid, payment, detail) values ('{}', 2, $1, 'r', 'x')`,
      [appid],
    );
    await database.pool.query(
      `insert into fahuo.dead_letter (topic, partition, "offset", headers, message_hash, reason, detail, appid, payment)
       values ('t', 0, 0, '{}', 'h', 'invalid', 'x', $1, 'd')`,
      [appid],
    );
    const { places } = await read();
    expect(places.in_outbox).toEqual({ payments: 3, unknown: 1, fen: 200 });
    expect(places.refused).toEqual({ payments: 2, unknown: 0, fen: 200 });
  });

  it('is with no event where the outbox has nothing but the word of its receipt', async () => {
    await told('p');
    for (const payment of ['p', 'q', 'm:o'])
      await database.pool.query(
        `insert into fahuo.outbox (event_id, type, source, event_time, appid, payment, data)
         values ('e', 'fahuo.shipment.received.v1', '/o', '', $1, $2, '{}')`,
        [appid, payment],
      );
    await acceptEvents(database.pool, [receivedEvent({ payment: 'p', seconds: Date.now() })]);
    expect(await placesOf()).toEqual({ no_event: 100 });
  });

  it.each([
    [
      'in_outbox',
      `insert into fahuo.outbox (event_id, type, source, event_time, appid, payment, version, data)
       values ('e', 'fahuo.shipment.shipped.v1', '/o', '', $1, 'm:o', 1, '{}')`,
    ],
    [
      'refused',
      `insert into fahuo.refused_offer (event, bytes, appid, payment, detail) values ('{}', 2, $1, 'm:o', 'x')`,
    ],
    [
      'refused',
      `insert into fahuo.dead_letter (topic, partition, "offset", headers, message_hash, reason, detail, appid, payment)
       values ('t', 0, 0, '{}', 'h', 'invalid', 'x', $1, 'm:o')`,
    ],
  ])('is %s with an event of its merchant’s numbers, the first of their kind', async (place, statement) => {
    await told('p', { mchid: 'm', out_trade_no: 'o' });
    await database.pool.query(statement, [appid]);
    expect(await placesOf()).toEqual({ [place]: 100 });
  });

  it('of an upload that WeChat told nothing of counts with an amount that is not known', async () => {
    await insertPending(database.pool, { count: 2 });
    const { places, deadlines } = await read();
    expect(places.waiting).toEqual({ payments: 2, unknown: 2, fen: 0 });
    expect(deadlines.not_known.payments).toBe(2);
    await told('p1');
    expect((await read()).places.waiting).toEqual({ payments: 2, unknown: 1, fen: 100 });
  });

  it.each(['', ', also where the upload was noticed'])(
    'of a payment that an upload names by a merchant number is counted once%s',
    async (noticed) => {
      await insertPending(database.pool, { count: 3, name: '19:T' });
      if (noticed !== '') {
        await database.pool.query(`update fahuo.upload set received_at = now() - interval '2 minutes'`);
        expect(await noticeUploads(database.pool, 10)).toBe(3);
      }
      await told('x1', { mchid: '19', out_trade_no: 'T1' });
      await told('x2', { mchid: '18', sub_mchid: '19', out_trade_no: 'T2' });
      expect((await read()).places.waiting).toEqual({ payments: 3, unknown: 1, fen: 200 });
      await told('x3');
      expect((await read()).places).toMatchObject({ waiting: { payments: 3 }, no_event: { payments: 1 } });
      await database.pool.query(`insert into fahuo.payment_alias values ($1, '19:T3', 'x3')`, [appid]);
      expect((await read()).places).toMatchObject({
        waiting: { payments: 3, unknown: 0 },
        no_event: { payments: 0 },
      });
    },
  );

  it('is one app’s, where that is asked', async () => {
    await told('a');
    await told('b', { appid: 'wxother' });
    expect((await read({ appid })).places.no_event.payments).toBe(1);
    expect((await read()).places.no_event.payments).toBe(2);
    expect((await read({ appid: 'wxnobody' })).places.no_event.payments).toBe(0);
  });
});

describe('when it comes', () => {
  it('is ten days after an express parcel, two after all else, by the days of Beijing', async () => {
    const shipped = { order_state: 2, shipped_at: new Date('2026-11-20T15:59:59Z') };
    await told('express', { ...shipped, logistics_type: 1 });
    await told('virtual', { ...shipped, logistics_type: 3 });
    await told('later', { ...shipped, shipped_at: new Date('2026-11-20T16:00:00Z'), logistics_type: 1 });
    await told('told', {
      ...shipped,
      logistics_type: 1,
      expected_settlement_at: new Date('2026-12-24T00:00:00Z'),
    });
    await told('unsaid', shipped);
    expect((await read()).settles.map(({ day, payments }) => [day, payments])).toEqual([
      ['2026-11-22', 1],
      ['2026-11-30', 1],
      ['2026-12-01', 1],
      ['2026-12-24', 1],
      [null, 1],
    ]);
  });

  it('is known of what we shipped before WeChat shows it', async () => {
    await told('a1');
    await uploads('a', `state = 'acknowledged', ${final}`);
    expect((await read()).settles).toMatchObject([{ day: '2026-12-10', payments: 1 }]);
  });
});

describe('48 hours', () => {
  it('have passed, or end in 1, 6 or 24; the dearest first, and what is shipped is not among them', async () => {
    const paid = { a: 48, b: 47.001, c: 42.001, d: 24.001, e: 23.9, f: 47 } as const;
    for (const [at, [id, hours]] of Object.entries(paid).entries())
      await told(id, { paid_at: ago(hours), amount_fen: id === 'b' ? null : 10 ** at });
    await told('shipped', { paid_at: ago(100), order_state: 2, shipped_at: now });
    const { deadlines, dearest } = await read({ limit: 3 });
    expect(Object.values(deadlines).map(({ payments }) => payments)).toEqual([1, 2, 3, 4, 0]);
    expect(deadlines.in_1_hour).toEqual({ payments: 2, unknown: 1, fen: 100_000 });
    expect(dearest.map(({ payment }) => payment)).toEqual(['f', 'd', 'c']);
    expect(dearest[0]).toEqual({ appid, payment: 'f', fen: 100_000, paidAt: ago(47), place: 'no_event' });
  });
});

it('the command answers in yuan, in fen with --json, and says when there is nothing', async () => {
  const run = (...words: string[]) =>
    runCommand(['money', ...words], { DATABASE_URL: database.url, KAFKA_BROKERS: inject('kafkaBrokers') });
  expect(await run()).toMatchObject({ code: 3 });
  await told('p', { amount_fen: 123_456, paid_at: new Date() });
  expect((await run()).stdout).toMatch(/to ship, no event yet +1 +1,234\.56/);
  const json = JSON.parse((await run('--json')).stdout) as object;
  expect(json).toMatchObject({
    places: { no_event: { payments: 1, unknown: 0, fen: 123_456 } },
    dearest: [],
  });
  expect(await run('--app', 'nobody')).toMatchObject({ code: 3 });
});
