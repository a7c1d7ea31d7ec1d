import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { listRange } from '../../../src/reconcile/range.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { appid } from '../../support/events.ts';
import { createReconcile, type ReconcileInTest } from '../../support/reconcile.ts';

/** Lists that no sandbox gives: a WeChat that was never seen, and must stop nothing all the same. */
let database: TestDatabase;
let server: Server;
let reconcile: ReconcileInTest;
let page: (request: number) => object;
let requests: number;
const enough = 60;

beforeAll(async () => {
  database = await createDatabase();
  server = createServer((request, response) => {
    if (request.url?.startsWith('/cgi-bin/') === true)
      return void response.end(JSON.stringify({ access_token: 'a'.repeat(40), expires_in: 7200 }));
    requests += 1;
    const more = requests < enough ? page(requests) : { has_more: false };
    response.end(JSON.stringify({ errcode: 0, errmsg: 'ok', order_list: [], ...more }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await database.drop();
});
beforeEach(async () => {
  requests = 0;
  const wechat = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  reconcile = await createReconcile(database.pool, { wechat, horizonMs: 60_000 });
});
afterEach(async () => {
  await reconcile.close();
  await database.pool.query(
    'truncate fahuo.reconcile_sweep, fahuo.payment, fahuo.reconcile_finding, fahuo.pause',
  );
});

it.each([
  ['leads in a circle', (request: number) => ({ has_more: true, last_index: `${request % 3}` }), 4],
  ['leads to what Postgres cannot keep', () => ({ has_more: true, last_index: 'a\u0000' }), 1],
])('a list that %s ends its window', async (_how, given, pages) => {
  page = given;
  await reconcile.pass('recent');
  expect(requests).toBe(pages);
  const { rows } = await database.pool.query(
    `select pass_until, finished_at is not null as ended from fahuo.reconcile_sweep where sweep = 'recent'`,
  );
  expect(rows).toEqual([{ pass_until: null, ended: true }]);
});

it('a list that leads in a circle ends the listing of a person, who is told', async () => {
  page = (request) => ({ has_more: true, last_index: `${request % 3}` });
  const endMs = systemClock().getTime();
  const span = { beginMs: endMs - 60_000, endMs };
  const { deps, options } = reconcile;
  const listed = await listRange(
    deps,
    options,
    { appid, span, execute: false },
    new AbortController().signal,
  );
  expect([requests, listed.incomplete?.why]).toEqual([
    4,
    'WeChat says that there is more, and leads to no other page',
  ]);
});

it('orders with absurd members are on record by what can be read of them', async () => {
  const order = { merchant_id: '19\u0000', merchant_trade_no: 'T\ud800', openid: 'o'.repeat(5_000) };
  const odd = [
    { order_state: 0, paid_amount: -1, pay_time: -5 },
    { order_state: 99, paid_amount: 1e300, pay_time: 2 ** 53 },
    { order_state: 1, paid_amount: '12', pay_time: '1700000000', in_complaint: 'no' },
    { order_state: 2, shipping: { shipping_list: [null, { tracking_no: 7 }], finish_shipping_count: 99 } },
    { order_state: 2, shipping: { delivery_mode: 2 ** 40, logistics_type: -3, shipping_list: 'none' } },
    { order_state: 1, paid_amount: Number.MAX_SAFE_INTEGER, pay_time: 2 ** 32 - 1 },
    { order_state: 1.5 },
    { order_state: '1' },
    null,
    [],
    'text',
  ].map((one, at) =>
    typeof one === 'object' && one !== null && !Array.isArray(one)
      ? { ...order, transaction_id: `odd${at}`, ...one }
      : one,
  );
  page = () => ({ order_list: [...odd, { transaction_id: 'a b\u0000' }, ...odd], has_more: false });
  await reconcile.pass('whole');
  const { rows } = await database.pool.query<{ id: string }>(
    'select transaction_id as id from fahuo.payment order by 1',
  );
  expect(rows.map(({ id }) => id)).toEqual(['odd0', 'odd1', 'odd2', 'odd3', 'odd4', 'odd5']);
});
