import { Redis } from 'ioredis';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { monotonicMs, sleep, systemClock, systemRandom } from '../../../src/clock.ts';
import { startRedis } from '../../../src/parts/redis.ts';
import { createLog } from '../../../src/log.ts';
import { createSandbox, type Sandbox } from '../../../src/sandbox/run.ts';
import { createPostgresBudget } from '../../../src/apps/budget-postgres.ts';
import { createPostgresTokenStore } from '../../../src/apps/tokens-postgres.ts';
import { createHttp, type Http } from '../../../src/wechat/http.ts';
import { createRedisBudget } from '../../../src/apps/budget-redis.ts';
import { createMemoryBudget } from '../../../src/apps/budget-memory.ts';
import type { Budget } from '../../../src/apps/budget.ts';
import { createRedisTokenStore } from '../../../src/apps/tokens-redis.ts';
import type { TokenMode, TokenStore } from '../../../src/wechat/token-store.ts';
import { createTokenSource, type TokenSource } from '../../../src/wechat/token.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { appid } from '../../support/events.ts';
import { uniqueName } from '../../support/names.ts';
import { createRandom } from '../../support/random.ts';
import { statsOf } from '../../support/stack.ts';

const workers = 50;
const log = createLog({ level: 'silent' });
const secretOf = (): string => 's';

let database: TestDatabase;
let sandbox: Sandbox;
let http: Http;
let redis: Redis;

beforeEach(async () => {
  database = await createDatabase();
  sandbox = await createSandbox({ latencyMs: 20, tokenLifeMs: 60_000, tokenOverlapMs: 1_000 }, systemClock);
  http = createHttp({ baseUrl: sandbox.url });
  redis = new Redis(inject('redisUrl'), { maxRetriesPerRequest: 1 });
  redis.on('error', () => undefined);
});
afterEach(async () => {
  redis.disconnect();
  await http.close();
  await sandbox.stop();
  await database.drop();
});

const stores: [string, () => TokenStore][] = [
  ['Redis', () => createRedisTokenStore({ redis, keyPrefix: uniqueName('t'), secretOf })],
  ['Postgres', () => createPostgresTokenStore(database.pool, secretOf)],
];
const sources = (store: TokenStore, mode: 'stable' | 'plain', change: object = {}): TokenSource[] => {
  const origin = { mode, secret: 's' };
  return Array.from({ length: workers }, () =>
    createTokenSource({
      http,
      originOf: () => origin,
      store,
      clock: systemClock,
      random: systemRandom,
      ...change,
    }),
  );
};
const tokensOf = async (all: readonly TokenSource[]): Promise<Set<string>> => {
  const results = await Promise.all(all.map((source) => source.current(appid)));
  return new Set(results.map((result) => (result.kind === 'token' ? result.value : result.kind)));
};
const refuseCurrent = async (source: TokenSource): Promise<void> => {
  const used = await source.current(appid);
  if (used.kind === 'token') await source.failed(appid, used);
};
const fetches = async (mode: TokenMode): Promise<number> =>
  (await statsOf(sandbox.url)).token_fetches[`${appid}/${mode}`] ?? 0;

describe.each(stores)('50 workers that share tokens in %s', (name, makeStore) => {
  it.each(['stable', 'plain'] as const)(
    'fetch one %s token from a cold cache, and one after it was refused',
    async (mode) => {
      const all = sources(makeStore(), mode);
      const first = await tokensOf(all);
      expect(first.size).toBe(1);
      expect(await fetches(mode)).toBe(1);

      await fetch(`${sandbox.url}/_sandbox/tokens/expire`, { method: 'POST' });
      await Promise.all(all.map(refuseCurrent));
      const second = await tokensOf(all);
      console.log(`${name}, ${mode}: ${workers} workers, ${await fetches(mode)} fetches for 2 tokens`);
      expect(second.size).toBe(1);
      expect(second).not.toEqual(first);
      expect(await fetches(mode)).toBe(2);
    },
  );

  it('wait for a dead lock holder no longer than its lock lives', async () => {
    const store = makeStore();
    expect(await store.lock(appid, 'stable', 'dead', 600)).toBe(true);
    const startedAtMs = monotonicMs();
    expect((await tokensOf(sources(store, 'stable', { lockTtlMs: 5_000 }))).size).toBe(1);
    console.log(
      `${name}: a dead holder of 600 ms delayed ${workers} workers by ${(monotonicMs() - startedAtMs).toFixed(0)} ms`,
    );
    expect(await fetches('stable')).toBe(1);
  });

  it('never show the token in clear, and let go only of their own lock', async () => {
    const store = makeStore();
    await store.write(appid, 'stable', 'clear-token', new Date(systemClock().getTime() + 60_000));
    expect((await store.read(appid, 'stable'))?.value).toBe('clear-token');
    const { rows } = await database.pool.query('select * from fahuo.token');
    expect(JSON.stringify(rows)).not.toContain('clear-token');
    await store.dropIf(appid, 'stable', 'another');
    expect(await store.read(appid, 'stable')).not.toBeNull();
    await store.dropIf(appid, 'stable', 'clear-token');
    expect(await store.read(appid, 'stable')).toBeNull();
    expect(await store.lock(appid, 'stable', 'a', 5_000)).toBe(true);
    await store.unlock(appid, 'stable', 'b');
    expect(await store.lock(appid, 'stable', 'b', 5_000)).toBe(false);
  });
});

describe('50 workers whose Redis is gone', () => {
  it('fetch once each, keep what they have, and do not storm', async () => {
    const part = await startRedis(mkdtempSync(join(tmpdir(), 'fahuo-redis-')));
    const own = new Redis(part.url, { maxRetriesPerRequest: 1, retryStrategy: () => 100 });
    own.on('error', () => undefined);
    const store = createRedisTokenStore({ redis: own, keyPrefix: 't', secretOf });
    await own.ping();
    await part.kill();
    const all = sources(store, 'plain', { storeTimeoutMs: 200 });
    for (let round = 0; round < 20; round++) await tokensOf(all);
    console.log(
      `Redis gone, plain: ${workers} workers, 20 rounds, ${await fetches('plain')} fetches (2,000 a day allowed)`,
    );
    expect(await fetches('plain')).toBe(workers);
    own.disconnect();
  });
});

const budgets: [string, (prefix: string) => Budget][] = [
  [
    'Redis',
    (prefix) =>
      createRedisBudget({ redis, keyPrefix: prefix, fallback: createMemoryBudget({ clock: systemClock }) }),
  ],
  ['Postgres', () => createPostgresBudget({ pool: database.pool, log })],
];

describe.each(budgets)('a budget of 200 calls a second over 4 instances in %s', (name, make) => {
  it('is never passed in any second, used in full, and kept open for reads', async () => {
    const prefix = uniqueName('b');
    const instances = Array.from({ length: 4 }, () => make(prefix));
    const random = createRandom(7);
    const grants: { atMs: number; count: number; kind: string }[] = [];
    const endMs = monotonicMs() + 4_000;
    const ask = async (budget: Budget, kind: 'read' | 'write'): Promise<void> => {
      budget.configure(appid, { callsPerSecond: 200 });
      while (monotonicMs() < endMs) {
        const { granted, retryAfterMs } = await budget.take({
          appid,
          kind,
          wanted: kind === 'read' ? 2 : 1 + Math.floor(random() * 40),
        });
        if (granted > 0) grants.push({ atMs: monotonicMs(), count: granted, kind });
        await sleep(kind === 'read' ? 50 : Math.min(retryAfterMs, 50));
      }
    };
    await Promise.all(instances.flatMap((budget) => [ask(budget, 'write'), ask(budget, 'read')]));
    const inWindow = (fromMs: number): number =>
      grants
        .filter(({ atMs }) => atMs >= fromMs && atMs < fromMs + 1_000)
        .reduce((sum, { count }) => sum + count, 0);
    const busiest = Math.max(...grants.map(({ atMs }) => inWindow(atMs)));
    const total = grants.reduce((sum, { count }) => sum + count, 0);
    const reads = grants.filter(({ kind }) => kind === 'read').reduce((sum, { count }) => sum + count, 0);
    console.log(`${name}: busiest second ${busiest} of 200, ${total} in 4 s, of them ${reads} reads`);
    // Grants are stamped when their answer arrives; the slack of 4 % is that delay, not the bucket's.
    expect(busiest).toBeLessThanOrEqual(208);
    expect(reads).toBeGreaterThan(0.15 * total);
  });

  it('gives nothing to anybody while WeChat asks to slow down', async () => {
    const prefix = uniqueName('b');
    const [one, other] = [make(prefix), make(prefix)];
    for (const budget of [one, other]) budget.configure(appid, { callsPerSecond: 1_000 });
    await one.slowDown(appid, 60_000);
    const { granted, retryAfterMs } = await other.take({ appid, kind: 'write', wanted: 1 });
    expect(granted).toBe(0);
    expect(retryAfterMs).toBeGreaterThan(50_000);
  });
});
