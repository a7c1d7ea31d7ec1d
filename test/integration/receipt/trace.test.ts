import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { phoneSealKey } from '../../../src/receipt/phone.ts';
import { step } from '../../../src/receipt/run.ts';
import { createSandbox, type Sandbox } from '../../../src/sandbox/run.ts';
import { sealPhone } from '../../../src/shipment/sealed-phone.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { appid, shippedEvent } from '../../support/events.ts';
import { createReceipts, type ReceiptsInTest } from '../../support/receipts.ts';
import { tellSandbox } from '../../support/sandbox-client.ts';
import { insertPending } from '../../support/uploader.ts';

let database: TestDatabase;
let sandbox: Sandbox;
let receipts: ReceiptsInTest;
beforeAll(async () => {
  database = await createDatabase();
  sandbox = await createSandbox({ autoCreatePayments: true }, systemClock);
});
beforeEach(async () => {
  receipts = createReceipts(database.pool, { wechat: sandbox.url, callTimeoutMs: 300 });
  await tellSandbox(sandbox.url, 'reset', {});
  await database.pool.query(
    'truncate fahuo.receipt, fahuo.receipt_call, fahuo.trace, fahuo.upload, fahuo.pause',
  );
});
afterEach(() => receipts.close());
afterAll(async () => {
  await sandbox.stop();
  await database.drop();
});

const phone = '13800001234';
const number = 'SF1p1';
const seal = (payment = 'p1'): string =>
  sealPhone(phoneSealKey({ appid, secret: 's' }), { appid, payment }, phone);
const ask = (sealed = seal(), payment = 'p1'): Promise<unknown> =>
  database.pool.query('select fahuo.trace_receipt($1, $2, $3)', [appid, payment, sealed]);
/** Shipped by us an hour ago, as WeChat holds it. */
async function ship(): Promise<void> {
  await insertPending(database.pool, { count: 1, name: 'p' });
  await database.pool.query("update fahuo.upload set state = 'acknowledged', finished_at = now()");
  await tellSandbox(sandbox.url, 'console-ship', {
    ...shippedEvent({ payment: 'p1' }).data,
    shipping_list: [{ tracking_no: number, express_company: 'YTO', item_desc: '苹果' }],
    upload_time: new Date().toISOString(),
  });
}
async function look(times = 1): Promise<void> {
  for (let time = 0; time < times; time++) {
    await step(receipts.deps, receipts.options, new AbortController().signal);
    await database.pool.query('update fahuo.trace set next_attempt_at = now() where finished_at is null');
    await database.pool.query('update fahuo.receipt set next_attempt_at = now() where finished_at is null');
  }
}
type Row = Record<string, unknown>;
const one = async (table: string): Promise<Row | undefined> =>
  (await database.pool.query<Row>(`select * from fahuo.${table}`)).rows[0];
const callKinds = async (): Promise<unknown[]> =>
  (await database.pool.query<{ kind: string }>('select kind from fahuo.receipt_call order by id')).rows.map(
    ({ kind }) => kind,
  );
const record = async (path: string): Promise<Row[]> =>
  (await (await fetch(`${sandbox.url}/_sandbox/${path}`)).text())
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row);
const textOfDatabase = async (): Promise<string> =>
  JSON.stringify([await one('trace'), (await database.pool.query('select * from fahuo.receipt_call')).rows]);

describe('a payment whose parcels are followed', () => {
  it('is reminded of once, when the carrier says that they have arrived', async () => {
    await tellSandbox(sandbox.url, 'parcels', { tracking_no: number, statuses: [1, 2, 5, 3, 6] });
    await ask();
    await look(2);
    expect(await one('trace')).toMatchObject({ state: 'waiting' });
    await ship();
    await look(5);
    expect([await one('trace'), await one('receipt')]).toMatchObject([{ state: 'following' }, undefined]);
    await look(6);
    expect(await one('trace')).toMatchObject({ state: 'signed', sealed_phone: null });
    expect(await one('receipt')).toMatchObject({ origin: 'trace', sends: 1 });
    expect(await callKinds()).toEqual([
      'read',
      'trace',
      'query',
      'query',
      'query',
      'query',
      'query',
      'read',
      'notify',
    ]);
  });

  it('gives the phone to WeChat alone: sealed before, forgotten afterwards, and in no record', async () => {
    await ship();
    await ask();
    expect(await textOfDatabase()).not.toContain(phone);
    await tellSandbox(sandbox.url, 'faults', {
      kind: 'errcode',
      endpoint: 'trace_waybill',
      errcode: -1,
      errmsg: `no parcel for ${phone}`,
      times: 1,
    });
    await look();
    expect(await one('trace')).toMatchObject({
      state: 'waiting',
      sealed_phone: expect.stringMatching(/^p1\./) as string,
    });
    expect(await textOfDatabase()).not.toContain(phone);
    await look();
    expect(await record('parcels')).toMatchObject([{ trackingNo: number, phone }]);
    expect(await one('trace')).toMatchObject({ state: 'following', sealed_phone: null });
    expect(await textOfDatabase()).not.toContain(phone);
  });

  it.each([
    ['a lost answer', { kind: 'lost_answer' }],
    ['a cut', { kind: 'reset_before' }],
    ['a 502', { kind: 'status', status: 502 }],
    ['garbage', { kind: 'garbage' }],
  ])('is followed and asked about through %s', async (_claim, rule) => {
    await tellSandbox(sandbox.url, 'parcels', { tracking_no: number, statuses: [1, 4] });
    await ship();
    await ask();
    await tellSandbox(sandbox.url, 'faults', [
      { ...rule, endpoint: 'trace_waybill', times: 2 },
      { ...rule, endpoint: 'query_trace', times: 2 },
    ]);
    await look(8);
    expect([await one('trace'), await one('receipt')]).toMatchObject([{ state: 'signed' }, { sends: 1 }]);
  });

  it('is given up where the phone was sealed for another secret', async () => {
    await ship();
    await ask(sealPhone(phoneSealKey({ appid, secret: 'old' }), { appid, payment: 'p1' }, phone));
    await look();
    expect(await one('trace')).toMatchObject({ state: 'ended', sealed_phone: null });
    expect(await callKinds()).toEqual([]);
  });

  it('is given up, without a call for its parcels, once the buyer has confirmed', async () => {
    await ship();
    await tellSandbox(sandbox.url, 'payments', { transaction_id: 'p1', order_state: 3 });
    await ask();
    await look();
    expect([await one('trace'), await callKinds()]).toMatchObject([
      { state: 'ended', sealed_phone: null },
      ['read'],
    ]);
  });

  it('holds up no other reminder while a transaction of the shop asks for the same one', async () => {
    await tellSandbox(sandbox.url, 'parcels', { tracking_no: number, statuses: [4] });
    await ship();
    await ask();
    const shop = await database.pool.connect();
    try {
      await shop.query('begin');
      await shop.query("select fahuo.notify_receipt($1, 'p1', now())", [appid]);
      const beganMs = performance.now();
      await look(3);
      expect(performance.now() - beganMs).toBeLessThan(3_000);
      expect(await one('trace')).toMatchObject({ state: 'following' });
      await shop.query('rollback');
    } finally {
      shop.release();
    }
    await look(3);
    expect([await one('trace'), await one('receipt')]).toMatchObject([
      { state: 'signed' },
      { origin: 'trace' },
    ]);
  });

  it('keeps the reminder that the shop has asked for', async () => {
    await tellSandbox(sandbox.url, 'parcels', { tracking_no: number, statuses: [4] });
    await ship();
    await database.pool.query("select fahuo.notify_receipt($1, 'p1', now() + interval '2 seconds')", [appid]);
    await ask();
    await look(4);
    expect([await one('receipt'), await record('receipts')]).toMatchObject([
      { origin: 'shop', state: 'acknowledged' },
      [{ payment: 'p1' }],
    ]);
  });

  it('is left alone by an app whose parcels are not followed', async () => {
    await ship();
    await ask();
    receipts.options.trace = { ...receipts.options.trace, apps: new Set() };
    await look(2);
    expect([await one('trace'), await callKinds()]).toMatchObject([{ state: 'waiting' }, []]);
  });
});

describe('fahuo.trace_receipt', () => {
  it.each([phone, '', 'p1.short', null])('does not store the phone %j, nor say it', async (given) => {
    const refused = await ask(given as string).then(
      () => null,
      (error: unknown) => String(error),
    );
    expect(refused).toContain('a phone in clear is not stored');
    expect(refused).not.toContain(phone);
    expect(await one('trace')).toBeUndefined();
  });

  it('is one row for one payment', async () => {
    await ask();
    await ask();
    expect((await database.pool.query('select from fahuo.trace')).rowCount).toBe(1);
  });
});
