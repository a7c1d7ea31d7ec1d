import { withTimeout } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { StoredToken, TokenMode, TokenStore } from './token-store.ts';

export type AppTokenStoreOptions = {
  store: TokenStore;
  mode: TokenMode;
  log?: Log | undefined;
  lockTtlMs: number;
  storeTimeoutMs: number;
  storeBackOffMs: number;
  nowMs: () => number;
};

/**
 * The shared store as one app uses it. A store that fails or is silent is left alone for a while: meanwhile the token
 * source goes on by itself (T4).
 */
export class AppTokenStore {
  readonly #app: { appid: string; owner: string };
  readonly #options: AppTokenStoreOptions;
  #backOffUntilMs = 0;

  constructor(app: { appid: string; owner: string }, options: AppTokenStoreOptions) {
    this.#app = app;
    this.#options = options;
  }

  isLeftAlone(): boolean {
    return this.#options.nowMs() < this.#backOffUntilMs;
  }

  leave(error: unknown): void {
    const { storeBackOffMs, log, nowMs } = this.#options;
    this.#backOffUntilMs = nowMs() + storeBackOffMs;
    log?.warn({ appid: this.#app.appid, err: messageOf(error) }, 'token.store_failed');
  }

  /** Rejects when the store is away. */
  read(): Promise<StoredToken | null> {
    return this.#ask((store, mode) => store.read(this.#app.appid, mode));
  }

  /** Rejects when the store is away. */
  lock(): Promise<boolean> {
    return this.#ask((store, mode) =>
      store.lock(this.#app.appid, mode, this.#app.owner, this.#options.lockTtlMs),
    );
  }

  /** Rejects when the store is away. */
  unlock(): Promise<void> {
    return this.#ask((store, mode) => store.unlock(this.#app.appid, mode, this.#app.owner));
  }

  /** Never rejects. */
  write(token: StoredToken): Promise<void> {
    return this.#askOrLeave((store, mode) =>
      store.write(this.#app.appid, mode, token.value, token.expiresAt),
    );
  }

  /** Never rejects. */
  dropIf(value: string): Promise<void> {
    return this.#askOrLeave((store, mode) => store.dropIf(this.#app.appid, mode, value));
  }

  /** Counts one fetch; 0 when the store does not count, or is away. Never rejects. */
  async countFetch(day: string): Promise<number> {
    const { store, mode } = this.#options;
    const { countFetch } = store;
    if (countFetch === undefined || this.isLeftAlone()) return 0;
    return this.#ask(() => countFetch(this.#app.appid, mode, day)).catch(() => 0);
  }

  async #askOrLeave(work: (store: TokenStore, mode: TokenMode) => Promise<void>): Promise<void> {
    if (this.isLeftAlone()) return;
    await this.#ask(work).catch((error: unknown) => this.leave(error));
  }

  async #ask<T>(work: (store: TokenStore, mode: TokenMode) => Promise<T>): Promise<T> {
    const { store, mode, storeTimeoutMs } = this.#options;
    return withTimeout(storeTimeoutMs, work(store, mode));
  }
}
