import { beforeEach, describe, expect, it } from 'vitest';
import { readReply } from '../../../src/wechat/answer.ts';
import { sameAgainMs } from '../../../src/wechat/app-token.ts';
import { callWithToken } from '../../../src/wechat/call.ts';
import type { Http, HttpRequest } from '../../../src/wechat/http.ts';
import { createTokenSource, type TokenSource } from '../../../src/wechat/token.ts';
import type { FetchedToken } from '../../../src/wechat/token-fetch.ts';
import type { TokenOrigin } from '../../../src/wechat/token-origin.ts';
import { privateStore } from '../../../src/wechat/token-store.ts';
import { appid } from '../../support/events.ts';

const startMs = Date.parse('2026-11-30T10:00:00+08:00');
const external = (url = 'https://tokens.example/wx'): TokenOrigin => ({
  mode: 'external',
  from: { kind: 'url', url, bearer: undefined },
});

let nowMs: number;
let origin: TokenOrigin | undefined;
/** What the token server gives, and how often it was asked. */
let given: FetchedToken;
let asked: number;
/** What WeChat takes; a call with anything else is refused with 40001. */
let good: string;
let calls: (string | undefined)[];
let tokens: TokenSource;

const clock = (): Date => new Date(nowMs);
const gives = (value: string, ttlMs: number | null = null): void => {
  given = { kind: 'fetched', value, ttlMs };
};
const http: Http = {
  call: ({ query }: HttpRequest) => {
    const used = query['access_token'];
    calls.push(used);
    return Promise.resolve(readReply(200, JSON.stringify({ errcode: used === good ? 0 : 40001 }), 1, []));
  },
  post: () => Promise.reject(new Error('no post')),
  close: () => Promise.resolve(),
};
const call = () => callWithToken({ http, tokens, clock }, { appid, path: '/x', body: '{}' });

beforeEach(() => {
  [nowMs, asked, calls, good] = [startMs, 0, [], 'first'];
  origin = external();
  gives('first');
  tokens = createTokenSource({
    http,
    originOf: () => origin,
    // Would throw at a token of somebody else's: there is no secret to seal it with.
    store: { ...privateStore, read: () => Promise.reject(new Error('the shared store was asked')) },
    clock,
    random: () => 0,
    sleep: () => Promise.resolve(),
    monotonic: () => nowMs,
    askServer: () => {
      asked += 1;
      return Promise.resolve(given);
    },
  });
});

describe('a token from elsewhere', () => {
  it('whose end nobody knows is used until WeChat refuses it, and then asked for once for all calls', async () => {
    await Promise.all(Array.from({ length: 50 }, call));
    nowMs += 40 * 86_400_000;
    expect((await call()).outcome.kind).toBe('accepted');
    expect(asked).toBe(1);

    good = 'second';
    gives('second');
    const after = await Promise.all(Array.from({ length: 50 }, call));
    expect(after.map(({ outcome }) => outcome.kind)).toEqual(Array(50).fill('accepted'));
    expect(asked).toBe(2);
  });

  it('is asked for again shortly before the end that its server names', async () => {
    gives('first', 7_200_000);
    await call();
    gives((good = 'second'), 7_200_000);
    nowMs += 6_900_000 + 61_000; // five minutes before, and the jitter
    expect((await tokens.current(appid)).kind).toBe('token'); // the old one, while the new one is fetched
    await call();
    expect(calls.at(-1)).toBe('second');
  });

  it('that comes again after WeChat refused it stops the app for a minute, without a storm', async () => {
    await call();
    good = 'nobody has it';
    const stopped = await Promise.all(Array.from({ length: 50 }, call));
    for (const { outcome, reply } of stopped) {
      expect(outcome).toEqual({
        kind: 'account_stop',
        errcode: 40001,
        reason: 'the token server at tokens.example gave again the token that WeChat refused',
        resumesAt: new Date(nowMs + sameAgainMs),
      });
      expect(reply.answer.notSent).toBe(true);
    }
    expect(asked).toBe(2);
    const sent = calls.length;
    nowMs += sameAgainMs - 1;
    expect((await call()).outcome.kind).toBe('account_stop');
    expect([asked, calls.length]).toEqual([2, sent]);
  });

  it('is tried once more after that minute: WeChat refuses good ones, too, while they are new', async () => {
    await call();
    good = 'not yet';
    await call();
    good = 'first';
    nowMs += sameAgainMs;
    expect((await call()).outcome.kind).toBe('accepted');
  });

  it('costs nothing while its server is away: nothing of the call is sent, and it is asked once in seconds', async () => {
    given = {
      kind: 'refused',
      answer: {
        ...readReply(200, '{}', 1, []).answer,
        failure: 'refused',
        errmsg: 'the token server is away',
        notSent: true,
      },
    };
    const refused = await Promise.all(Array.from({ length: 20 }, call));
    for (const { outcome, reply } of refused) {
      expect(outcome).toEqual({
        kind: 'unknown',
        reason: 'no token: the token server is away',
        notSent: true,
      });
      expect(reply.answer.notSent).toBe(true);
    }
    expect([asked, calls.length]).toEqual([1, 0]);
    gives('first');
    nowMs += 4_000;
    expect((await call()).outcome.kind).toBe('accepted');
  });

  it('stops the app where its server hands on that WeChat does not trust the platform', async () => {
    given = {
      kind: 'refused',
      answer: {
        ...readReply(200, '{"errcode":61003,"errmsg":"component is not authorized"}', 1, []).answer,
        notSent: true,
      },
    };
    expect((await call()).outcome).toMatchObject({ kind: 'account_stop', errcode: 61003 });
    expect(calls).toEqual([]);
  });

  it('begins afresh with another server, and a late refusal of the old one’s token takes nothing from it', async () => {
    const old = await tokens.current(appid);
    origin = external('https://other.example/');
    gives((good = 'second'));
    expect((await call()).outcome.kind).toBe('accepted');
    if (old.kind === 'token') await tokens.failed(appid, old);
    await call();
    expect(asked).toBe(2);
  });
});

describe('calls without a token', () => {
  beforeEach(() => {
    origin = { mode: 'none' };
  });

  it('have no access_token at all', async () => {
    good = undefined as unknown as string;
    expect((await call()).outcome.kind).toBe('accepted');
    expect(calls).toEqual([undefined]);
    expect(asked).toBe(0);
  });

  it('stop for a minute where WeChat refuses them for a token, and say why', async () => {
    const first = await call();
    expect(first.outcome).toMatchObject({
      kind: 'account_stop',
      reason: expect.stringContaining('the token mode is none') as string,
      resumesAt: new Date(nowMs + sameAgainMs),
    });
    await Promise.all(Array.from({ length: 20 }, call));
    expect(calls).toHaveLength(1);
    nowMs += sameAgainMs;
    good = undefined as unknown as string;
    expect((await call()).outcome.kind).toBe('accepted');
  });
});
