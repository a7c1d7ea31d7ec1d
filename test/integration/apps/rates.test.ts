import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { createLog } from '../../../src/log.ts';
import { createMetrics } from '../../../src/metrics.ts';
import { createSandbox, type Sandbox } from '../../../src/sandbox/run.ts';
import { applyToApp } from '../../../src/upload/read-order.ts';
import { createPostgresBudget } from '../../../src/apps/budget-postgres.ts';
import { readRates, saveRate } from '../../../src/apps/budget-store.ts';
import { readPauses, type Pause } from '../../../src/apps/pause-store.ts';
import { createPauses, type Pauses } from '../../../src/apps/pauses.ts';
import { createAppSet } from '../../../src/apps/app-set.ts';
import { cautiousRate, keepRates, probeOnce } from '../../../src/apps/rates.ts';
import { createWechatClient, type WechatClient } from '../../../src/wechat/client.ts';
import { createHttp, type Http } from '../../../src/wechat/http.ts';
import { createMemoryBudget } from '../../../src/apps/budget-memory.ts';
import type { Budget, Rate } from '../../../src/apps/budget.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { appOf, appSetOf } from '../../support/apps.ts';
import { appid } from '../../support/events.ts';
import { eventually } from '../../support/eventually.ts';
import { statsOf, tellSandbox } from '../../support/sandbox-client.ts';
import { createTokens } from '../../support/tokens.ts';

const log = createLog({ level: 'silent' });
const random = (): number => 0;
const hourMs = 3_600_000;
const noonMs = Date.parse('2126-11-23T12:00:00+08:00');

let database: TestDatabase;
let sandbox: Sandbox;
let http: Http;
let wechat: WechatClient;
let nowMs: number;
const clock = (): Date => new Date(nowMs);

beforeEach(async () => {
  database = await createDatabase();
  sandbox = await createSandbox({ autoCreatePayments: true }, systemClock);
  http = createHttp({ baseUrl: sandbox.url, totalTimeoutMs: 5_000 });
  wechat = createWechatClient({ http, tokens: createTokens(http), clock: systemClock });
  nowMs = noonMs;
});
afterEach(async () => {
  await http.close();
  await sandbox.stop();
  await database.drop();
});

const quotaFault = (rule: object): Promise<unknown> =>
  tellSandbox(sandbox.url, 'faults', [{ endpoint: 'quota', kind: 'errcode', ...rule }]);
const quotaCalls = async (): Promise<number> =>
  Object.values((await statsOf(sandbox.url)).requests['quota'] ?? {}).reduce((sum, one) => sum + one, 0);

describe('an answer of 45009', () => {
  let pauses: Pauses;
  beforeEach(() => {
    pauses = createPauses({ pool: database.pool, log, metrics: createMetrics() });
  });
  const answered = (endpoint: 'upload' | 'read'): Promise<void> =>
    applyToApp(
      { budget: createMemoryBudget({ clock }), pauses, wechat, clock, random },
      appid,
      { kind: 'throttled', scope: 'day', retryAfterMs: 12 * hourMs },
      { endpoint },
    );
  const paused = async (): Promise<Pause> => (await readPauses(database.pool))[0]!;
  const pausedMs = async (): Promise<number> => (await paused()).resumeAt!.getTime() - nowMs;
  const useUp = (): Promise<unknown> =>
    tellSandbox(sandbox.url, 'quotas', { upload: { daily: 0, per_minute: 600 } });

  it('stops the endpoint for a minute when calls are left, and does not stop the other one', async () => {
    await answered('upload');
    expect(await pausedMs()).toBe(60_000);
    expect(await paused()).toMatchObject({ endpoint: 'upload', errcode: 45009 });
    expect([pauses.isPaused(appid, 'upload'), pauses.isPaused(appid, 'read')]).toEqual([true, false]);
  });

  it('stops it until after midnight when none are left', async () => {
    await useUp();
    await answered('upload');
    expect(await pausedMs()).toBe(12 * hourMs + 5_000);
  });

  it('stops it for a minute just after midnight, whatever is left', async () => {
    nowMs = Date.parse('2126-11-24T00:00:00.300+08:00');
    await useUp();
    await answered('upload');
    expect(await pausedMs()).toBe(60_000);
  });

  it('stops it for an hour when WeChat does not say what is left', async () => {
    await quotaFault({ errcode: -1 });
    await answered('upload');
    expect(await pausedMs()).toBe(hourMs);
  });

  it('to a read asks for the quota of reads', async () => {
    await useUp();
    await answered('read');
    expect(await pausedMs()).toBe(60_000);
    expect(await paused()).toMatchObject({ endpoint: 'read' });
  });

  it('is asked about once, however many calls it met', async () => {
    await useUp();
    await Promise.all(Array.from({ length: 50 }, () => answered('upload')));
    expect(await quotaCalls()).toBe(1);
    expect(await pausedMs()).toBe(12 * hourMs + 5_000);
  });

  it('never makes a stop shorter that a person or another instance set', async () => {
    await database.pool.query(
      `insert into fahuo.pause (appid, endpoint, errcode, reason, resume_at) values ($1, 'upload', null, 'x', null)`,
      [appid],
    );
    await answered('upload');
    expect(await paused()).toMatchObject({ errcode: null, reason: 'x', resumeAt: null });
  });

  it('is asked about again once an hour, and the pause ends when calls are left after all', async () => {
    await useUp();
    await answered('upload');
    await database.pool.query(`update fahuo.pause set paused_at = $1`, [new Date(nowMs)]);
    const asked = new Map<string, number>();
    const look = (): Promise<void> =>
      probeOnce({ pool: database.pool, wechat, clock, log, random }, [appid], asked);
    nowMs += hourMs - 1;
    await look();
    expect(await quotaCalls()).toBe(1);
    nowMs += 1;
    await look();
    await look();
    expect([await quotaCalls(), (await readPauses(database.pool)).length]).toEqual([2, 1]);
    await tellSandbox(sandbox.url, 'quotas', { upload: { daily: 100, per_minute: 600 } });
    nowMs += hourMs;
    await look();
    expect(await readPauses(database.pool)).toEqual([]);
  });
});

describe('the rate of an app', () => {
  /** A real budget that tells what it was configured with. */
  const watched = (): { budget: Budget; seen: [string, Rate][] } => {
    const seen: [string, Rate][] = [];
    const budget = createPostgresBudget({ pool: database.pool, log });
    return {
      seen,
      budget: {
        ...budget,
        configure: (app, rate) => {
          seen.push([app, rate]);
          budget.configure(app, rate);
        },
      },
    };
  };
  const keep = async (
    apps: { appid: string; maxCallsPerSecond?: number }[],
    check: (seen: [string, Rate][]) => void | Promise<void>,
  ): Promise<void> => {
    const stop = new AbortController();
    const { budget, seen } = watched();
    const kept = keepRates(
      { pool: database.pool, budget, wechat, log, random },
      createAppSet(apps.map((app) => appOf(app.appid, app))),
      stop.signal,
    );
    try {
      await eventually(() => check(seen), 15_000, 20);
    } finally {
      stop.abort();
      await kept;
    }
  };
  const told = { callsPerSecond: 10_000 };

  it('is asked again when the first question fails, and cautious until then', async () => {
    await quotaFault({ errcode: -1, times: 2 });
    await keep([{ appid }], (seen) =>
      expect(seen).toEqual([
        [appid, { callsPerSecond: cautiousRate }],
        [appid, told],
      ]),
    );
    expect(await readRates(database.pool, [appid, 'x'])).toEqual(new Map([[appid, 10_000]]));
  });

  it('is the last good answer while WeChat does not say it', async () => {
    await saveRate(database.pool, appid, 3_000);
    await saveRate(database.pool, appid, 2_000);
    await quotaFault({ errcode: -1 });
    await keep([{ appid }], async (seen) => {
      expect(await quotaCalls()).toBeGreaterThan(1);
      expect(seen.at(-1)).toEqual([appid, { callsPerSecond: 2_000 }]);
    });
  });

  it('of 0 ends nothing: it counts as not told', async () => {
    await tellSandbox(sandbox.url, 'quotas', { upload: { daily: 100, per_minute: 0 } });
    await keep([{ appid }], async (seen) => {
      expect(await quotaCalls()).toBeGreaterThan(1);
      expect(seen).toEqual([[appid, { callsPerSecond: cautiousRate }]]);
    });
  });

  it('is the setting where there is one, and nobody is asked', async () => {
    const apps = [{ appid: 'wx-set', maxCallsPerSecond: 7 }, { appid }];
    await keep(apps, (seen) =>
      expect(seen).toEqual([
        ['wx-set', { callsPerSecond: 7 }],
        [appid, { callsPerSecond: cautiousRate }],
        [appid, told],
      ]),
    );
    expect(await quotaCalls()).toBe(1);
  });

  it('follows the apps: a limit that is set or taken away while it runs, and an app that comes', async () => {
    const { budget, seen } = watched();
    const apps = createAppSet([appOf('wx-set', { maxCallsPerSecond: 7 })]);
    const stop = new AbortController();
    const kept = keepRates({ pool: database.pool, budget, wechat, log, random }, apps, stop.signal);
    apps.replace([appOf('wx-set', { maxCallsPerSecond: 9 }), appOf('wx-new', { maxCallsPerSecond: 1 })]);
    await eventually(() => expect(seen).toHaveLength(3), 5_000);
    expect(seen).toEqual([
      ['wx-set', { callsPerSecond: 7 }],
      ['wx-new', { callsPerSecond: 1 }],
      ['wx-set', { callsPerSecond: 9 }],
    ]);
    apps.replace([appOf('wx-set', { maxCallsPerSecond: 9, parcelLists: 'delta' }), appOf(appid)]);
    await eventually(() => expect(seen.at(-1)).toEqual([appid, told]), 15_000);
    expect(seen).toHaveLength(5);
    stop.abort();
    await kept;
  });

  it('is asked for all apps side by side: one that hangs keeps no other waiting', async () => {
    const real = wechat;
    const hang = (signal?: AbortSignal): Promise<void> =>
      new Promise((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }));
    wechat = {
      ...real,
      getQuota: async (app, path, signal) => {
        if (app === 'wx-hangs') await hang(signal);
        return real.getQuota(app, path, signal);
      },
    };
    await keep([{ appid: 'wx-hangs' }, { appid }], (seen) => expect(seen.at(-1)).toEqual([appid, told]));
  });

  it('is kept when it cannot be put on record, and set before anything is asked', async () => {
    await database.pool.query('drop table fahuo.budget');
    const { budget, seen } = watched();
    const stop = new AbortController();
    const kept = keepRates(
      { pool: database.pool, budget, wechat, log, random },
      appSetOf(appid),
      stop.signal,
    );
    expect(seen).toEqual([[appid, { callsPerSecond: cautiousRate }]]);
    await eventually(() => expect(seen.at(-1)).toEqual([appid, told]), 10_000, 20);
    stop.abort();
    await kept;
  });
});
