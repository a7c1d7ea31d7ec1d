import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { createPool, inTransaction } from '../../../db/client.ts';
import { createAppSet } from '../../../src/apps/app-set.ts';
import { enqueue } from '../../../src/outbox/enqueue.ts';
import { applyCompared } from '../../../src/reconcile/apply.ts';
import { stepAsked } from '../../../src/reconcile/asked.ts';
import { compareOrders, type Compared } from '../../../src/reconcile/compare.ts';
import { runReconcile } from '../../../src/reconcile/run.ts';
import { firstLoose, forgetLoose, noticeUploads, takeSweep } from '../../../src/reconcile/store.ts';
import { stepSweep } from '../../../src/reconcile/sweep.ts';
import { createSandbox, type Sandbox } from '../../../src/sandbox/run.ts';
import { offerAgain } from '../../../src/upload/verbs-store.ts';
import { acceptEvents } from '../../support/accept.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { createDoor } from '../../support/door.ts';
import { appid, receivedEvent, shippedEvent } from '../../support/events.ts';
import { eventually } from '../../support/eventually.ts';
import { createReconcile, publishOutbox, type ReconcileInTest } from '../../support/reconcile.ts';
import { effectsOf, statsOf, tellSandbox } from '../../support/sandbox-client.ts';
import { insertPending, runUploaderOn } from '../../support/uploader.ts';

const minuteMs = 60_000;
const apartMs = 10 * minuteMs;

let database: TestDatabase;
let sandbox: Sandbox;
let reconcile: ReconcileInTest;
let aheadMs: number;
let stop: AbortController;
let running: Promise<void>[];

const ids = (count: number): string[] =>
  Array.from({ length: count }, (_, at) => `42000012342026112300000${String(at).padStart(5, '0')}`);

beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  aheadMs = 0;
  const clock = (): Date => new Date(systemClock().getTime() + aheadMs);
  sandbox = await createSandbox({}, clock);
  reconcile = await createReconcile(database.pool, { wechat: sandbox.url, clock, apartMs, pageSize: 3 });
  stop = new AbortController();
  running = [];
});
afterEach(async () => {
  stop.abort();
  await Promise.all(running);
  await reconcile.close();
  await sandbox.stop();
  await database.pool.query(
    `truncate fahuo.upload, fahuo.attempt, fahuo.outbox, fahuo.relay_journal, fahuo.consumer_offset, fahuo.payment, fahuo.loose_payment,
       fahuo.reconcile_finding, fahuo.reconcile_wish, fahuo.reconcile_sweep, fahuo.pause, fahuo.dead_letter;
     update fahuo.relay_cursor set cursor = 0; update fahuo.noticed set upload_id = 0; alter sequence fahuo.outbox_id_seq restart`,
  );
});

const pay = (...payments: string[]) =>
  tellSandbox(
    sandbox.url,
    'payments',
    payments.map((transaction_id) => ({ transaction_id })),
  );
const write = (payment: string) =>
  inTransaction(database.pool, (tx) => enqueue(tx, shippedEvent({ payment }) as never));
async function ship(...payments: string[]): Promise<void> {
  for (const payment of payments) await write(payment);
  await publishOutbox(database.pool);
}
const upload = (): void =>
  void running.push(
    runUploaderOn(
      database.pool,
      { wechat: sandbox.url, timing: { readAfterMs: 20, readGapMs: 30, notVisibleFirstMs: 50 } },
      { signal: stop.signal },
    ),
  );
const statesOf = async (): Promise<Record<string, string>> => {
  const { rows } = await database.pool.query<{ payment: string; state: string }>(
    'select payment, state from fahuo.upload order by id',
  );
  return Object.fromEntries(rows.map(({ payment, state }) => [payment, state]));
};
const settled = (count: number) =>
  eventually(async () => {
    const states = Object.values(await statesOf());
    expect(states.filter((state) => state === 'acknowledged')).toHaveLength(count);
  });
const acknowledge = () =>
  database.pool.query(
    `update fahuo.upload set state = 'acknowledged', finished_at = now(), attempts = 1, upload_time = now()`,
  );
const findings = async (): Promise<unknown[]> =>
  (
    await database.pool.query<object>(
      `select transaction_id, kind, confirmed_at is not null as confirmed, offers, ended_at is not null as ended
       from fahuo.reconcile_finding order by 1, 2`,
    )
  ).rows;
const paymentsOf = async (): Promise<Record<string, unknown>[]> =>
  (await database.pool.query('select * from fahuo.payment order by transaction_id')).rows as never;

describe('what WeChat waits for and we hold as shipped', () => {
  const [payment = ''] = ids(1);

  it('is offered again after a second read, apart, and sent once', async () => {
    await pay(payment);
    await ship(payment);
    await acknowledge();
    await reconcile.pass('recent');
    await reconcile.pass('recent');
    aheadMs = apartMs / 2;
    await reconcile.pass('whole');
    expect(await statesOf()).toEqual({ [payment]: 'acknowledged' });
    aheadMs = apartMs + 1_000;
    await reconcile.asked();
    expect(await statesOf()).toEqual({ [payment]: 'unknown' });
    upload();
    await settled(1);
    expect(await effectsOf(sandbox.url)).toMatchObject([{ payment, kind: 'ship' }]);
    await reconcile.pass('whole');
    expect(await findings()).toEqual([
      { transaction_id: payment, kind: 'not_held', confirmed: true, offers: 1, ended: true },
    ]);
  });

  it('is left alone where reads only lagged', async () => {
    await tellSandbox(sandbox.url, 'payments', { transaction_id: payment, read_lag_ms: 5_000 });
    await ship(payment);
    upload();
    await settled(1);
    await reconcile.pass('recent');
    expect(await findings()).toMatchObject([{ kind: 'not_held', confirmed: false }]);
    aheadMs = apartMs + 1_000;
    await reconcile.asked();
    expect(await findings()).toEqual([]);
    expect(await statesOf()).toEqual({ [payment]: 'acknowledged' });
    expect((await statsOf(sandbox.url)).effects).toEqual({ ship: 1, add: 0, reship: 0 });
  });

  it('is offered again once by two that believed the same two reads', async () => {
    await pay(payment);
    await ship(payment);
    await acknowledge();
    await reconcile.pass('recent');
    aheadMs = apartMs + 1_000;
    const { deps, options } = reconcile;
    const readAt = deps.clock();
    const listed = await deps.wechat.listOrders({ appid });
    const orders = listed.kind === 'page' ? listed.orders : [];
    const both = [1, 2].map(() => compareOrders(database.pool, options, { appid, orders, readAt }));
    const [first = [], second = []] = await Promise.all(both);
    const apply = (compared: Compared[]) =>
      applyCompared(deps, options, { appid, readAt, compared }, () => Promise.resolve());
    expect([await apply(first), await statesOf()]).toEqual([{ offered: 1 }, { [payment]: 'unknown' }]);
    await acknowledge();
    expect([await apply(second), await statesOf()]).toEqual([{ offered: 0 }, { [payment]: 'acknowledged' }]);
  });

  it('stays as a person resolved it', async () => {
    await pay(payment);
    await ship(payment);
    await acknowledge();
    await database.pool.query(`update fahuo.upload set resolved_by = 'li'`);
    await reconcile.pass('recent');
    expect(await findings()).toEqual([]);
    const { rows } = await database.pool.query<{ id: number }>('select id from fahuo.upload');
    expect(await offerAgain(database.pool, [rows[0]!.id])).toBe(0);
  });

  it('whose row somebody removed is made again from the outbox, and read before it is sent', async () => {
    await pay(payment);
    await ship(payment);
    await database.pool.query('delete from fahuo.upload');
    await reconcile.pass('recent');
    expect(await statesOf()).toEqual({});
    aheadMs = apartMs + 1_000;
    await reconcile.pass('recent');
    const { rows } = await database.pool.query('select state, caution from fahuo.upload');
    expect(rows).toEqual([{ state: 'pending', caution: 'lost' }]);
    upload();
    await settled(1);
    const { requests, effects } = await statsOf(sandbox.url);
    expect(effects).toEqual({ ship: 1, add: 0, reship: 0 });
    expect(requests['get_order']).toBeDefined();
  });

  it('is not lost where the outbox has nothing but the word of its receipt', async () => {
    await pay(payment);
    const event = JSON.stringify(receivedEvent({ payment }));
    const { rows } = await database.pool.query<{ id: number }>('select fahuo.enqueue($1) as id', [event]);
    const { options } = reconcile;
    await database.pool.query(
      `with journal as (
         insert into fahuo.relay_journal (shard, first_id, last_id, topic, partition, partition_count, base_offset, count)
         values (0, $1, $1, $2, 0, 1, 0, 1)
       ), offset_of as (
         insert into fahuo.consumer_offset (consumer_group, topic, partition, next_offset) values ($3, $2, 0, 1)
       )
       update fahuo.relay_cursor set cursor = $1`,
      [rows[0]!.id, options.topics.events, options.group],
    );
    await reconcile.pass('recent');
    expect(await findings()).toEqual([]);
  });

  it('is lost all the same where a broken word of its receipt is a dead letter', async () => {
    await pay(payment);
    await ship(payment);
    await database.pool.query('delete from fahuo.upload');
    await acceptEvents(database.pool, [receivedEvent({ payment, seconds: Date.now() })]);
    await reconcile.pass('recent');
    aheadMs = apartMs + 1_000;
    await reconcile.pass('recent');
    const { rows } = await database.pool.query('select state, caution from fahuo.upload');
    expect(rows).toEqual([{ state: 'pending', caution: 'lost' }]);
  });

  it('is not lost while the consumer has not come to its event, or the relay has not', async () => {
    await pay(...ids(2));
    await write(payment);
    await publishOutbox(database.pool, { consume: false });
    await write(ids(2)[1]!);
    await reconcile.pass('recent');
    expect(await findings()).toEqual([]);
  });
});

describe('what somebody did in the console', () => {
  const [payment = ''] = ids(1);

  it('is recorded when two reads show other parcels than ours, and nothing is sent', async () => {
    await pay(payment);
    await ship(payment);
    upload();
    await settled(1);
    const parcel = { tracking_no: 'YT9', express_company: 'YTO', item_desc: '红富士苹果 5kg*1' };
    await tellSandbox(sandbox.url, 'console-edit', { payment, shipping_list: [parcel] });
    const before = await statsOf(sandbox.url);
    await reconcile.pass('whole');
    aheadMs = apartMs + 1_000;
    await reconcile.pass('whole');
    expect(await findings()).toEqual([
      { transaction_id: payment, kind: 'console_edit', confirmed: true, offers: 0, ended: false },
    ]);
    expect(await statesOf()).toEqual({ [payment]: 'acknowledged' });
    expect((await statsOf(sandbox.url)).effects).toEqual(before.effects);
    expect((await paymentsOf())[0]).toMatchObject({ finish_count: 2, order_state: 2 });
  });
});

describe('what WeChat tells of payments', () => {
  it('is on record: amounts, times, states, complaints and refunds', async () => {
    const [toShip = '', shipped = '', refunded = ''] = ids(3);
    await tellSandbox(sandbox.url, 'payments', [
      { transaction_id: toShip, paid_amount: 12_345, in_complaint: true, mchid: '19', out_trade_no: 'T-1' },
      { transaction_id: shipped, paid_amount: 1 },
      { transaction_id: refunded, paid_amount: 2 },
    ]);
    await ship(shipped);
    upload();
    await settled(1);
    await tellSandbox(sandbox.url, 'refund', { payment: refunded });
    aheadMs = 86_400_000 + minuteMs;
    await reconcile.pass('whole');
    expect(await paymentsOf()).toMatchObject([
      { order_state: 1, amount_fen: 12_345, in_complaint: true, mchid: '19', out_trade_no: 'T-1' },
      { order_state: 2, amount_fen: 1, logistics_type: 1, finish_count: 1, in_complaint: false },
      { order_state: 5, amount_fen: 2 },
    ]);
    expect((await paymentsOf())[1]!['shipped_at']).toBeInstanceOf(Date);
    aheadMs = 11 * 86_400_000;
    await reconcile.pass('whole');
    expect((await paymentsOf())[1]).toMatchObject({ order_state: 4 });
  });

  it('is also that we know a payment from an upload alone', async () => {
    await ship(...ids(2));
    await database.pool.query(
      `update fahuo.upload set received_at = now() - interval '2 minutes' where payment = $1`,
      [ids(1)[0]],
    );
    expect(await noticeUploads(database.pool, 10)).toBe(1);
    expect(await paymentsOf()).toMatchObject([
      { transaction_id: ids(1)[0], order_state: null, amount_fen: null },
    ]);
    expect(await noticeUploads(database.pool, 10)).toBe(0);
  });

  it('is none of one that merchant numbers name: it is loose until WeChat tells of it, or its upload is gone', async () => {
    const loose = async (): Promise<string[]> =>
      (
        await database.pool.query<{ payment: string }>('select payment from fahuo.loose_payment order by 1')
      ).rows.map(({ payment }) => payment);
    for (const name of ['19:A', '19:B', '20:C', '21:D', '22:E'])
      await insertPending(database.pool, { count: 1, name });
    await database.pool.query(`update fahuo.upload set received_at = now() - interval '2 minutes'`);
    await database.pool.query(
      `insert into fahuo.payment (appid, transaction_id, mchid, out_trade_no) values ($1, 'told', '19', 'A1')`,
      [appid],
    );
    expect(await noticeUploads(database.pool, 10)).toBe(5);
    expect(await loose()).toEqual(['19:B1', '20:C1', '21:D1', '22:E1']);
    await database.pool.query(
      `insert into fahuo.payment (appid, transaction_id, mchid, sub_mchid, out_trade_no) values
         ($1, 'sub', '1', '20', 'C1'), ($1, 'read', null, null, null), ('other', 'foreign', '22', null, 'E1')`,
      [appid],
    );
    await database.pool.query(
      `insert into fahuo.payment_alias (appid, payment, transaction_id) values ($1, '21:D1', 'read')`,
      [appid],
    );
    await database.pool.query(`delete from fahuo.upload where payment = '19:B1'`);
    let last = await forgetLoose(database.pool, firstLoose, 3);
    expect(last).toEqual({ payment: '21:D1', appid });
    last = await forgetLoose(database.pool, last, 3);
    expect(last).toEqual(firstLoose);
    expect(await loose()).toEqual(['22:E1']);
  });
});

describe('a sweep', () => {
  it('goes on where the last one ended, and reaches back behind it', async () => {
    await pay(...ids(7));
    expect(await reconcile.pass('recent', { horizonMs: minuteMs })).toBe(3);
    aheadMs = 60 * minuteMs;
    await tellSandbox(sandbox.url, 'payments', {
      transaction_id: 'late',
      pay_time: Math.floor(systemClock().getTime() / 1000) - 25 * 60,
    });
    await tellSandbox(sandbox.url, 'payments', {
      transaction_id: 'tooLate',
      pay_time: Math.floor(systemClock().getTime() / 1000) - 35 * 60,
    });
    await reconcile.pass('recent');
    const names = (await paymentsOf()).map((row) => row['transaction_id']);
    expect(names).toHaveLength(8);
    expect(names).toContain('late');
    await reconcile.pass('whole');
    expect(await paymentsOf()).toHaveLength(9);
  });

  it('that was killed between the answer and the commit asks for the same page again', async () => {
    await pay(...ids(7));
    await database.pool.query(
      `create function fahuo.fails() returns trigger language plpgsql as $$ begin
         if (select count(*) from fahuo.payment) >= 3 then raise 'killed'; end if; return new; end $$;
       create trigger fails before insert on fahuo.payment execute function fahuo.fails()`,
    );
    await expect(reconcile.pass('recent')).rejects.toThrow('killed');
    await database.pool.query('drop trigger fails on fahuo.payment; drop function fahuo.fails()');
    expect(await paymentsOf()).toHaveLength(3);
    await reconcile.pass('recent', { owner: 'one' });
    expect(await paymentsOf()).toHaveLength(7);
  });

  it('is one instance’s at a time, and another one’s when its lease has run out', async () => {
    await pay(...ids(7));
    const { deps } = reconcile;
    const options = { ...reconcile.options, horizonMs: minuteMs };
    const of = { appid, sweep: 'recent' as const, walked: new Set<string>() };
    expect(await takeSweep(database.pool, { ...of, owner: 'dead', leaseMs: 60_000 })).not.toBeNull();
    expect(await stepSweep(deps, options, of, stop.signal)).toBe('idle');
    expect(await paymentsOf()).toEqual([]);
    await database.pool.query(
      `update fahuo.reconcile_sweep set lease_until = clock_timestamp() - interval '1 second'`,
    );
    expect(await stepSweep(deps, options, of, stop.signal)).toBe('busy');
    expect(await paymentsOf()).toHaveLength(3);
  });

  it('waits while the app’s reads are paused, and takes a new cursor for one that WeChat refuses', async () => {
    await pay(...ids(7));
    const { deps, options } = reconcile;
    const of = { appid, sweep: 'recent' as const, walked: new Set<string>() };
    await stepSweep(deps, options, of, stop.signal);
    await database.pool.query(
      `update fahuo.reconcile_sweep set cursor = 'gone', window_end = coalesce(window_end, now()), window_begin = coalesce(window_begin, now())`,
    );
    await reconcile.pass('recent');
    const { rows } = await database.pool.query(
      `select cursor, failures, failure from fahuo.reconcile_sweep where sweep = 'recent'`,
    );
    expect(rows).toMatchObject([
      { cursor: null, failures: 1, failure: expect.stringContaining('10060011') as string },
    ]);
    await database.pool.query(
      `insert into fahuo.pause (appid, endpoint, reason) values ($1, 'read', 'test')`,
      [appid],
    );
    await deps.pauses.refresh();
    expect(await reconcile.pass('recent')).toBe(0);
    expect((await statsOf(sandbox.url)).requests['get_order_list']).toEqual({ '0': 1, '10060011': 1 });
  });
});

describe('a wish', () => {
  it('is a read of that payment, and goes when it is answered', async () => {
    await pay(...ids(1));
    await database.pool.query(
      `insert into fahuo.reconcile_wish (appid, transaction_id) values ($1, $2), ($1, 'nobody'), ('wxother', 'x')`,
      [appid, ids(1)[0]],
    );
    await reconcile.asked();
    expect((await paymentsOf()).map((row) => row['transaction_id'])).toEqual(ids(1));
    const { rows } = await database.pool.query('select appid from fahuo.reconcile_wish');
    expect(rows).toEqual([{ appid: 'wxother' }]);
  });

  it('stays while WeChat cannot be reached', async () => {
    await database.pool.query(`insert into fahuo.reconcile_wish (appid, transaction_id) values ($1, 'p')`, [
      appid,
    ]);
    await tellSandbox(sandbox.url, 'faults', [{ kind: 'status', endpoint: 'get_order', status: 502 }]);
    expect(await stepAsked(reconcile.deps, reconcile.options, appid, stop.signal)).toBe('idle');
    const { rows } = await database.pool.query('select count(*)::int as wishes from fahuo.reconcile_wish');
    expect(rows).toEqual([{ wishes: 1 }]);
  });

  it('of a payment whose read tells nothing holds up no other, and is heard again later', async () => {
    const [odd = '', wrong = '', ...others] = ids(4);
    await pay(odd, wrong, ...others);
    await database.pool.query(
      `insert into fahuo.reconcile_wish (appid, transaction_id, asked_at)
       select $1, id, now() - interval '1 minute' + at * interval '1 second' from unnest($2::text[]) with ordinality w(id, at)`,
      [appid, ids(4)],
    );
    await tellSandbox(sandbox.url, 'faults', [
      { kind: 'errcode', endpoint: 'get_order', transaction_id: odd, errcode: -1 },
      { kind: 'errcode', endpoint: 'get_order', transaction_id: wrong, errcode: 10060014 },
    ]);
    await reconcile.asked();
    expect((await paymentsOf()).map((row) => row['transaction_id'])).toEqual(others);
    const { rows } = await database.pool.query(
      `select transaction_id, asked_at > now() + interval '10 minutes' as later from fahuo.reconcile_wish`,
    );
    expect(rows).toEqual([{ transaction_id: odd, later: true }]);
    await reconcile.asked();
    expect((await statsOf(sandbox.url)).requests['get_order']).toEqual({ '0': 2, errcode: 2 });
  });

  it('of a payment whose reads tell nothing for ever is heard after growing waits, and then forgotten', async () => {
    await tellSandbox(sandbox.url, 'faults', [
      { kind: 'errcode', endpoint: 'get_order', times: 21, errcode: -1 },
    ]);
    await database.pool.query(`insert into fahuo.reconcile_wish (appid, transaction_id) values ($1, 'p')`, [
      appid,
    ]);
    const waits: number[] = [];
    for (let turn = 0; turn < 21; turn++) {
      await database.pool.query('update fahuo.reconcile_wish set asked_at = now()');
      await reconcile.asked();
      const { rows } = await database.pool.query<{ minutes: number }>(
        `select round(extract(epoch from asked_at - now()) / 60)::int as minutes from fahuo.reconcile_wish`,
      );
      waits.push(...rows.map(({ minutes }) => minutes));
    }
    expect(waits.slice(0, 8)).toEqual([15, 30, 60, 120, 240, 480, 960, 960]);
    expect(waits).toHaveLength(20);
  });

  it('is read by one instance: no more reads than fit into its lease, however slow they are', async () => {
    await pay(...ids(20));
    await database.pool.query(
      `insert into fahuo.reconcile_wish (appid, transaction_id) select $1, unnest($2::text[])`,
      [appid, ids(20)],
    );
    await tellSandbox(sandbox.url, 'faults', [{ kind: 'delay', endpoint: 'get_order', times: 20, ms: 150 }]);
    const short = { ...reconcile.options, leaseMs: 600 };
    expect(await stepAsked(reconcile.deps, short, appid, stop.signal)).toBe('busy');
    const { rows } = await database.pool.query<{ left: number; leased: boolean }>(
      `select (select count(*)::int from fahuo.reconcile_wish) as left, lease_until > now() as leased
       from fahuo.reconcile_sweep where sweep = 'asked'`,
    );
    expect(rows[0]!.left).toBeGreaterThanOrEqual(16);
    expect(rows[0]!.left).toBeLessThan(20);
  });
});

it('an app that is added while Postgres is away is listed when it is back', async () => {
  const door = await createDoor(database.url);
  const pool = createPool({
    databaseUrl: Object.assign(new URL(database.url), { host: new URL(door.url).host }).href,
    max: 4,
    applicationName: 'test',
    onError: () => undefined,
  });
  const own = await createReconcile(pool, { wechat: sandbox.url });
  const apps = createAppSet([]);
  await door.shut();
  let failure: unknown = null;
  const run = runReconcile(own.deps, { ...own.options, apps }, stop.signal).catch((error: unknown) => {
    failure = error;
  });
  running.push(run);
  apps.replace([
    {
      appid: 'wxNew',
      token: { mode: 'stable', secret: 's' },
      maxCallsPerSecond: undefined,
      parcelLists: 'cumulative',
    },
  ]);
  await eventually(async () =>
    expect(await own.deps.metrics.registry.metrics()).toMatch(
      /fahuo_loop_failures_total{loop="reconcile.recent wxNew"} [1-9]/,
    ),
  );
  await door.open();
  await eventually(async () => {
    const { rows } = await database.pool.query<{ n: number }>(
      `select count(*)::int as n from fahuo.reconcile_sweep where appid = 'wxNew' and finished_at is not null`,
    );
    expect([failure, rows]).toEqual([null, [{ n: 3 }]]);
  });
  stop.abort();
  await run;
  await own.close();
  await pool.end();
  await door.shut();
});
