import { randomUUID } from 'node:crypto';

import { monotonicMs, pause, type Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { notSentAnswer, type Answer } from './answer.ts';
import type { Http } from './http.ts';
import { beijingMidnightAfter, classifyTokenFailure, type Outcome } from './outcome.ts';
import { within } from './redis-script.ts';
import { fetchToken } from './token-fetch.ts';
import type { StoredToken, TokenMode, TokenStore } from './token-store.ts';
import { backoffMs, beijingDay, refreshAtMs } from './token-timing.ts';

/**
 * Access tokens for every app of the deployment.
 *
 * T1 One fetch at a time over all instances, while the store lives: by the holder of its lock.
 * T2 A refresh empties nothing: the old token is used until the new one is in.
 * T3 A holder that dies delays the others by the lock's life at most.
 * T4 Without the store each process fetches for itself, once at a time, with backoff.
 * T5 A token that WeChat refuses is dropped only while it is still the current one.
 */
export type TokenSource = {
  /** A token to use now. `unavailable` says why there is none; nothing of the business call was sent. Never rejects. */
  current: (appid: string, signal?: AbortSignal) => Promise<TokenResult>;
  /** WeChat refused `value` with 40001, 40014 or 42001: the next `current` answers another one. Never rejects. */
  failed: (appid: string, value: string) => Promise<void>;
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
  /** `plain` mode stops here; WeChat's limit is 2,000 a day (facts.md §2.1). */
  dailyFetches?: number;
};

const defaults = {
  lockTtlMs: 5_000,
  fetchTimeoutMs: 4_000,
  pollMs: 50,
  storeTimeoutMs: 1_000,
  storeRestMs: 5_000,
  dailyFetches: 1_900,
};

/** Within the margin, an instance that does not hold the lock looks again after this. */
const recheckMs = 1_000;
/** A token refused this soon after it came is a sign of trouble that another fetch will not cure. */
const quickFailureMs = 10_000;

export function createTokenSource(options: TokenSourceOptions): TokenSource {
  const byApp = new Map(
    [...options.apps].map(([appid, { secret }]) => [appid, new AppToken(appid, secret, options)]),
  );
  return {
    current: (appid, signal) => byApp.get(appid)?.current(signal) ?? Promise.resolve(unconfigured),
    failed: async (appid, value) => byApp.get(appid)?.failed(value),
  };
}

const unconfigured: Unavailable = {
  kind: 'unavailable',
  answer: notSentAnswer('refused', 0),
  outcome: { kind: 'account_stop', errcode: 40013, reason: 'no secret is configured for this appid' },
};

type Held = {
  value: string;
  generation: number;
  obtainedAtMs: number;
  expiresAtMs: number;
  refreshAtMs: number;
};

class AppToken {
  readonly #appid: string;
  readonly #secret: string;
  readonly #options: TokenSourceOptions & typeof defaults;
  readonly #owner = randomUUID();
  #held: Held | undefined;
  #generation = 0;
  #refused: string | undefined;
  #flight: Promise<TokenResult> | undefined;
  #notBeforeMs = 0;
  #refusals = 0;
  #quickFailures = 0;
  #lastRefusal: Unavailable = unavailable('refused', { kind: 'token' });
  #storeRestsUntilMs = 0;
  #fetches = { day: '', count: 0 };

  constructor(appid: string, secret: string, options: TokenSourceOptions) {
    this.#appid = appid;
    this.#secret = secret;
    this.#options = { ...defaults, ...options };
  }

  async current(signal?: AbortSignal): Promise<TokenResult> {
    const nowMs = this.#nowMs();
    const held = this.#held;
    if (held !== undefined && nowMs < held.refreshAtMs) return asResult(held);
    const usable = held !== undefined && nowMs < held.expiresAtMs;
    if (nowMs < this.#notBeforeMs && this.#flight === undefined)
      return usable ? asResult(held) : this.#lastRefusal;
    this.#flight ??= this.#obtain().finally(() => (this.#flight = undefined));
    return usable ? asResult(held) : orAborted(this.#flight, signal);
  }

  async failed(value: string): Promise<void> {
    const held = this.#held;
    if (held?.value !== value) return; // T5
    const nowMs = this.#nowMs();
    this.#held = undefined;
    this.#refused = value;
    this.#quickFailures = nowMs - held.obtainedAtMs < quickFailureMs ? this.#quickFailures + 1 : 0;
    if (this.#quickFailures > 1)
      this.#rest(this.#quickFailures - 1, unavailable('refused', { kind: 'token' }));
    if (nowMs < this.#storeRestsUntilMs) return;
    await this.#store((store) => store.dropIf(this.#appid, this.#options.mode, value)).catch(
      (error: unknown) => this.#leaveStore(error),
    );
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
    const deadlineMs = monotonicMs() + this.#options.lockTtlMs + 2 * this.#options.pollMs;
    for (;;) {
      const stored = await this.#read();
      if (stored !== null && this.#isNews(stored)) return this.#adopt(stored);
      if (
        await this.#store((store) =>
          store.lock(this.#appid, this.#options.mode, this.#owner, this.#options.lockTtlMs),
        )
      ) {
        return this.#refreshAsHolder();
      }
      if (stored !== null) return this.#adopt(stored, this.#nowMs() + recheckMs); // T2
      if (monotonicMs() > deadlineMs)
        return unavailable('timeout', notSent('another instance is fetching the token'));
      await pause(this.#options.pollMs * (0.5 + this.#options.random()));
    }
  }

  /** The lock is kept to its end when WeChat itself said no, so that the instances do not ask one after another. */
  async #refreshAsHolder(): Promise<TokenResult> {
    const stored = await this.#read();
    const result = stored !== null && this.#isNews(stored) ? this.#adopt(stored) : await this.#fetch();
    if (result.kind === 'token' || result.answer.errcode === null) {
      await this.#store((store) => store.unlock(this.#appid, this.#options.mode, this.#owner));
    }
    return result;
  }

  async #fetch(): Promise<TokenResult> {
    const { mode, http, fetchTimeoutMs } = this.#options;
    if (mode === 'plain' && (await this.#countFetch()) > this.#options.dailyFetches)
      return this.#refuseForToday();
    const fetched = await fetchToken(http, {
      appid: this.#appid,
      secret: this.#secret,
      mode,
      timeoutMs: fetchTimeoutMs,
    });
    const now = this.#options.clock();
    if (fetched.kind === 'refused') {
      const { answer } = fetched;
      this.#options.log?.warn(
        { appid: this.#appid, mode, errcode: answer.errcode, failure: answer.failure, rid: answer.rid },
        'token.refused',
      );
      this.#refusals += 1;
      return this.#rest(this.#refusals, {
        kind: 'unavailable',
        answer,
        outcome: classifyTokenFailure(answer, now),
      });
    }
    this.#refusals = 0;
    const token = { value: fetched.value, expiresAt: new Date(now.getTime() + fetched.ttlMs) };
    this.#options.log?.info({ appid: this.#appid, mode, expires_at: token.expiresAt }, 'token.fetched');
    const result = this.#adopt(token);
    await this.#share(token);
    return result;
  }

  async #share(token: StoredToken): Promise<void> {
    if (this.#nowMs() < this.#storeRestsUntilMs) return;
    await this.#store((store) =>
      store.write(this.#appid, this.#options.mode, token.value, token.expiresAt),
    ).catch((error: unknown) => this.#leaveStore(error));
  }

  /** A stored token that is neither the one we hold nor the one that WeChat refused us. */
  #isNews(stored: StoredToken): boolean {
    return stored.value !== this.#held?.value;
  }

  async #read(): Promise<StoredToken | null> {
    const stored = await this.#store((store) => store.read(this.#appid, this.#options.mode));
    return stored === null || stored.value === this.#refused || stored.expiresAt.getTime() <= this.#nowMs()
      ? null
      : stored;
  }

  #adopt(token: StoredToken, refreshAt?: number): TokenResult {
    const nowMs = this.#nowMs();
    const expiresAtMs = token.expiresAt.getTime();
    const same = this.#held?.value === token.value ? this.#held : undefined;
    this.#held = {
      value: token.value,
      generation: same?.generation ?? ++this.#generation,
      obtainedAtMs: same?.obtainedAtMs ?? nowMs,
      expiresAtMs,
      refreshAtMs: refreshAt ?? refreshAtMs(nowMs, expiresAtMs, this.#options.random),
    };
    return asResult(this.#held);
  }

  /** No fetch for a while; until then `current` answers `refusal`, or the token held if it is good. */
  #rest(count: number, refusal: Unavailable): Unavailable {
    this.#notBeforeMs = this.#nowMs() + backoffMs(count, this.#options.random);
    this.#lastRefusal = refusal;
    return refusal;
  }

  #refuseForToday(): Unavailable {
    const now = this.#options.clock();
    const untilMs = beijingMidnightAfter(now).getTime();
    this.#notBeforeMs = untilMs;
    this.#lastRefusal = unavailable('refused', {
      kind: 'throttled',
      scope: 'day',
      retryAfterMs: untilMs - now.getTime(),
    });
    return this.#lastRefusal;
  }

  async #countFetch(): Promise<number> {
    const day = beijingDay(this.#options.clock());
    this.#fetches = this.#fetches.day === day ? { day, count: this.#fetches.count + 1 } : { day, count: 1 };
    if (this.#options.store.countFetch === undefined || this.#nowMs() < this.#storeRestsUntilMs)
      return this.#fetches.count;
    const shared = await this.#store(
      (store) => store.countFetch?.(this.#appid, 'plain', day) ?? Promise.resolve(0),
    ).catch(() => 0);
    return Math.max(shared, this.#fetches.count);
  }

  async #store<T>(work: (store: TokenStore) => Promise<T>): Promise<T> {
    return within(this.#options.storeTimeoutMs, work(this.#options.store));
  }

  #leaveStore(error: unknown): void {
    this.#storeRestsUntilMs = this.#nowMs() + this.#options.storeRestMs;
    this.#options.log?.warn({ appid: this.#appid, err: messageOf(error) }, 'token.store_failed');
  }

  #nowMs(): number {
    return this.#options.clock().getTime();
  }
}

const asResult = (held: Held): TokenResult => ({
  kind: 'token',
  value: held.value,
  generation: held.generation,
});

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
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([flight, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
