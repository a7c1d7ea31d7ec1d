import { randomUUID } from 'node:crypto';

import { monotonicMs, sleep, type Clock, withTimeout } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { notSentAnswer, type Answer } from './answer.ts';
import type { Http } from './http.ts';
import { beijingMidnightAfter, classifyTokenFailure, type Outcome } from './outcome.ts';

import {
  adopt,
  decideCurrent,
  fetched,
  fetchFailed,
  freshTokenState,
  isNews,
  isUsable,
  looked,
  prove,
  refuse,
  restUntil,
  type TokenState,
  type UsedToken,
} from './token-decide.ts';
import { fetchToken } from './token-fetch.ts';
import type { StoredToken, TokenMode, TokenStore } from './token-store.ts';
import { beijingDay } from './token-timing.ts';

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
 * What follows from what is decided in token-decide.ts; this file has the effects.
 */
export type TokenSource = {
  /** A token to use now. `unavailable` says why there is none; nothing of the business call was sent. Never rejects. */
  current: (appid: string, signal?: AbortSignal) => Promise<TokenResult>;
  /** WeChat refused this token with 40001, 40014 or 42001: the next `current` answers another one. Never rejects. */
  failed: (appid: string, used: UsedToken) => Promise<void>;
  /** A call got through with this token. */
  worked: (appid: string, used: UsedToken) => void;
};

export type TokenResult =
  | { kind: 'token'; value: string; generation: number }
  | { kind: 'unavailable'; answer: Answer; outcome: Outcome };

type Unavailable = Extract<TokenResult, { kind: 'unavailable' }>;

export type TokenSourceOptions = {
  http: Http;
  apps: ReadonlyMap<string, { secret: string }>;
  store: TokenStore;
  clock: Clock;
  random: () => number;
  mode: TokenMode;
  log?: Log;
  /** Longer than `fetchTimeoutMs`, so that a living holder keeps its lock. */
  lockTtlMs?: number;
  fetchTimeoutMs?: number;
  /** How often those who wait for the holder look. */
  pollMs?: number;
  storeTimeoutMs?: number;
  /** How long a store that failed is left alone. */
  storeRestMs?: number;
  /** `plain` mode stops here; WeChat's limit is 2,000 a day (wechat.md §2.1). */
  dailyFetches?: number;
  /** For tests: the wait between two looks, and the clock that bounds them. */
  sleep?: (ms: number) => Promise<void>;
  monotonic?: () => number;
};

const defaults = {
  lockTtlMs: 5_000,
  fetchTimeoutMs: 4_000,
  pollMs: 50,
  storeTimeoutMs: 1_000,
  storeRestMs: 5_000,
  dailyFetches: 1_900,
  sleep: (ms: number): Promise<void> => sleep(ms),
  monotonic: monotonicMs,
};

/** Within the margin, an instance that does not hold the lock looks again after this. */
const recheckMs = 1_000;

export function createTokenSource(options: TokenSourceOptions): TokenSource {
  const byApp = new Map(
    [...options.apps].map(([appid, { secret }]) => [appid, new AppToken(appid, secret, options)]),
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

class AppToken {
  readonly #appid: string;
  readonly #secret: string;
  readonly #options: TokenSourceOptions & typeof defaults;
  readonly #owner = randomUUID();
  #state: TokenState = freshTokenState;
  #flight: Promise<TokenResult> | undefined;
  #lastRefusal: Unavailable = unavailable('refused', { kind: 'token' });
  #storeRestsUntilMs = 0;
  #fetches: { day: string; count: number } | undefined;

  constructor(appid: string, secret: string, options: TokenSourceOptions) {
    this.#appid = appid;
    this.#secret = secret;
    this.#options = { ...defaults, ...options };
  }

  async current(signal?: AbortSignal): Promise<TokenResult> {
    const next = decideCurrent(this.#state, this.#nowMs());
    switch (next.kind) {
      case 'use':
        return asResult(next.token);
      case 'refresh':
        void this.#once(() => this.#obtain());
        return asResult(next.token);
      case 'obtain':
        return orAborted(
          this.#once(() => this.#obtain()),
          signal,
        );
      case 'look':
        return orAborted(
          this.#once(() => this.#look()),
          signal,
        );
      case 'rest':
        return this.#flight === undefined ? this.#lastRefusal : orAborted(this.#flight, signal);
    }
  }

  worked(used: UsedToken): void {
    this.#state = prove(this.#state, used);
  }

  async failed(used: UsedToken): Promise<void> {
    const after = refuse(this.#state, used, this.#at());
    if (after === null) return; // T5
    this.#state = after;
    this.#lastRefusal = unavailable('refused', { kind: 'token' });
    await this.#tellStore((store) => store.dropIf(this.#appid, this.#options.mode, used.value));
  }

  /** One errand at a time; whoever comes meanwhile waits for the same. */
  #once(errand: () => Promise<TokenResult>): Promise<TokenResult> {
    this.#flight ??= errand().finally(() => (this.#flight = undefined));
    return this.#flight;
  }

  /** T6 No fetch while it rests; but another instance may have a good token, and a rest is no reason to miss it. */
  async #look(): Promise<TokenResult> {
    const nowMs = this.#nowMs();
    this.#state = looked(this.#state, nowMs);
    if (nowMs < this.#storeRestsUntilMs) return this.#lastRefusal;
    try {
      const stored = await this.#read();
      return stored === null ? this.#lastRefusal : this.#adopt({ ...stored, own: false });
    } catch (error) {
      this.#leaveStore(error);
      return this.#lastRefusal;
    }
  }

  /** Never rejects: what the store throws ends in a fetch of our own (T4). */
  async #obtain(): Promise<TokenResult> {
    if (this.#nowMs() < this.#storeRestsUntilMs) return this.#fetch();
    try {
      return await this.#obtainShared();
    } catch (error) {
      this.#leaveStore(error);
      return this.#fetch();
    }
  }

  async #obtainShared(): Promise<TokenResult> {
    const { pollMs, lockTtlMs, mode, sleep, monotonic, random } = this.#options;
    const deadlineMs = monotonic() + lockTtlMs + 2 * pollMs;
    for (;;) {
      const stored = await this.#read();
      if (stored !== null && isNews(this.#state, stored, this.#nowMs()))
        return this.#adopt({ ...stored, own: false });
      if (await this.#store((store) => store.lock(this.#appid, mode, this.#owner, lockTtlMs)))
        return this.#refreshAsHolder();
      if (stored !== null)
        return this.#adopt({ ...stored, own: false, refreshAtMs: this.#nowMs() + recheckMs }); // T2
      if (monotonic() > deadlineMs)
        return unavailable('timeout', notSent('another instance is fetching the token'));
      await sleep(pollMs * (0.5 + random()));
    }
  }

  /** The lock is kept to its end when WeChat itself said no, so that the instances do not ask one after another. */
  async #refreshAsHolder(): Promise<TokenResult> {
    const stored = await this.#read();
    const news = stored !== null && isNews(this.#state, stored, this.#nowMs());
    const result = news ? this.#adopt({ ...stored, own: false }) : await this.#fetch();
    if (result.kind === 'token' || result.answer.errcode === null) {
      await this.#store((store) => store.unlock(this.#appid, this.#options.mode, this.#owner));
    }
    return result;
  }

  async #fetch(): Promise<TokenResult> {
    const { mode, http, fetchTimeoutMs, dailyFetches } = this.#options;
    if (mode === 'plain' && (await this.#countFetch()) > dailyFetches) return this.#refuseForToday();
    const app = { appid: this.#appid, secret: this.#secret, mode, timeoutMs: fetchTimeoutMs };
    const answered = await fetchToken(http, app);
    if (answered.kind === 'refused') return this.#restAfter(answered.answer);
    this.#state = fetched(this.#state);
    const token = { value: answered.value, expiresAt: new Date(this.#nowMs() + answered.ttlMs) };
    this.#options.log?.info({ appid: this.#appid, mode, expires_at: token.expiresAt }, 'token.fetched');
    const result = this.#adopt({ ...token, own: true });
    await this.#tellStore((store) => store.write(this.#appid, mode, token.value, token.expiresAt));
    return result;
  }

  #restAfter(answer: Answer): Unavailable {
    const { errcode, failure, rid } = answer;
    const { log, mode, clock } = this.#options;
    log?.warn({ appid: this.#appid, mode, errcode, failure, rid }, 'token.refused');
    const outcome = classifyTokenFailure(answer, clock());
    this.#state = fetchFailed(this.#state, outcome.kind !== 'unknown', this.#at());
    this.#lastRefusal = { kind: 'unavailable', answer, outcome };
    return this.#lastRefusal;
  }

  async #tellStore(work: (store: TokenStore) => Promise<void>): Promise<void> {
    if (this.#nowMs() < this.#storeRestsUntilMs) return;
    await this.#store(work).catch((error: unknown) => this.#leaveStore(error));
  }

  async #read(): Promise<StoredToken | null> {
    const stored = await this.#store((store) => store.read(this.#appid, this.#options.mode));
    return stored !== null && isUsable(this.#state, stored, this.#nowMs()) ? stored : null;
  }

  #adopt(token: StoredToken & { own: boolean; refreshAtMs?: number }): TokenResult {
    const state = adopt(this.#state, token, this.#at());
    this.#state = state;
    return asResult(state.cached);
  }

  #refuseForToday(): Unavailable {
    const now = this.#options.clock();
    const untilMs = beijingMidnightAfter(now).getTime();
    this.#state = restUntil(this.#state, untilMs);
    this.#lastRefusal = unavailable('refused', {
      kind: 'throttled',
      scope: 'day',
      retryAfterMs: untilMs - now.getTime(),
    });
    return this.#lastRefusal;
  }

  async #countFetch(): Promise<number> {
    const day = beijingDay(this.#options.clock());
    const own = this.#fetches?.day === day ? this.#fetches.count + 1 : 1;
    this.#fetches = { day, count: own };
    const { countFetch } = this.#options.store;
    if (countFetch === undefined || this.#nowMs() < this.#storeRestsUntilMs) return own;
    const shared = await this.#store(() => countFetch(this.#appid, 'plain', day)).catch(() => 0);
    return Math.max(shared, own);
  }

  async #store<T>(work: (store: TokenStore) => Promise<T>): Promise<T> {
    return withTimeout(this.#options.storeTimeoutMs, work(this.#options.store));
  }

  #leaveStore(error: unknown): void {
    this.#storeRestsUntilMs = this.#nowMs() + this.#options.storeRestMs;
    this.#options.log?.warn({ appid: this.#appid, err: messageOf(error) }, 'token.store_failed');
  }

  #nowMs(): number {
    return this.#options.clock().getTime();
  }

  #at(): { nowMs: number; random: () => number } {
    return { nowMs: this.#nowMs(), random: this.#options.random };
  }
}

const asResult = ({ value, generation }: UsedToken): TokenResult => ({ kind: 'token', value, generation });

const notSent = (reason: string): Outcome => ({ kind: 'unknown', reason, notSent: true });

const unavailable = (failure: NonNullable<Answer['failure']>, outcome: Outcome): Unavailable => ({
  kind: 'unavailable',
  answer: notSentAnswer(failure, 0),
  outcome,
});

/** One caller's abort ends its own wait, not the fetch that others share. */
async function orAborted(flight: Promise<TokenResult>, signal?: AbortSignal): Promise<TokenResult> {
  if (signal === undefined) return flight;
  const aborted = Promise.withResolvers<TokenResult>();
  const onAbort = (): void =>
    aborted.resolve(unavailable('aborted', notSent('stopped while waiting for a token')));
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort);
  try {
    return await Promise.race([flight, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
