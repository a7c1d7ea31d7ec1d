import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { step } from '../../../src/receipt/run.ts';
import { claimReceipts, markSending, recordLook, recordSent } from '../../../src/receipt/store.ts';
import { createSandbox, type Sandbox } from '../../../src/sandbox/run.ts';
import { deleteReceipts } from '../../../src/upload/retention-store.ts';
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
    'truncate fahuo.receipt, fahuo.receipt_event, fahuo.receipt_call, fahuo.upload, fahuo.pause',
  );
});
afterEach(() => receipts.close());
afterAll(async () => {
  await sandbox.stop();
  await database.drop();
});

type Row = { state: string; sends: number; errcode: number | null; detail: string };
const rowOf = async (payment = 'p'): Promise<Row | undefined> =>
  (await database.pool.query<Row>('select * from fahuo.receipt where payment = $1', [payment])).rows[0];
/** The buyer had it two seconds from now: later than a shipment of this moment. */
const ask = (payment = 'p'): Promise<unknown> =>
  database.pool.query(`select fahuo.notify_receipt($1, $2, now() + interval '2 seconds')`, [appid, payment]);
const ship = (payment = 'p', change: object = {}): Promise<unknown> =>
  tellSandbox(sandbox.url, 'console-ship', {
    ...shippedEvent({ payment }).data,
    upload_time: new Date().toISOString(),
    ...change,
  });
const look = () => step(receipts.deps, receipts.options, new AbortController().signal);
/** Waits that are over. */
async function lookAgain(times = 1): Promise<void> {
  for (let time = 0; time < times; time++) {
    await database.pool.query('update fahuo.receipt set next_attempt_at = now() where finished_at is null');
    await look();
  }
}
const reminded = async (): Promise<number> =>
  (await (await fetch(`${sandbox.url}/_sandbox/receipts`)).text()).split('\n').length - 1;
const notifies = async (): Promise<number> =>
  (await database.pool.query("select from fahuo.receipt_call where kind = 'notify'")).rowCount ?? 0;
const fault = (rule: object): Promise<unknown> =>
  tellSandbox(sandbox.url, 'faults', { endpoint: 'notify', ...rule });

describe('the reminder to confirm receipt', () => {
  it('goes out once the payment is shipped, with the time of the receipt, and is on record', async () => {
    await ask();
    await look();
    expect(await rowOf()).toMatchObject({ state: 'pending', sends: 0 });
    await ship();
    await lookAgain();
    expect(await rowOf()).toMatchObject({ state: 'acknowledged', sends: 1, errcode: 0 });
    const [receipt] = (await (await fetch(`${sandbox.url}/_sandbox/receipts`)).text()).trim().split('\n');
    const { rows } = await database.pool.query<{ at: number }>(
      "select floor(date_part('epoch', received_at))::int as at from fahuo.receipt",
    );
    expect(JSON.parse(receipt ?? '')).toMatchObject({ payment: 'p', receivedTime: rows[0]?.at });
    expect(
      (await database.pool.query('select kind, outcome, errcode from fahuo.receipt_call order by id')).rows,
    ).toEqual([
      { kind: 'read', outcome: 'order', errcode: 0 },
      { kind: 'read', outcome: 'order', errcode: 0 },
      { kind: 'notify', outcome: 'accepted', errcode: 0 },
    ]);
  });

  it('asks WeChat nothing while an upload of the payment is under way', async () => {
    await ship('p1');
    await insertPending(database.pool, { count: 1, name: 'p' });
    await ask('p1');
    await lookAgain(2);
    expect(await rowOf('p1')).toMatchObject({ state: 'pending', sends: 0 });
    expect((await database.pool.query('select from fahuo.receipt_call')).rowCount).toBe(0);
    await database.pool.query("update fahuo.upload set state = 'acknowledged', finished_at = now()");
    await lookAgain();
    expect(await rowOf('p1')).toMatchObject({ state: 'acknowledged' });
  });

  it.each([
    ['answer lost after it took effect', { kind: 'lost_answer' }, 1],
    ['cut before it took effect', { kind: 'reset_before' }, 0],
    ['answered by a proxy, effect or not', { kind: 'status', status: 502, committed: true }, 1],
    ['answered with garbage', { kind: 'garbage' }, 1],
    ['answered with -1', { kind: 'errcode', errcode: -1 }, 0],
    ['answered too late', { kind: 'delay', ms: 600 }, 1],
  ])('with its %s is unknown, and never made again by itself', async (_claim, rule, effects) => {
    await ship();
    await ask();
    await fault({ ...rule, times: 1 });
    await look();
    expect(await rowOf()).toMatchObject({ state: 'unknown', sends: 1 });
    await lookAgain(5);
    expect([await rowOf(), await reminded(), await notifies()]).toMatchObject([
      { state: 'unknown' },
      effects,
      1,
    ]);
    await tellSandbox(sandbox.url, 'payments', { transaction_id: 'p', order_state: 3 });
    await lookAgain();
    expect([await rowOf(), await notifies()]).toMatchObject([{ state: 'moot' }, 1]);
  });

  it('whose process died after the intent is unknown when its time is over, and never made again', async () => {
    await ship();
    await ask();
    const claim = { appid, owner: 'dead', leaseMs: 0, limit: 1 };
    const [row] = await claimReceipts(database.pool, claim);
    await markSending(database.pool, row!, { transactionId: 'p', withinMs: 60_000 });
    await look();
    expect(await rowOf()).toMatchObject({ state: 'sending' });
    await lookAgain(3);
    expect([await rowOf(), await notifies()]).toMatchObject([{ state: 'unknown', sends: 1 }, 0]);
  });

  it('takes an answer that comes after it was given up for what it says', async () => {
    await ship();
    await ask();
    const [row] = await claimReceipts(database.pool, { appid, owner: 'slow', leaseMs: 0, limit: 1 });
    await markSending(database.pool, row!, { transactionId: 'p', withinMs: 0 });
    await lookAgain();
    const late = { to: 'acknowledged', detail: 'late', spent: true } as const;
    expect(await recordSent(database.pool, row!, late, [])).toBe('done');
    expect(await rowOf()).toMatchObject({ state: 'acknowledged', sends: 1 });
  });

  it('is left alone by who claimed it before another did', async () => {
    await ask();
    const claim = { appid, owner: 'slow', leaseMs: 0, limit: 1 };
    const [before] = await claimReceipts(database.pool, claim);
    const [row] = await claimReceipts(database.pool, claim);
    expect(await markSending(database.pool, before!, { transactionId: 'p', withinMs: 1 })).toBe('stale');
    expect(await recordLook(database.pool, before!, { to: 'moot', detail: '' }, [])).toBe('stale');
    expect(await markSending(database.pool, row!, { transactionId: 'p', withinMs: 1 })).toBe('done');
  });

  it('is one under both names of a payment', async () => {
    await tellSandbox(sandbox.url, 'payments', { transaction_id: 't', mchid: 'm', out_trade_no: 'o' });
    await ship('t');
    await ask('t');
    await ask('m:o');
    await look();
    await lookAgain();
    const states = [await rowOf('t'), await rowOf('m:o')].map((row) => row?.state);
    expect(states.toSorted()).toEqual(['acknowledged', 'rejected']);
    expect([await reminded(), await notifies()]).toEqual([1, 1]);
  });

  it('that was used already is acknowledged: somebody reminded the buyer', async () => {
    await ship();
    await ask();
    await fault({ kind: 'errcode', errcode: 10060030 });
    await look();
    expect(await rowOf()).toMatchObject({ state: 'acknowledged', errcode: 10060030 });
  });

  it('that came too early is made again after a read that shows the payment as shipped', async () => {
    await ship();
    await ask();
    await fault({ kind: 'errcode', errcode: 10060028, times: 1 });
    await look();
    expect(await rowOf()).toMatchObject({ state: 'pending', sends: 1 });
    await lookAgain();
    expect([await rowOf(), await reminded()]).toMatchObject([{ state: 'acknowledged', sends: 2 }, 1]);
  });

  it.each([10060029, 10060032])('that WeChat refuses with %i is rejected', async (errcode) => {
    await ship();
    await ask();
    await fault({ kind: 'errcode', errcode });
    await look();
    expect(await rowOf()).toMatchObject({ state: 'rejected', errcode });
  });

  it('is refused without a call where no carrier brought the goods', async () => {
    await ship('p', { logistics_type: 4, shipping_list: [{ item_desc: '苹果' }] });
    await ask();
    await look();
    expect([await rowOf(), await notifies()]).toMatchObject([{ state: 'rejected', sends: 0 }, 0]);
  });

  it.each([45009, 45011, 40001])('that met %i was no attempt', async (errcode) => {
    await ship();
    await ask();
    await fault({ kind: 'errcode', errcode });
    await look();
    expect(await rowOf()).toMatchObject({ state: 'pending', sends: 0 });
    if (errcode !== 45009) return; // the limit and the token have waits of their own
    await fault({ kind: 'reset_before', rate: 0 });
    await lookAgain();
    expect([await rowOf(), await reminded()]).toMatchObject([{ state: 'acknowledged' }, 1]);
  });

  it('of an app that WeChat has stopped waits, and so does everything of the app', async () => {
    await ship();
    await ask();
    await fault({ kind: 'errcode', errcode: 48001, times: 1 });
    await look();
    const { rows } = await database.pool.query('select appid, errcode from fahuo.pause');
    expect([await rowOf(), rows]).toMatchObject([
      { state: 'pending', sends: 0 },
      [{ appid, errcode: 48001 }],
    ]);
    await lookAgain(2);
    expect(await notifies()).toBe(1);
    await database.pool.query('truncate fahuo.pause');
    await lookAgain();
    expect(await rowOf()).toMatchObject({ state: 'acknowledged' });
  });

  it('is never made again when it was forgotten, by another name of the payment neither', async () => {
    await tellSandbox(sandbox.url, 'payments', { transaction_id: 't', mchid: 'm', out_trade_no: 'o' });
    await ship('t');
    await ask('t');
    await look();
    await database.pool.query("update fahuo.receipt set finished_at = now() - interval '401 days'");
    await deleteReceipts(database.pool, { limit: 500, retentionMs: 400 * 86_400_000 });
    await ask('t');
    await ask('m:o');
    await lookAgain(2);
    const states = [await rowOf('t'), await rowOf('m:o')].map((row) => row?.state);
    expect(states).toEqual(['forgotten', 'rejected']);
    expect([await reminded(), await notifies()]).toEqual([1, 0]);
  });

  it('is moot once the buyer has confirmed', async () => {
    await ship();
    await tellSandbox(sandbox.url, 'payments', { transaction_id: 'p', order_state: 3 });
    await ask();
    await look();
    expect([await rowOf(), await notifies()]).toMatchObject([{ state: 'moot', sends: 0 }, 0]);
  });

  it('is taken by one of two instances', async () => {
    const names = Array.from({ length: 40 }, (_, n) => `many${n}`);
    for (const name of names) await ship(name);
    for (const name of names) await ask(name);
    const other = { ...receipts.options, instance: 'two' };
    const signal = new AbortController().signal;
    for (let round = 0; round < 3; round++)
      await Promise.all([step(receipts.deps, receipts.options, signal), step(receipts.deps, other, signal)]);
    expect([await reminded(), await notifies()]).toEqual([40, 40]);
  });
});

it('asks for the reminders of open events one after the other, without a rest between them', async () => {
  await ask();
  await database.pool.query(
    `insert into fahuo.receipt_event (event_id, source, appid, payment, received_at, event_time, topic, partition, "offset", late, open_at)
     select n, '/o', $1, 'p', now(), 'x', 't', 0, n, false, now() from generate_series(1, 20) n`,
    [appid],
  );
  await database.pool.query("update fahuo.receipt set state = 'moot', finished_at = now()");
  expect(await look()).toBe('busy');
  expect(await look()).toBe('busy');
  expect(await look()).toBe('idle');
  const { rowCount } = await database.pool.query('select from fahuo.receipt_event where open_at is not null');
  expect(rowCount).toBe(0);
});

describe('fahuo.notify_receipt', () => {
  it.each([
    ['a bad appid', ['wx 1', 'p', new Date()], /appid 'wx 1' must be/],
    ['no payment', [appid, null, new Date()], /payment NULL must be/],
    ['a payment with a blank', [appid, 'a b', new Date()], /payment 'a b'/],
    ['no time', [appid, 'p', null], /received_time NULL/],
    ['a time to come', [appid, 'p', new Date(Date.now() + 600_000)], /not in the future/],
  ])('refuses %s', async (_claim, values, words) => {
    await expect(database.pool.query('select fahuo.notify_receipt($1, $2, $3)', values)).rejects.toThrow(
      words,
    );
  });

  it('is one row for one payment, whose first time stays', async () => {
    const call = async (time: string): Promise<unknown> =>
      (await database.pool.query('select fahuo.notify_receipt($1, $2, $3) as id', [appid, 'p', time]))
        .rows[0];
    expect(await call('2026-11-20T10:00:00+08:00')).toEqual(await call('2026-11-21T10:00:00+08:00'));
    const { rows } = await database.pool.query<{ at: Date }>('select received_at as at from fahuo.receipts');
    expect(rows).toEqual([{ at: new Date('2026-11-20T10:00:00+08:00') }]);
  });

  it('says nothing that is rolled back', async () => {
    const client = await database.pool.connect();
    await client.query('begin');
    await client.query('select fahuo.notify_receipt($1, $2, now())', [appid, 'p']);
    await client.query('rollback');
    client.release();
    expect(await rowOf()).toBeUndefined();
  });
});
