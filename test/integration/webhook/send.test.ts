import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sleep } from '../../../src/clock.ts';
import { createLog } from '../../../src/log.ts';
import { createMetrics } from '../../../src/metrics.ts';
import { deleteWebhooks } from '../../../src/upload/retention-store.ts';
import type { NewDelivery } from '../../../src/webhook/message.ts';
import { createPost } from '../../../src/webhook/post.ts';
import { runSend } from '../../../src/webhook/send.ts';
import { keysIn } from '../../../src/webhook/sign.ts';
import {
  readRefused,
  readWebhookHealth,
  redeliver,
  resumeWebhook,
} from '../../../src/webhook/status-store.ts';
import { claimDue, insertDeliveries, saveEndpoint } from '../../../src/webhook/store.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { openShop, webhookSecret, type ShopAnswer, type WebhookShop } from '../../support/webhook-shop.ts';

let database: TestDatabase;
let shop: WebhookShop;
let stops: (() => Promise<void>)[];
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  stops = [];
  shop = await openShop();
  await database.pool.query('truncate fahuo.webhook_delivery restart identity');
  await saveEndpoint(database.pool, { origin: 'http://shop', fingerprint: shop.url });
});
afterEach(async () => {
  await Promise.all(stops.map((stop) => stop()));
  await shop.down().catch(() => undefined);
});

const log = createLog({ level: 'silent' });
const dayMs = 86_400_000;
const keys = (): Buffer[] => keysIn(webhookSecret);

/** An instance that posts, and how it is stopped. */
function start(
  change: { timeoutMs?: number; giveUpMs?: number; window?: number; url?: string; fingerprint?: string } = {},
) {
  const { timeoutMs = 1_000, giveUpMs = 3 * dayMs, window = 8, fingerprint = shop.url } = change;
  const metrics = createMetrics();
  const post = createPost({ url: change.url ?? shop.url, timeoutMs, connections: window });
  const abort = new AbortController();
  const done = runSend(
    {
      ...{ pool: database.pool, post: post.post, log, metrics },
      ...{ nowMs: () => Date.now(), random: () => 0 },
    },
    {
      instance: `i${stops.length}`,
      fingerprint,
      keys,
      window,
      timeoutMs,
      giveUpMs,
      probe: { minMs: 200, maxMs: 400 },
      drainMs: 300,
    },
    abort.signal,
  );
  const stop = async (): Promise<void> => {
    abort.abort();
    await done;
    await post.close();
  };
  stops.push(stop);
  return { metrics, stop };
}

const answerOf = (payment: string, nth: number): NewDelivery => ({
  webhookId: `${payment}-${nth}`,
  type: 'fahuo.shipment.acknowledged.v1',
  eventTime: '2026-11-29T21:37:16.534Z',
  appid: 'wx1',
  payment,
  data: JSON.stringify({ payment, nth, text: '红富士 "5kg"' }),
});
/** `each` answers of every payment, the first of all before the second of any. */
const insert = (payments: readonly string[], each = 1): Promise<number> =>
  insertDeliveries(
    database.pool,
    Array.from({ length: each }, (_, at) => payments.map((payment) => answerOf(payment, at + 1))).flat(),
  );
const run = async <T extends object>(text: string): Promise<T[]> => (await database.pool.query<T>(text)).rows;
const waiting = (): Promise<{ payment: string; attempts: number; detail: string | null; wait_s: number }[]> =>
  run(
    `select payment, attempts, detail, round(extract(epoch from next_attempt_at - clock_timestamp()))::int as wait_s
     from fahuo.webhook_delivery where state <> 'delivered' order by id`,
  );
const untilTaken = (count: number): Promise<void> =>
  eventually(() => expect(shop.taken).toHaveLength(count), 10_000, 20);
const health = () => readWebhookHealth(database.pool);
const names = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, at) => `${prefix}${at + 1}`);

describe('a webhook', () => {
  it('is posted once, signed, with the id and the text of the answer', async () => {
    await insert(['p1']);
    start();
    await untilTaken(1);
    const [heard] = shop.heard;
    expect(heard).toMatchObject({ id: 'p1-1', signed: true });
    expect(heard!.headers['content-type']).toBe('application/json');
    expect(heard!.body).toEqual({
      type: 'fahuo.shipment.acknowledged.v1',
      timestamp: '2026-11-29T21:37:16.534Z',
      data: { payment: 'p1', nth: 1, text: '红富士 "5kg"' },
    });
    await eventually(async () => expect(await waiting()).toEqual([]));
    expect(await health()).toMatchObject({ waiting: 0, failingSince: null, pausedAt: null });
  });

  it('of one payment waits for the one before it, in its order, while two instances post', async () => {
    shop.answer = async (_heard, nth) => {
      await sleep(nth % 3);
      return nth % 7 === 0 ? 500 : 204;
    };
    // What is refused is due at once again: order must not come from the waits.
    const hurry = setInterval(() => {
      void run(
        `update fahuo.webhook_delivery set next_attempt_at = now() where state = 'waiting' and attempts > 0`,
      ).catch(() => undefined);
      void run(`update fahuo.webhook_endpoint set retry_at = now()`).catch(() => undefined);
    }, 20);
    try {
      await insert(names('p', 30), 5);
      start();
      start();
      await eventually(async () => expect(await waiting()).toEqual([]), 20_000, 50);
    } finally {
      clearInterval(hurry);
    }
    expect(shop.heard.filter(({ beside }) => beside > 0)).toEqual([]);
    for (const payment of names('p', 30))
      expect(shop.taken.filter((one) => one.payment === payment).map(({ data }) => data['nth'])).toEqual([
        1, 2, 3, 4, 5,
      ]);
  });

  it('that is refused waits by itself: other payments go on, and its own next answer waits behind it', async () => {
    shop.answer = ({ payment }) =>
      payment === 'bad' ? { status: 400, body: '<h1>no\nsuch\u0000 order</h1>' } : 204;
    await insert(['bad', ...names('p', 20)], 2);
    start();
    await untilTaken(40);
    expect(shop.heard.filter(({ payment }) => payment === 'bad')).toHaveLength(1);
    await eventually(async () =>
      expect(await waiting()).toMatchObject([
        { attempts: 1, detail: 'answered 400: <h1>no such order</h1>', wait_s: 5 },
        { attempts: 0 },
      ]),
    );
    expect(await readRefused(database.pool, 5)).toMatchObject([{ payment: 'bad', attempts: 1 }]);
    expect((await health())?.failingSince).toBeNull();
  });

  it('to an address that hangs ends with its time, and holds up nobody else', async () => {
    shop.answer = ({ payment }) => (payment === 'slow' ? false : 204);
    await insert(['slow', ...names('p', 40)]);
    start({ timeoutMs: 1_000, window: 2 });
    await untilTaken(40);
    expect(await run(`select payment from fahuo.webhook_delivery where state = 'sending'`)).toContainEqual({
      payment: 'slow',
    });
    await eventually(async () =>
      expect(await waiting()).toMatchObject([{ payment: 'slow', detail: 'no answer within 1000 ms' }]),
    );
  });

  it.each<[string, ShopAnswer]>([
    ['a redirect, which is not followed', { status: 302, headers: { location: '/elsewhere' } }],
    [
      'two megabytes of text, and no end',
      (response) => void response.writeHead(422).write('x'.repeat(2_000_000)),
    ],
    ['half an answer', (response) => void response.socket?.destroy()],
  ])('that is answered with %s is not taken', async (_name, answer) => {
    shop.answer = ({ payment }) => (payment === 'bad' ? answer : 204);
    await insert(['bad', 'p1', 'p2']);
    start({ timeoutMs: 20_000 });
    await untilTaken(2);
    await eventually(
      async () => expect(await waiting()).toMatchObject([{ payment: 'bad', attempts: 1 }]),
      5_000,
    );
    expect((await waiting())[0]!.detail!.length).toBeLessThan(300);
    expect(shop.heard).toHaveLength(3);
  });

  it('is taken by its status, whatever the body does', async () => {
    shop.answer =
      ({ payment }) =>
      (response) => {
        response.writeHead(200);
        if (payment === 'p1') return void response.write('x'); // and never ends
        response.end('x'.repeat(2_000_000));
      };
    await insert(['p1', 'p2', 'p3']);
    start({ timeoutMs: 500 });
    await eventually(async () => expect(await waiting()).toEqual([]));
    expect(shop.heard).toHaveLength(3);
  });
});

it('the name and password of an address are sent as such', async () => {
  await insert(['p1']);
  start({ url: shop.url.replace('//', '//shop:p%40ss@') });
  await untilTaken(1);
  expect(shop.heard[0]!.headers.authorization).toBe(`Basic ${Buffer.from('shop:p@ss').toString('base64')}`);
});

describe('an address that fails as a whole', () => {
  it('gets a request a wait and not one a row, and all of them when it is back', async () => {
    shop.answer = () => 500;
    await insert(names('p', 200));
    const { metrics } = start();
    await eventually(async () => expect((await health())?.failingSince).not.toBeNull());
    await sleep(100);
    const burst = shop.heard.length;
    expect(burst).toBeLessThanOrEqual(8 + 2 + 1); // what was on the wire, two thought to be alone, a probe
    await sleep(1_400); // probes after 200 ms and 400 ms, seen within a second each
    expect(shop.heard.length - burst).toBeLessThanOrEqual(4);
    expect(shop.heard.length - burst).toBeGreaterThan(0);
    const rows = await waiting();
    expect(rows).toHaveLength(200);
    expect(rows.filter(({ attempts }) => attempts > 0).length).toBeLessThanOrEqual(2);
    shop.answer = () => 204;
    await eventually(() => expect(shop.taken.length).toBeGreaterThanOrEqual(198));
    await eventually(async () => expect(await health()).toMatchObject({ failingSince: null, reason: null }));
    expect((await metrics.webhookDeliveries.get()).values.length).toBe(2);
  });

  it('is one that is not there: nothing is counted on a row, and it comes back by itself', async () => {
    await shop.down();
    await insert(names('p', 20));
    start();
    await eventually(async () => expect((await health())?.reason).toMatch(/ECONNREFUSED/));
    await shop.up();
    await untilTaken(20);
    expect(shop.heard).toHaveLength(20);
  });

  it('is probed first with a payment that has not failed', async () => {
    const bad = names('bad', 3);
    shop.answer = ({ payment }) => (bad.includes(payment) ? 500 : 204);
    await insert(bad);
    start();
    await eventually(async () => expect((await health())?.failingSince).not.toBeNull());
    await insert(['good']);
    await untilTaken(1);
    expect(shop.heard.length).toBeLessThanOrEqual(5);
    await eventually(async () => expect((await health())?.failingSince).toBeNull());
  });

  it('is probed with one that was never tried, however many failed and are due before it', async () => {
    shop.answer = ({ payment }) => (payment === 'good' ? 204 : 500);
    await insert(names('bad', 300));
    await run(`update fahuo.webhook_delivery set attempts = id % 2, detail = 'answered 500'`);
    await run('update fahuo.webhook_endpoint set failing_since = clock_timestamp()');
    await insert(['good']);
    start({ window: 1 });
    await untilTaken(1);
    expect(shop.heard[0]).toMatchObject({ payment: 'good' });
  });

  it('says by Retry-After when it is asked again', async () => {
    shop.answer = (_heard, nth) => (nth === 1 ? { status: 429, headers: { 'retry-after': '2' } } : 204);
    await insert(names('p', 10));
    const before = Date.now();
    start({ window: 1 });
    await untilTaken(10);
    expect(Date.now() - before).toBeGreaterThan(1_950);
    expect(shop.heard).toHaveLength(11);
  });

  it('is paused when it fails for too long, and goes on by a word with nothing lost', async () => {
    shop.answer = () => 503;
    await insert(names('p', 5));
    start({ giveUpMs: 1 });
    await eventually(async () => expect((await health())?.pausedAt).not.toBeNull());
    expect((await health())?.reason).toBe('nothing but failures for 0 hours, the last: answered 503');
    const asked = shop.heard.length;
    shop.answer = () => 204;
    await sleep(600);
    expect(shop.heard).toHaveLength(asked);
    expect(await resumeWebhook(database.pool)).toBe(true);
    await untilTaken(5);
    expect(await resumeWebhook(database.pool)).toBe(false);
  });

  it('is not given up for days in which nobody tried', async () => {
    shop.answer = () => 500;
    await insert(['p1']);
    // As an instance leaves it that is stopped while the address fails, and started after a holiday.
    await run(`update fahuo.webhook_endpoint set failing_since = clock_timestamp() - interval '96 hours 1 minute',
      retry_at = clock_timestamp() - interval '96 hours'`);
    start();
    await eventually(() => expect(shop.heard.length).toBeGreaterThanOrEqual(2));
    const now = await health();
    expect(now?.pausedAt).toBeNull();
    expect(Date.now() - now!.failingSince!.getTime()).toBeLessThan(120_000);
    expect(Date.now() - now!.failingSince!.getTime()).toBeGreaterThan(60_000);
  });

  it('is paused at once by 410, and another address is a new chance', async () => {
    shop.answer = () => 410;
    await insert(['p1', 'p2']);
    start({ window: 1 });
    await eventually(async () => expect(await health()).toMatchObject({ reason: 'answered 410' }));
    expect(shop.heard).toHaveLength(1);
    const same = { origin: 'http://shop', fingerprint: shop.url };
    expect(await saveEndpoint(database.pool, same)).toBe(false);
    expect((await health())?.pausedAt).not.toBeNull();
    shop.answer = () => 204;
    expect(await saveEndpoint(database.pool, { origin: 'http://shop', fingerprint: 'another' })).toBe(true);
    await untilTaken(2);
  });
});

it('an address that was left and is gone does not pause the one that is set now', async () => {
  const left = await openShop();
  left.answer = () => 410;
  await insert(names('p', 20));
  start({ url: left.url, fingerprint: 'the one before', window: 1 });
  try {
    await eventually(() => expect(left.heard.length).toBeGreaterThan(0));
    start();
    await untilTaken(20);
    expect(await health()).toMatchObject({ pausedAt: null });
  } finally {
    await stops[0]!();
    await left.down();
  }
});

describe('what was left', () => {
  it('by an instance that died on the way is posted again, under the same id', async () => {
    await insert(['p1'], 2);
    const [lost] = await claimDue(database.pool, { owner: 'dead', leaseMs: 300, limit: 8 });
    expect(lost).toMatchObject({ webhookId: 'p1-1' });
    start();
    await untilTaken(2);
    expect(shop.taken.map(({ id }) => id)).toEqual(['p1-1', 'p1-2']);
  });

  it('by a stop is taken up by the next instance at once', async () => {
    shop.answer = () => false;
    await insert(['p1']);
    const first = start({ timeoutMs: 20_000 });
    await eventually(() => expect(shop.heard).toHaveLength(1));
    await first.stop();
    shop.answer = () => 204;
    start();
    await untilTaken(1);
    expect(shop.heard.map(({ id }) => id)).toEqual(['p1-1', 'p1-1']);
  });

  it('is posted again at a word, in its order', async () => {
    await insert(['p1', 'p2'], 2);
    start();
    await untilTaken(4);
    await eventually(async () => expect(await waiting()).toEqual([]));
    expect(await redeliver(database.pool, { payment: 'p1', appid: null })).toBe(2);
    await untilTaken(6);
    expect(shop.taken.slice(4).map(({ id }) => id)).toEqual(['p1-1', 'p1-2']);
    expect(await redeliver(database.pool, { payment: 'nobody', appid: null })).toBe(0);
  });

  it('and is posted again at a word waits since that word, and not since it came', async () => {
    await insert(['p1', 'p2']);
    await run(`update fahuo.webhook_delivery set received_at = now() - interval '40 days'`);
    await run(
      `update fahuo.webhook_delivery set state = 'delivered', delivered_at = now() where payment = 'p1'`,
    );
    await redeliver(database.pool, { payment: 'p1', appid: null });
    await redeliver(database.pool, { payment: 'p2', appid: null });
    const page = { limit: 10, webhookDeliveredMs: 60 * dayMs, webhookUndeliveredMs: 30 * dayMs };
    expect(await deleteWebhooks(database.pool, page)).toEqual({ taken: 0, untaken: 1 });
    expect(await waiting()).toMatchObject([{ payment: 'p1' }]);
    expect((await health())?.waitingSeconds).toBeLessThan(60);
  });
});
