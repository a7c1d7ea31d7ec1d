import { randomUUID } from 'node:crypto';

import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { notSentAnswer, type Answer } from './answer.ts';
import { AppTokenStore } from './app-token-store.ts';
import type { Http } from './http.ts';
import { beijingMidnightAfter, classifyTokenFailure, type Outcome } from './outcome.ts';
import {
  adopt,
  backOffUntil,
  decideCurrent,
  fetched,
  fetchFailed,
  freshTokenState,
  isNews,
  isUsable,
  prove,
  refuse,
  storeChecked,
  type TokenState,
  type UsedToken,
} from './token-decide.ts';
import { fetchToken } from './token-fetch.ts';
import type { StoredToken, TokenMode, TokenStore } from './token-store.ts';
import { beijingDay } from './token-timing.ts';

export type TokenResult =
  | { kind: 'token'; value: string; generation: number }
  | { kind: 'unavailable'; answer: Answer; outcome: Outcome };

export type Unavailable = Extract<TokenResult, { kind: 'unavailable' }>;

export type TokenTiming = {
  /** Longer than `fetchTimeoutMs`, so that a living holder keeps its lock. */
  lockTtlMs: number;
  fetchTimeoutMs: number;
  /** How often those who wait for the holder ask the store. */
  pollMs: number;
  storeTimeoutMs: number;
  /** How long a store that failed is left alone. */
  storeBackOffMs: number;
  /** `plain` mode stops here; WeChat's limit is 2,000 a day (wechat.md §2.1). */
  dailyFetches: number;
  /** For tests: the wait between two questions to the store, and the clock that bounds them. */
  sleep: (ms: number) => Promise<void>;
  monotonic: () => number;
};

export type AppTokenOptions = TokenTiming & {
  http: Http;
  store: TokenStore;
  clock: Clock;
  random: () => number;
  mode: TokenMode;
  log?: Log;
};

/** Within the margin, an instance that does not hold the lock asks the store again after this. */
const recheckMs = 1_000;

/** The tokens of one app: what token-decide.ts decides is done here. T1 … T6: see token.ts. */
export class AppToken {
  readonly #app: { appid: string; secret: string };
  readonly #options: AppTokenOptions;
  readonly #store: AppTokenStore;
  #state: TokenState = freshTokenState;
  #inFlight: Promise<TokenResult> | undefined;
  #lastRefusal: Unavailable = unavailable('refused', { kind: 'token' });
  #fetches: { day: string; count: number } | undefined;

  constructor(app: { appid: string; secret: string }, options: AppTokenOptions) {
    this.#app = app;
    this.#options = options;
    this.#store = new AppTokenStore(
      { appid: app.appid, owner: randomUUID() },
      { ...options, nowMs: () => this.#nowMs() },
    );
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
      case 'check_store':
        return orAborted(
          this.#once(() => this.#checkStore()),
          signal,
        );
      case 'back_off':
        return this.#inFlight === undefined ? this.#lastRefusal : orAborted(this.#inFlight, signal);
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
    await this.#store.dropIf(used.value);
  }

  /** One errand at a time; whoever comes meanwhile waits for the same. */
  #once(errand: () => Promise<TokenResult>): Promise<TokenResult> {
    this.#inFlight ??= errand().finally(() => (this.#inFlight = undefined));
    return this.#inFlight;
  }

  /** T6 No fetch while it backs off; but another instance may have a good token, and that is no reason to miss it. */
  async #checkStore(): Promise<TokenResult> {
    this.#state = storeChecked(this.#state, this.#nowMs());
    if (this.#store.isLeftAlone()) return this.#lastRefusal;
    try {
      const stored = await this.#readUsable();
      return stored === null ? this.#lastRefusal : this.#adopt({ ...stored, own: false });
    } catch (error) {
      this.#store.leave(error);
      return this.#lastRefusal;
    }
  }

  /** Never rejects: what the store throws ends in a fetch of our own (T4). */
  async #obtain(): Promise<TokenResult> {
    if (this.#store.isLeftAlone()) return this.#fetch();
    try {
      return await this.#obtainShared();
    } catch (error) {
      this.#store.leave(error);
      return this.#fetch();
    }
  }

  async #obtainShared(): Promise<TokenResult> {
    const { pollMs, lockTtlMs, sleep, monotonic, random } = this.#options;
    const deadlineMs = monotonic() + lockTtlMs + 2 * pollMs;
    for (;;) {
      const stored = await this.#readUsable();
      if (stored !== null && isNews(this.#state, stored, this.#nowMs()))
        return this.#adopt({ ...stored, own: false });
      if (await this.#store.lock()) return this.#refreshAsHolder();
      if (stored !== null)
        return this.#adopt({ ...stored, own: false, refreshAtMs: this.#nowMs() + recheckMs }); // T2
      if (monotonic() > deadlineMs)
        return unavailable('timeout', notSent('another instance is fetching the token'));
      await sleep(pollMs * (0.5 + random()));
    }
  }

  /** The lock is kept to its end when WeChat itself said no, so that the instances do not ask one after another. */
  async #refreshAsHolder(): Promise<TokenResult> {
    const stored = await this.#readUsable();
    const news = stored !== null && isNews(this.#state, stored, this.#nowMs());
    const result = news ? this.#adopt({ ...stored, own: false }) : await this.#fetch();
    if (result.kind === 'token' || result.answer.errcode === null) await this.#store.unlock();
    return result;
  }

  async #fetch(): Promise<TokenResult> {
    const { mode, http, fetchTimeoutMs, dailyFetches, log } = this.#options;
    if (mode === 'plain' && (await this.#countFetch()) > dailyFetches) return this.#refuseForToday();
    const answered = await fetchToken(http, { ...this.#app, mode, timeoutMs: fetchTimeoutMs });
    if (answered.kind === 'refused') return this.#backOffAfter(answered.answer);
    this.#state = fetched(this.#state);
    const token = { value: answered.value, expiresAt: new Date(this.#nowMs() + answered.ttlMs) };
    log?.info({ appid: this.#app.appid, mode, expires_at: token.expiresAt }, 'token.fetched');
    const result = this.#adopt({ ...token, own: true });
    await this.#store.write(token);
    return result;
  }

  #backOffAfter(answer: Answer): Unavailable {
    const { errcode, failure, rid } = answer;
    const { log, mode, clock } = this.#options;
    log?.warn({ appid: this.#app.appid, mode, errcode, failure, rid }, 'token.refused');
    const outcome = classifyTokenFailure(answer, clock());
    this.#state = fetchFailed(this.#state, outcome.kind !== 'unknown', this.#at());
    this.#lastRefusal = { kind: 'unavailable', answer, outcome };
    return this.#lastRefusal;
  }

  #refuseForToday(): Unavailable {
    const now = this.#options.clock();
    const untilMs = beijingMidnightAfter(now).getTime();
    this.#state = backOffUntil(this.#state, untilMs);
    const retryAfterMs = untilMs - now.getTime();
    this.#lastRefusal = unavailable('refused', { kind: 'throttled', scope: 'day', retryAfterMs });
    return this.#lastRefusal;
  }

  async #countFetch(): Promise<number> {
    const day = beijingDay(this.#options.clock());
    const own = this.#fetches?.day === day ? this.#fetches.count + 1 : 1;
    this.#fetches = { day, count: own };
    return Math.max(own, await this.#store.countFetch(day));
  }

  async #readUsable(): Promise<StoredToken | null> {
    const stored = await this.#store.read();
    return stored !== null && isUsable(this.#state, stored, this.#nowMs()) ? stored : null;
  }

  #adopt(token: StoredToken & { own: boolean; refreshAtMs?: number }): TokenResult {
    const state = adopt(this.#state, token, this.#at());
    this.#state = state;
    return asResult(state.cached);
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
async function orAborted(inFlight: Promise<TokenResult>, signal?: AbortSignal): Promise<TokenResult> {
  if (signal === undefined) return inFlight;
  const aborted = Promise.withResolvers<TokenResult>();
  const onAbort = (): void =>
    aborted.resolve(unavailable('aborted', notSent('stopped while waiting for a token')));
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort);
  try {
    return await Promise.race([inFlight, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
