import { getEventListeners } from 'node:events';
import { beforeEach, describe, expect, it } from 'vitest';
import { readReply, type Reply } from '../../../src/wechat/answer.ts';
import type { Http, HttpRequest } from '../../../src/wechat/http.ts';
import { createLog } from '../../../src/log.ts';
import { createMemoryTokenStore } from '../../../src/apps/tokens-memory.ts';
import type { TokenStore } from '../../../src/wechat/token-store.ts';
import {
  createTokenSource,
  type TokenResult,
  type TokenSource,
  type TokenSourceOptions,
} from '../../../src/wechat/token.ts';
import { Tokens } from '../../../src/sandbox/tokens.ts';
import { appid } from '../../support/events.ts';

const startMs = Date.parse('2026-11-23T10:00:00+08:00');
const lifeMs = 7_200_000;

let nowMs: number;
let store: TokenStore;
let wechat: Tokens;
/** What the token call answers in place of a token. */
let trouble: (() => Reply) | null;
let fetches: number;

const clock = (): Date => new Date(nowMs);
const reply = (body: object): Reply => readReply(200, JSON.stringify(body), 1, []);
const refusal = (errcode: number) => (): Reply => reply({ errcode, errmsg: 'no rid: 1-2-3' });
const unreachable = (): Reply => ({
  answer: { ...reply({}).answer, httpStatus: null, failure: 'reset' },
  json: null,
});

beforeEach(() => {
  nowMs = startMs;
  store = createMemoryTokenStore(clock);
  let minted = 0;
  wechat = new Tokens({ lifeMs, overlapMs: 300_000, plainPerDay: 2_000 }, () => `${++minted}`);
  trouble = null;
  fetches = 0;
});

/** The sandbox's own token book, without a wire. */
const call = ({ path }: HttpRequest): Promise<Reply> => {
  fetches += 1;
  if (trouble !== null) return Promise.resolve(trouble());
  const answered = path.includes('stable') ? wechat.stable(appid, false, nowMs) : wechat.plain(appid, nowMs);
  return Promise.resolve(
    answered.kind === 'token'
      ? reply({ access_token: answered.value, expires_in: answered.expiresInSeconds })
      : reply({ errcode: answered.errcode }),
  );
};
const http: Http = { call, post: async () => (await call({} as HttpRequest)).answer, close: async () => {} };

const origins = { stable: { mode: 'stable', secret: 's' }, plain: { mode: 'plain', secret: 's' } } as const;
type Change = Partial<TokenSourceOptions> & { mode?: 'stable' | 'plain' };

const optionsOf = ({ mode = 'stable', ...change }: Change): TokenSourceOptions => ({
  http,
  originOf: (asked) => (asked === appid ? origins[mode] : undefined),
  store,
  clock,
  random: () => 0,
  sleep: (ms) => Promise.resolve(void (nowMs += ms)),
  monotonic: () => nowMs,
  ...change,
});
const source = (change: Change = {}): TokenSource => createTokenSource(optionsOf(change));

type Got = Extract<TokenResult, { kind: 'token' }>;
const tokenOf = async (from: TokenSource): Promise<Got> => {
  const result = await from.current(appid);
  expect(result).toMatchObject({ kind: 'token' });
  return result as Got;
};
const inStore = (value: string): Promise<void> =>
  store.write(appid, 'stable', value, new Date(nowMs + lifeMs));

/** One business call with the token at hand: `dies` kills it on the way, as another system's forced refresh does. */
async function business(from: TokenSource, dies = false): Promise<'done' | 'refused' | 'none'> {
  const token = await from.current(appid);
  if (token.kind !== 'token') return 'none';
  if (dies) wechat.expireAll();
  if (wechat.check(token.value, nowMs).kind === 'app') {
    from.worked(appid, token);
    return 'done';
  }
  await from.failed(appid, token);
  return 'refused';
}

describe('tokens that die young', () => {
  it('are followed by the next at once: one call in 80 that kills its token stops nobody', async () => {
    const both = [source(), source()];
    const seen = { done: 0, refused: 0, none: 0 };
    for (let n = 1; n <= 8_000; n++) seen[await business(both[n % 2]!, n % 80 === 0)] += 1;
    expect(seen.none).toBe(0);
    expect(seen.done).toBeGreaterThan(7_700);
    expect(nowMs - startMs, 'spent waiting').toBeLessThan(5_000);
  });

  it('are followed by a back-off of 1, 2 and then 4 s when WeChat hands out the same one again', async () => {
    const from = source();
    const dead = await tokenOf(from);
    await from.failed(appid, dead);
    for (const restMs of [1_000, 2_000, 4_000, 4_000]) {
      const again = await tokenOf(from);
      expect(again.value).toBe(dead.value);
      await from.failed(appid, again);
      expect(await from.current(appid)).toMatchObject({ kind: 'unavailable', outcome: { kind: 'token' } });
      nowMs += restMs - 1;
      expect((await from.current(appid)).kind).toBe('unavailable');
      nowMs += 1;
    }
  });

  it('and a back-off leave the eyes open: a good token of another instance is taken at once', async () => {
    const from = source();
    const dead = await tokenOf(from);
    await from.failed(appid, dead);
    await from.failed(appid, await tokenOf(from));
    expect((await from.current(appid)).kind).toBe('unavailable');
    const before = fetches;
    await inStore('from another instance');
    nowMs += 200;
    expect((await tokenOf(from)).value).toBe('from another instance');
    expect(fetches).toBe(before);
    await inStore(dead.value);
    expect((await tokenOf(from)).value).toBe('from another instance');
  });

  it.each(['found before a fetch', 'found during a back-off'])(
    'of another instance %s say nothing of ours',
    async (how) => {
      const from = source({ mode: 'plain' });
      const put = (value: string) => store.write(appid, 'plain', value, new Date(nowMs + lifeMs));
      for (let own = 0; own < 2; own++) await from.failed(appid, await tokenOf(from));
      if (how === 'found during a back-off') {
        trouble = unreachable;
        expect((await from.current(appid)).kind).toBe('unavailable');
        trouble = null;
      }
      await put('of another');
      const theirs = await tokenOf(from);
      expect(theirs.value).toBe('of another');
      nowMs += 1_000;
      await from.failed(appid, theirs);
      expect((await from.current(appid)).kind).toBe('token');
    },
  );

  it('look past the refused one: it is not taken out of the store while the instance backs off', async () => {
    const from = source();
    const dead = await tokenOf(from);
    await from.failed(appid, dead);
    await from.failed(appid, await tokenOf(from));
    await inStore(dead.value);
    expect((await from.current(appid)).kind).toBe('unavailable');
  });

  it('are counted anew once a call got through', async () => {
    const from = source();
    const first = await tokenOf(from);
    await from.failed(appid, first);
    await from.failed(appid, await tokenOf(from));
    nowMs += 1_000;
    const third = await tokenOf(from);
    from.worked(appid, third);
    await from.failed(appid, third);
    expect((await tokenOf(from)).value).toBe(first.value);
  });

  it('do not storm the plain interface, where each fetch counts towards 2,000 a day', async () => {
    const from = source({ mode: 'plain' });
    let failures = 0;
    for (; (await from.current(appid)).kind === 'token'; failures++)
      await from.failed(appid, await tokenOf(from));
    expect([failures, fetches]).toEqual([3, 3]);
  });

  it('are refused once, however many late answers say so', async () => {
    const from = source();
    const first = await tokenOf(from);
    await Promise.all([from.failed(appid, first), from.failed(appid, first)]);
    const again = await tokenOf(from);
    await from.failed(appid, first);
    expect(await tokenOf(from)).toEqual(again);
    expect(again.generation).toBe(first.generation + 1);
    expect((await store.read(appid, 'stable'))?.value, 'a late answer empties no store').toBe(again.value);
  });

  it('leave the store only if they are still the ones that stand there', async () => {
    const from = source();
    const first = await tokenOf(from);
    await inStore('younger');
    await from.failed(appid, first);
    expect((await store.read(appid, 'stable'))?.value).toBe('younger');
    expect((await tokenOf(from)).value).toBe('younger');
    const other = source();
    await other.failed(appid, await tokenOf(other));
    expect(await store.read(appid, 'stable')).toBeNull();
  });
});

describe('a fetch', () => {
  it('is made once for many callers and many instances', async () => {
    const all = Array.from({ length: 10 }, () => source());
    const values = await Promise.all(all.flatMap((from) => [tokenOf(from), tokenOf(from)]));
    expect(new Set(values.map(({ value }) => value)).size).toBe(1);
    expect(fetches).toBe(1);
  });

  it('runs beside the calls when a younger token is due, and they use the old one meanwhile', async () => {
    const from = source();
    const old = await tokenOf(from);
    nowMs += lifeMs - 300_000;
    expect((await tokenOf(from)).value).toBe(old.value);
    await new Promise(setImmediate);
    expect((await tokenOf(from)).value).not.toBe(old.value);
    expect(fetches).toBe(2);
  });

  it('is left to the holder of the lock, and the old token is used until a second later', async () => {
    const from = source();
    const old = await tokenOf(from);
    nowMs += lifeMs - 300_000;
    expect(await store.lock(appid, 'stable', 'another', 5_000)).toBe(true);
    await tokenOf(from);
    await new Promise(setImmediate);
    await inStore('younger');
    nowMs += 999;
    expect((await tokenOf(from)).value).toBe(old.value);
    nowMs += 1;
    await tokenOf(from);
    await new Promise(setImmediate);
    expect((await tokenOf(from)).value).toBe('younger');
    expect(fetches).toBe(1);
  });

  it('waits for a dead holder as long as its lock lives', async () => {
    expect(await store.lock(appid, 'stable', 'dead', 600)).toBe(true);
    await tokenOf(source());
    expect(nowMs - startMs).toBeGreaterThanOrEqual(600);
    expect(nowMs - startMs).toBeLessThan(700);
  });

  it('gives up waiting for a holder that keeps the lock for ever', async () => {
    const keeps = { ...store, lock: () => Promise.resolve(false) };
    const result = await source({ store: keeps }).current(appid);
    expect(result).toMatchObject({
      kind: 'unavailable',
      answer: { failure: 'timeout', notSent: true },
      outcome: { kind: 'unknown', notSent: true },
    });
    expect(nowMs - startMs).toBeGreaterThan(5_100);
    expect(nowMs - startMs).toBeLessThan(5_200);
  });

  it('waits between two looks at the lock, half as long up to one and a half times', async () => {
    const keeps = { ...store, lock: () => Promise.resolve(false) };
    const waits = async (random: number): Promise<Set<number>> => {
      const seen = new Set<number>();
      const sleep = (ms: number) => Promise.resolve(void (seen.add(ms), (nowMs += ms)));
      await source({ store: keeps, sleep, random: () => random, pollMs: 40 }).current(appid);
      return seen;
    };
    expect([...(await waits(0))]).toEqual([20]);
    expect([...(await waits(1))]).toEqual([60]);
  });

  it('is left to another instance in real time too, and that is no busy loop', async () => {
    let looks = 0;
    const keeps = { ...store, lock: () => Promise.resolve((looks += 1) < 0) };
    const { sleep: _sleep, monotonic: _monotonic, ...real } = optionsOf({ store: keeps });
    const from = createTokenSource({ ...real, lockTtlMs: 20, pollMs: 10 });
    expect((await from.current(appid)).kind).toBe('unavailable');
    expect(looks).toBeLessThan(20);
  });

  it('is not made, and no lock asked for, while the store has one that is new to us', async () => {
    let locks = 0;
    const counting: TokenStore = { ...store, lock: (...of) => ((locks += 1), store.lock(...of)) };
    await inStore('younger');
    expect((await tokenOf(source({ store: counting }))).value).toBe('younger');
    expect([locks, fetches]).toEqual([0, 0]);
  });

  it('is not made by a holder before whom another one wrote a token', async () => {
    const late: TokenStore = {
      ...store,
      lock: async (...of) => (await inStore('younger'), store.lock(...of)),
    };
    expect((await tokenOf(source({ store: late }))).value).toBe('younger');
    expect(fetches).toBe(0);
  });

  it('of the stable interface has no daily limit', async () => {
    await tokenOf(source({ dailyFetches: 0 }));
  });

  it('asks a store that failed again after exactly five seconds', async () => {
    let reads = 0;
    const gone = { ...store, read: () => ((reads += 1), Promise.reject(new Error('gone'))) };
    const from = source({ store: gone });
    const first = await tokenOf(from);
    nowMs += 4_999;
    await from.failed(appid, first);
    nowMs += 1;
    await tokenOf(from);
    expect(reads).toBe(2);
  });

  it('that brings a token frees the lock', async () => {
    await tokenOf(source());
    expect(await store.lock(appid, 'stable', 'x', 1)).toBe(true);
  });

  it('goes past a store that does not answer', async () => {
    const silent = { ...store, read: () => new Promise<never>(() => {}) };
    await tokenOf(source({ store: silent, storeTimeoutMs: 1 }));
    expect(fetches).toBe(1);
  });

  it('that cannot be shared brings its token all the same, and the store is left alone then', async () => {
    let asked = 0;
    const gone = (): Promise<never> => {
      asked += 1;
      return Promise.reject(new Error('gone'));
    };
    const from = source({ store: { ...store, write: gone, unlock: () => Promise.resolve() } });
    const first = await tokenOf(from);
    nowMs += 4_999;
    await from.failed(appid, first);
    await tokenOf(from);
    expect(asked, 'within five seconds').toBe(1);
    nowMs += 1;
    await from.failed(appid, await tokenOf(from));
    nowMs += 1_000;
    await tokenOf(from);
    expect(asked, 'after five').toBe(2);
  });

  it('is not made by one who backs off, also when the store fails under its question', async () => {
    const from = source({ store: { ...store, read: (...of) => read(...of) } });
    let read = store.read.bind(store);
    trouble = refusal(40125);
    expect((await from.current(appid)).kind).toBe('unavailable');
    let looks = 0;
    read = () => {
      looks += 1;
      return Promise.reject(new Error('gone'));
    };
    for (let look = 0; look < 3; look++) {
      expect(await from.current(appid)).toMatchObject({ outcome: { kind: 'account_stop' } });
      nowMs += 200;
    }
    expect([looks, fetches]).toEqual([1, 1]);
  });

  it('that WeChat answers with a plain no is made ever more seldom, once a minute at last', async () => {
    trouble = refusal(40125);
    const alone = { ...store, lock: () => Promise.resolve(true) };
    const from = source({ store: alone });
    for (const restMs of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
      const before = fetches;
      await from.current(appid);
      nowMs += restMs - 1;
      await from.current(appid);
      expect(fetches).toBe(before + 1);
      nowMs += 1;
    }
  });

  it('is told in the log, as is what it was refused by and a store that failed', async () => {
    const lines: Record<string, unknown>[] = [];
    const write = (line: string): void => void lines.push(JSON.parse(line) as Record<string, unknown>);
    const log = createLog({ level: 'info' }, { write });
    const gone = { ...store, read: () => Promise.reject(new Error('gone')) };
    trouble = refusal(40125);
    await source({ log }).current(appid);
    trouble = null;
    await tokenOf(source({ log, store: gone }));
    expect(lines).toMatchObject([
      { msg: 'token.refused', appid, mode: 'stable', errcode: 40125, failure: null, rid: '1-2-3' },
      { msg: 'token.store_failed', appid, err: 'gone' },
      { msg: 'token.fetched', appid, mode: 'stable', expires_at: new Date(nowMs + lifeMs).toISOString() },
    ]);
    expect(JSON.stringify(lines)).not.toContain('sandbox_');
  });

  it('is made alone, and shared with nobody, while the store is gone for five seconds', async () => {
    let asked = 0;
    const gone = (): Promise<never> => {
      asked += 1;
      return Promise.reject(new Error('gone'));
    };
    const broken = { ...store, read: gone, write: gone, lock: gone, unlock: gone, dropIf: gone };
    const from = source({ store: broken });
    const first = await tokenOf(from);
    expect(asked).toBe(1);
    await from.failed(appid, first);
    const second = await tokenOf(from);
    await from.failed(appid, second);
    expect((await from.current(appid)).kind).toBe('unavailable');
    expect(asked).toBe(1);
    nowMs += 5_000;
    await tokenOf(from);
    expect(asked).toBe(2);
  });

  it('that WeChat answers with a plain no keeps the lock, so that not all instances ask', async () => {
    trouble = refusal(40125);
    const [one, other] = [source(), source()];
    expect(await one.current(appid)).toMatchObject({ outcome: { kind: 'account_stop', errcode: 40125 } });
    expect(await one.current(appid)).toMatchObject({ outcome: { kind: 'account_stop' } });
    expect(fetches).toBe(1);
    expect(await store.lock(appid, 'stable', 'x', 1)).toBe(false);
    trouble = null;
    await tokenOf(other);
    expect(nowMs - startMs).toBeGreaterThanOrEqual(5_000);
    expect((await tokenOf(one)).value).toBe((await tokenOf(other)).value);
  });

  it('that was not answered frees the lock, and is tried again within four seconds for ever', async () => {
    trouble = unreachable;
    const from = source();
    for (const restMs of [1_000, 2_000, 4_000, 4_000, 4_000]) {
      const before = fetches;
      expect(await from.current(appid)).toMatchObject({ outcome: { kind: 'unknown', notSent: true } });
      expect(fetches).toBe(before + 1);
      nowMs += restMs - 1;
      await from.current(appid);
      expect(fetches).toBe(before + 1);
      nowMs += 1;
    }
    expect(await store.lock(appid, 'stable', 'x', 1)).toBe(true);
    trouble = null;
    nowMs += 1;
    await tokenOf(from);
  });

  it('that fails leaves the token at hand in use to its end', async () => {
    const from = source();
    const old = await tokenOf(from);
    trouble = unreachable;
    nowMs += lifeMs - 300_000;
    for (; nowMs < startMs + lifeMs; nowMs += 10_000) {
      expect((await tokenOf(from)).value).toBe(old.value);
      await new Promise(setImmediate);
    }
    expect((await from.current(appid)).kind).toBe('unavailable');
  });

  it('of the plain interface stops at the day’s limit until midnight in Beijing', async () => {
    const counts = createMemoryTokenStore(clock);
    const alone = { ...counts, read: () => Promise.resolve(null) };
    const all = Array.from({ length: 4 }, () => source({ mode: 'plain', store: alone, dailyFetches: 3 }));
    const kinds = [];
    for (const from of all) kinds.push((await from.current(appid)).kind);
    expect(kinds).toEqual(['token', 'token', 'token', 'unavailable']);
    expect(await all[3]!.current(appid)).toMatchObject({
      outcome: { kind: 'throttled', scope: 'day', retryAfterMs: 14 * 3_600_000 },
    });
    nowMs += 14 * 3_600_000 - 1;
    expect((await all[3]!.current(appid)).kind).toBe('unavailable');
    nowMs += 1;
    expect((await all[3]!.current(appid)).kind).toBe('token');
    expect(fetches).toBe(4);
  });

  it('of the plain interface counts its own where the store cannot', async () => {
    const { countFetch: _none, ...without } = createMemoryTokenStore(clock);
    const from = source({ mode: 'plain', store: without, dailyFetches: 1 });
    const first = await tokenOf(from);
    from.worked(appid, first);
    await from.failed(appid, first);
    expect(await from.current(appid)).toMatchObject({ outcome: { kind: 'throttled' } });
    nowMs += 14 * 3_600_000;
    await tokenOf(from);
  });

  it.each(['that fails', 'that is left alone'])(
    'of the plain interface counts its own beside a store %s',
    async (which) => {
      let counted = 0;
      const countFetch = (): Promise<never> => {
        counted += 1;
        return Promise.reject(new Error('gone'));
      };
      const gone = () => Promise.reject(new Error('gone'));
      const broken = which === 'that fails' ? { countFetch } : { countFetch, read: gone };
      const from = source({ mode: 'plain', store: { ...store, ...broken }, dailyFetches: 1 });
      const first = await tokenOf(from);
      from.worked(appid, first);
      await from.failed(appid, first);
      expect(await from.current(appid)).toMatchObject({ outcome: { kind: 'throttled' } });
      expect(counted).toBe(which === 'that fails' ? 2 : 0);
    },
  );
});

describe('a caller', () => {
  it('of an app that is not configured is told so', async () => {
    const from = source();
    expect(await from.current('wx-other')).toMatchObject({
      outcome: { kind: 'account_stop', errcode: 40013 },
    });
    await from.failed('wx-other', { value: 'a', generation: 1 });
    from.worked('wx-other', { value: 'a', generation: 1 });
  });

  it('that may stop and does not gets its token, and nothing hangs on its signal afterwards', async () => {
    const { signal } = new AbortController();
    expect((await source().current(appid, signal)).kind).toBe('token');
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('waits for the check that another one makes while the instance backs off', async () => {
    const from = source();
    trouble = refusal(40125);
    await from.current(appid);
    await inStore('from another instance');
    const both = await Promise.all([from.current(appid), from.current(appid)]);
    expect(both.map((result) => result.kind)).toEqual(['token', 'token']);
  });

  it('that stops ends its own wait and not the fetch of the others', async () => {
    const answered = Promise.withResolvers<null>();
    const slow: Http = { ...http, call: (request) => answered.promise.then(() => call(request)) };
    const from = source({ http: slow });
    const stop = new AbortController();
    const [stopped, waiting] = [from.current(appid, stop.signal), from.current(appid)];
    stop.abort();
    expect(await stopped).toMatchObject({
      kind: 'unavailable',
      answer: { failure: 'aborted', notSent: true },
    });
    expect(await from.current(appid, AbortSignal.abort())).toMatchObject({ kind: 'unavailable' });
    answered.resolve(null);
    expect((await waiting).kind).toBe('token');
    expect((await from.current(appid, new AbortController().signal)).kind).toBe('token');
  });
});
