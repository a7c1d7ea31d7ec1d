import { monotonicMs, sleep } from '../clock.ts';
import { notSentAnswer } from './answer.ts';
import {
  AppToken,
  type AppTokenOptions,
  type TokenResult,
  type TokenTiming,
  type Unavailable,
} from './app-token.ts';
import type { UsedToken } from './token-decide.ts';

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
  Partial<TokenTiming> & { apps: ReadonlyMap<string, { secret: string }> };

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
  const byApp = new Map(
    [...options.apps].map(([appid, { secret }]) => [
      appid,
      new AppToken({ appid, secret }, { ...defaults, ...options }),
    ]),
  );
  return {
    current: (appid, signal) => byApp.get(appid)?.current(signal) ?? Promise.resolve(unconfigured),
    failed: async (appid, used) => byApp.get(appid)?.failed(used),
    worked: (appid, used) => byApp.get(appid)?.worked(used),
  };
}

const unconfigured: Unavailable = {
  kind: 'unavailable',
  answer: notSentAnswer('refused', 0),
  outcome: { kind: 'account_stop', errcode: 40013, reason: 'no secret is configured for this appid' },
};
