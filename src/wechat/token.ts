import { monotonicMs, sleep } from '../clock.ts';
import { notSentAnswer } from './answer.ts';
import {
  AppToken,
  type AppTokenOptions,
  type AppTokenOrigin,
  type AppTokens,
  type TokenResult,
  type TokenTiming,
  type Unavailable,
} from './app-token.ts';
import type { Http } from './http.ts';
import { NoToken } from './no-token.ts';
import type { UsedToken } from './token-decide.ts';
import { fetchToken } from './token-fetch.ts';
import { nameOfServer, type TokenOrigin } from './token-origin.ts';
import { askTokenServer } from './token-server.ts';
import { privateStore } from './token-store.ts';

export type { TokenResult } from './app-token.ts';

/**
 * Access tokens for every app of the deployment.
 *
 * T1 One fetch at a time over all instances, while the store lives: by the holder of its lock.
 * T2 A refresh empties nothing: the old token is used until the new one is in.
 * T3 A holder that dies delays the others by the lock's life at most.
 * T4 Without the store each process fetches for itself, once at a time, with backoff.
 * T5 A token that WeChat refuses is dropped only while it is still the current one.
 * T6 A token is bad when WeChat refuses it; another one is a new chance, also one that another instance brought.
 * T7 An origin that changes (a new secret, another server) begins afresh; what was used before says nothing about it.
 *
 * What is decided in token-decide.ts is done in app-token.ts.
 */
export type TokenSource = {
  /** A token to use now. `unavailable` says why there is none; nothing of the business call was sent. Never rejects. */
  current: (appid: string, signal?: AbortSignal) => Promise<TokenResult>;
  /** WeChat refused this token with 40001, 40014 or 42001: the next `current` answers another one. Never rejects. */
  failed: (appid: string, used: UsedToken) => Promise<void>;
  /** A call got through with this token. */
  worked: (appid: string, used: UsedToken) => void;
};

export type TokenSourceOptions = Omit<AppTokenOptions, keyof TokenTiming> &
  Partial<TokenTiming> & {
    http: Http;
    /** Asked at every use: the same object while nothing changed, undefined for an app that is not configured. */
    originOf: (appid: string) => TokenOrigin | undefined;
    /** For tests: what stands for the servers and commands. */
    askServer?: typeof askTokenServer;
  };

const defaults: TokenTiming = {
  lockTtlMs: 5_000,
  fetchTimeoutMs: 4_000,
  pollMs: 50,
  storeTimeoutMs: 1_000,
  storeBackOffMs: 5_000,
  dailyFetches: 1_900,
  sleep: (ms: number): Promise<void> => sleep(ms),
  monotonic: monotonicMs,
};

export function createTokenSource(options: TokenSourceOptions): TokenSource {
  const known = new Map<string, { origin: TokenOrigin; tokens: AppTokens }>();
  const of = (appid: string): AppTokens | undefined => {
    const origin = options.originOf(appid);
    const held = known.get(appid);
    if (origin === undefined || held?.origin === origin)
      return origin === undefined ? undefined : held?.tokens;
    const tokens = open(options, { appid, origin, generation: held?.tokens.generation() ?? 0 });
    known.set(appid, { origin, tokens });
    return tokens;
  };
  return {
    current: (appid, signal) => of(appid)?.current(signal) ?? Promise.resolve(unconfigured),
    failed: async (appid, used) => of(appid)?.failed(used),
    worked: (appid, used) => of(appid)?.worked(used),
  };
}

type Opening = { appid: string; origin: TokenOrigin; generation: number };

function open(options: TokenSourceOptions, { appid, origin, generation }: Opening): AppTokens {
  if (origin.mode === 'none') return new NoToken(options.clock, generation);
  const timing = { ...defaults, ...options };
  const store = origin.mode === 'external' ? privateStore : options.store;
  return new AppToken(
    { appid, generation, ...givenBy(options, timing, { appid, origin }) },
    { ...timing, store },
  );
}

/** Who gives the tokens of an app, and how it is asked. */
function givenBy(
  { http, clock, askServer = askTokenServer }: TokenSourceOptions,
  { fetchTimeoutMs: timeoutMs }: TokenTiming,
  { appid, origin }: { appid: string; origin: Exclude<TokenOrigin, { mode: 'none' }> },
): Pick<AppTokenOrigin, 'mode' | 'giver' | 'fetch'> {
  const { mode } = origin;
  if (mode === 'external') {
    const { from: server } = origin;
    return { mode, giver: nameOfServer(server), fetch: () => askServer({ server, timeoutMs, clock }) };
  }
  const { secret } = origin;
  return { mode, giver: 'WeChat', fetch: () => fetchToken(http, { appid, secret, mode, timeoutMs }) };
}

const unconfigured: Unavailable = {
  kind: 'unavailable',
  answer: notSentAnswer('refused', 0),
  outcome: { kind: 'account_stop', errcode: 40013, reason: 'this appid is not configured' },
};
