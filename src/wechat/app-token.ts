import { randomUUID } from 'node:crypto';

import type { Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { notSentAnswer, type Answer } from './answer.ts';
import { AppTokenStore } from './app-token-store.ts';
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
import type { FetchedToken } from './token-fetch.ts';
import type { StoredToken, TokenMode, TokenStore } from './token-store.ts';
import { beijingDay } from './token-timing.ts';

export type TokenResult =
  /** An empty value: the calls go without one. */
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
  store: TokenStore;
  clock: Clock;
  random: () => number;
  log?: Log | undefined;
};

/** Whose tokens, and how one is asked for. */
export type AppTokenOrigin = {
  appid: string;
  mode: TokenMode;
  /** Never rejects. */
  fetch: () => Promise<FetchedToken>;
  /** Who gives them, for a reason that a person reads. */
  giver: string;
  /** Where generations begin: above those of what this takes the place of. */
  generation: number;
};

/** The tokens of one app, from wherever they come; see {@link TokenSource}. */
export type AppTokens = {
  current: (signal?: AbortSignal) => Promise<TokenResult>;
  worked: (used: UsedToken) => void;
  failed: (used: UsedToken) => Promise<void>;
  generation: () => number;
};

/** How long an app rests whose token server has nothing better than what WeChat refused: then it is asked again. */
export const sameAgainMs = 60_000;
/** A token whose end nobody knows is used until WeChat refuses it. */
const endlessMs = 100 * 365 * 86_400_000;

/** Within the margin, an instance that does not hold the lock asks the store again after this. */
const recheckMs = 1_000;

/** The tokens of one app: what token-decide.ts decides is done here. T1 … T6: see token.ts. */
export class AppToken implements AppTokens {
  readonly #origin: AppTokenOrigin;
  readonly #options: AppTokenOptions;
  readonly #store: AppTokenStore;
  #state: TokenState;
  #inFlight: Promise<TokenResult> | undefined;
  #lastRefusal: Unavailable = unavailable('refused', { kind: 'token' });
  #fetches: { day: string; count: number } | undefined;

  constructor(origin: AppTokenOrigin, options: AppTokenOptions) {
    const { appid, mode, generation } = origin;
    this.#origin = origin;
    this.#options = options;
    this.#state = { ...freshTokenState, generation };
    this.#store = new AppTokenStore(
      { appid, owner: randomUUID() },
      { ...options, mode, nowMs: () => this.#nowMs() },
    );
  }

  generation(): number {
    return this.#state.generation;
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
    const { dailyFetches, log } = this.#options;
    const { appid, mode, fetch } = this.#origin;
    if (mode === 'plain' && (await this.#countFetch()) > dailyFetches) return this.#refuseForToday();
    const answered = await fetch();
    if (answered.kind === 'refused') return this.#backOffAfter(answered.answer);
    this.#state = fetched(this.#state);
    if (mode === 'external' && answered.value === this.#state.refused) return this.#refuseSameAgain();
    const { value, ttlMs } = answered;
    const token = { value, expiresAt: new Date(this.#nowMs() + (ttlMs ?? endlessMs)) };
    log?.info({ appid, mode, expires_at: ttlMs === null ? 'unknown' : token.expiresAt }, 'token.fetched');
    const result = this.#adopt({ ...token, own: true });
    await this.#store.write(token);
    return result;
  }

  #backOffAfter(answer: Answer): Unavailable {
    const { errcode, errmsg, failure, rid } = answer;
    const { log, clock } = this.#options;
    const { appid, mode } = this.#origin;
    log?.warn({ appid, mode, errcode, failure, rid, err: errmsg ?? undefined }, 'token.refused');
    const outcome = classifyTokenFailure(answer, clock());
    this.#state = fetchFailed(this.#state, outcome.kind !== 'unknown', this.#at());
    this.#lastRefusal = { kind: 'unavailable', answer, outcome };
    return this.#lastRefusal;
  }

  /**
   * WeChat gives its own token again and may mean it; a server that does so has nothing better. After the rest the token
   * is tried once more: WeChat refuses good ones, too, while they are new.
   */
  #refuseSameAgain(): Unavailable {
    const { log } = this.#options;
    const { appid, mode, giver } = this.#origin;
    const untilMs = this.#nowMs() + sameAgainMs;
    const reason = `${giver} gave again the token that WeChat refused`;
    log?.warn({ appid, mode, err: reason }, 'token.refused');
    this.#state = { ...backOffUntil(this.#state, untilMs), refused: null };
    this.#lastRefusal = stoppedUntil(untilMs, reason);
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

/** The app pauses until then; what its token would be is asked again after it. */
export const stoppedUntil = (untilMs: number, reason: string): Unavailable =>
  unavailable('refused', { kind: 'account_stop', errcode: 40001, reason, resumesAt: new Date(untilMs) });

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
