import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { createPool } from '../../../db/client.ts';
import { openRedis } from '../../../src/roles/redis.ts';
import { monotonicMs, sleep } from '../../../src/clock.ts';
import { readConfig } from '../../../src/roles/config.ts';
import { createLog } from '../../../src/log.ts';
import { createPostgresBudget } from '../../../src/apps/budget-postgres.ts';
import { blockBudget, readBlockedMs, takeBudget } from '../../../src/apps/budget-store.ts';
import { decideGrant, freshBudget, limitsOf, type BudgetState } from '../../../src/apps/budget.ts';
import { awayShare, createRedisBudget } from '../../../src/apps/budget-redis.ts';
import type { Budget } from '../../../src/apps/budget.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { appid } from '../../support/events.ts';
import { eventually } from '../../support/eventually.ts';
import { uniqueName } from '../../support/names.ts';
import { createTcpProxy, type TcpProxy } from '../../support/proxy.ts';
import { createRandom } from '../../support/random.ts';

const log = createLog({ level: 'silent' });
const startMs = Date.parse('2026-11-23T10:00:00+08:00');

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
});
afterEach(async () => {
  await database.drop();
});

const proxyTo = async (url: string): Promise<{ proxy: TcpProxy; url: string }> => {
  const { hostname, port } = new URL(url);
  const proxy = await createTcpProxy({ host: hostname, port: Number(port) });
  return { proxy, url: Object.assign(new URL(url), { host: `127.0.0.1:${proxy.port}` }).toString() };
};

type Stored = {
  level: number;
  at_ms: number;
  read_credit: number;
  read_claim: number;
  claim_until_ms: number;
  blocked_until_ms: number;
};
const storedState = async (app: string): Promise<BudgetState> => {
  const { rows } = await database.pool.query<Stored>('select * from fahuo.budget where appid = $1', [app]);
  const row = rows[0]!;
  return {
    level: row.level,
    atMs: row.at_ms,
    readCredit: row.read_credit,
    readClaim: row.read_claim,
    claimUntilMs: row.claim_until_ms,
    blockedUntilMs: row.blocked_until_ms,
  };
};

describe('the budget in Postgres', () => {
  it.each([0.5, 1, 7, 33.3, 1000])(
    'of %d a second grants what the pure function grants, to the last bit, whatever is asked when',
    async (callsPerSecond) => {
      const random = createRandom(Math.ceil(callsPerSecond));
      const limits = limitsOf({ callsPerSecond }, 0.2);
      if (limits.kind !== 'limited') throw new TypeError('a rate is limited');
      let state = freshBudget;
      let nowMs = startMs;
      for (let step = 0; step < 300; step++) {
        nowMs += [0, random() * 20, (random() * 2000) / callsPerSecond, -random() * 5][step % 4]!;
        const kind = random() < 0.4 ? 'read' : 'write';
        const wanted = Math.floor(random() * (3 + callsPerSecond / 50));
        if (step % 97 === 96) {
          state = { ...state, blockedUntilMs: nowMs + 300 };
          await database.pool.query('update fahuo.budget set blocked_until_ms = $1', [nowMs + 300]);
        }
        const { state: after, ...grant } = decideGrant(state, { nowMs, kind, wanted }, limits);
        state = after;
        expect(await takeBudget(database.pool, { appid, kind, wanted }, limits, nowMs)).toEqual(grant);
      }
      expect(await storedState(appid)).toEqual(state);
    },
  );

  it('is not held up by an instance that is cut off in the middle of a take', async () => {
    const { proxy, url } = await proxyTo(database.url);
    const cut = createPool({ databaseUrl: url, max: 10, applicationName: 'cut', onError: () => undefined });
    const [theirs, ours] = [cut, database.pool].map((pool) => createPostgresBudget({ pool, log }));
    for (const budget of [theirs!, ours!]) budget.configure(appid, { callsPerSecond: 1_000 });
    const stop = new AbortController();
    const busy = Array.from({ length: 10 }, async () => {
      while (!stop.signal.aborted) await theirs!.take({ appid, kind: 'write', wanted: 1 });
    });
    try {
      for (let round = 0; round < 10; round++) {
        await sleep(20);
        proxy.freeze();
        await sleep(20);
        const taken = ours!.take({ appid, kind: 'write', wanted: 1 }).then(() => 'answered');
        expect(await Promise.race([taken, sleep(2_000).then(() => 'held up')])).toBe('answered');
        proxy.thaw();
      }
    } finally {
      stop.abort();
      proxy.close();
      await Promise.all(busy);
      await cut.end();
    }
  });

  it('keeps the longer of two stops, for all instances', async () => {
    await blockBudget(database.pool, appid, 60_000);
    await blockBudget(database.pool, appid, 1_000);
    expect(await readBlockedMs(database.pool, appid)).toBeGreaterThan(50_000);
    expect(await readBlockedMs(database.pool, 'another')).toBe(0);
    const budget = createPostgresBudget({ pool: database.pool, log });
    expect(await budget.take({ appid, kind: 'write', wanted: 3 })).toMatchObject({ granted: 0 });
    expect(await budget.take({ appid: 'another', kind: 'write', wanted: 3 })).toEqual({
      granted: 3,
      retryAfterMs: 0,
    });
  });

  it('grants nothing and rejects nothing while Postgres does not answer', async () => {
    const gone = createPool({
      databaseUrl: 'postgres://127.0.0.1:1/none',
      max: 1,
      applicationName: 'gone',
      onError: () => undefined,
    });
    const budget = createPostgresBudget({ pool: gone, log });
    budget.configure(appid, { callsPerSecond: 10 });
    expect(await budget.take({ appid, kind: 'write', wanted: 1 })).toEqual({ granted: 0, retryAfterMs: 500 });
    await budget.slowDown(appid, 1_000);
    await gone.end();
  });
});

describe('the budget in Redis', () => {
  const rate = 200;
  let proxy: TcpProxy;
  let connections: Redis[];
  let instances: Budget[];
  /** Grants by the time of their answer. */
  let grants: { atMs: number; count: number }[];
  let stop: AbortController;
  let busy: Promise<void>[];

  const start = async (count: number, timeoutMs = 300): Promise<void> => {
    const through = await proxyTo(inject('redisUrl'));
    proxy = through.proxy;
    const keyPrefix = uniqueName('b');
    const config = readConfig({ REDIS_URL: through.url });
    connections = Array.from({ length: count }, () => openRedis(config, log)!);
    instances = connections.map((redis) =>
      createRedisBudget({
        redis,
        keyPrefix,
        log,
        fallback: createPostgresBudget({ pool: database.pool, log }),
        timeoutMs,
        probeMs: 100,
      }),
    );
    for (const budget of instances) budget.configure(appid, { callsPerSecond: rate });
    await Promise.all(connections.map((redis) => redis.ping()));
    [grants, stop] = [[], new AbortController()];
    busy = instances.map(async (budget) => {
      while (!stop.signal.aborted) {
        const { granted, retryAfterMs } = await budget.take({ appid, kind: 'write', wanted: 50 });
        if (granted > 0) grants.push({ atMs: monotonicMs(), count: granted });
        await sleep(Math.min(retryAfterMs, 20));
      }
    });
  };
  const end = async (): Promise<void> => {
    stop.abort();
    proxy.thaw();
    proxy.close();
    await Promise.all(busy);
    for (const redis of connections) redis.disconnect();
  };
  const grantedSince = (fromMs: number): number =>
    grants.filter(({ atMs }) => atMs >= fromMs).reduce((sum, { count }) => sum + count, 0);
  it('goes on at a quarter of the rate over all instances while Redis is silent, and in full when it is back', async () => {
    await start(4);
    try {
      await eventually(() => expect(grantedSince(0)).toBeGreaterThan(50), 10_000);
      const frozenAtMs = monotonicMs();
      proxy.freeze();
      // No instance asks the fallback sooner: what Redis granted in the last second still counts.
      const fallbackFromMs = frozenAtMs + 1_000;
      const share = rate * awayShare;
      await eventually(() => expect(grantedSince(fallbackFromMs)).toBeGreaterThan(2 * share), 20_000);
      const seconds = (monotonicMs() - fallbackFromMs) / 1_000;
      expect(grantedSince(fallbackFromMs)).toBeLessThanOrEqual(share * seconds + 3);
      proxy.thaw();
      const thawedAtMs = monotonicMs();
      await eventually(() => {
        const sinceSeconds = (monotonicMs() - thawedAtMs) / 1_000;
        expect(grantedSince(thawedAtMs)).toBeGreaterThan(1.5 * share * sinceSeconds + 20);
      }, 20_000);
    } finally {
      await end();
    }
  });

  it('waits for a silent Redis once, then a second for what was granted there, and then no more', async () => {
    await start(1, 2_000);
    stop.abort();
    await Promise.all(busy);
    try {
      proxy.freeze();
      const first = await instances[0]!.take({ appid, kind: 'write', wanted: 1 });
      expect(first.granted).toBe(0);
      expect(first.retryAfterMs).toBeGreaterThan(0);
      expect(first.retryAfterMs).toBeLessThanOrEqual(1_000);
      const takes = Promise.all(
        Array.from({ length: 20 }, () => instances[0]!.take({ appid, kind: 'write', wanted: 1 })),
      ).then(() => 'answered');
      expect(await Promise.race([takes, sleep(1_500).then(() => 'waited')])).toBe('answered');
      await eventually(async () => {
        expect((await instances[0]!.take({ appid, kind: 'write', wanted: 1 })).granted).toBe(1);
      }, 10_000);
    } finally {
      await end();
    }
  });

  it('carries a stop of WeChat’s also while Redis is away', async () => {
    await start(2);
    stop.abort();
    await Promise.all(busy);
    try {
      proxy.freeze();
      await Promise.all(instances.map((budget) => budget.take({ appid, kind: 'write', wanted: 1 })));
      await instances[0]!.slowDown(appid, 60_000);
      await eventually(async () => {
        const { granted, retryAfterMs } = await instances[1]!.take({ appid, kind: 'write', wanted: 1 });
        expect(granted).toBe(0);
        expect(retryAfterMs).toBeGreaterThan(10_000);
      }, 10_000);
    } finally {
      await end();
    }
  });
});
