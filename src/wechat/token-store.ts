/** Which of WeChat's two interfaces: their tokens are wholly separate (wechat.md §2.1). `external`: a server of somebody's. */
export type TokenMode = 'stable' | 'plain' | 'external';

export type StoredToken = { value: string; expiresAt: Date };

/**
 * Where the instances of one deployment share tokens. Every member may reject when the store is gone; the token
 * source then goes on by itself. `value` is the token in clear: a store that leaves the process seals it.
 */
export type TokenStore = {
  /** The token as last written, null when there is none or it has expired. */
  read: (appid: string, mode: TokenMode) => Promise<StoredToken | null>;
  write: (appid: string, mode: TokenMode, value: string, expiresAt: Date) => Promise<void>;
  /** Deletes the token only if it is still `value`. */
  dropIf: (appid: string, mode: TokenMode, value: string) => Promise<void>;
  /** True when `owner` now holds the lock for at most `ttlMs`; never waits. */
  lock: (appid: string, mode: TokenMode, owner: string, ttlMs: number) => Promise<boolean>;
  /** Releases the lock only if `owner` still holds it. */
  unlock: (appid: string, mode: TokenMode, owner: string) => Promise<void>;
  /** Counts one fetch and answers how many `day` (YYYY-MM-DD) has seen; without it each process counts its own. */
  countFetch?: (appid: string, mode: TokenMode, day: string) => Promise<number>;
};

/**
 * Shares nothing: for tokens of somebody else's server. It is there to be asked by every process, and where there is no
 * AppSecret there is no key that would seal a token in a store.
 */
export const privateStore: TokenStore = {
  read: () => Promise.resolve(null),
  write: () => Promise.resolve(),
  dropIf: () => Promise.resolve(),
  lock: () => Promise.resolve(true),
  unlock: () => Promise.resolve(),
};
