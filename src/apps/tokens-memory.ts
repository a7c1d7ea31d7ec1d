import type { Clock } from '../clock.ts';
import type { StoredToken, TokenMode, TokenStore } from '../wechat/token-store.ts';

/** Tokens of one process; also what several sources in one process (or test) may share. */
export function createMemoryTokenStore(clock: Clock): TokenStore {
  const tokens = new Map<string, StoredToken>();
  const locks = new Map<string, { owner: string; untilMs: number }>();
  const counts = new Map<string, number>();
  const keyOf = (appid: string, mode: TokenMode): string => `${mode}/${appid}`;
  const nowMs = (): number => clock().getTime();
  return {
    read: (appid, mode) => {
      const token = tokens.get(keyOf(appid, mode));
      return Promise.resolve(token !== undefined && token.expiresAt.getTime() > nowMs() ? token : null);
    },
    write: (appid, mode, value, expiresAt) => {
      tokens.set(keyOf(appid, mode), { value, expiresAt });
      return Promise.resolve();
    },
    dropIf: (appid, mode, value) => {
      if (tokens.get(keyOf(appid, mode))?.value === value) tokens.delete(keyOf(appid, mode));
      return Promise.resolve();
    },
    lock: (appid, mode, owner, ttlMs) => {
      const current = locks.get(keyOf(appid, mode));
      if (current !== undefined && current.untilMs > nowMs()) return Promise.resolve(false);
      locks.set(keyOf(appid, mode), { owner, untilMs: nowMs() + ttlMs });
      return Promise.resolve(true);
    },
    unlock: (appid, mode, owner) => {
      if (locks.get(keyOf(appid, mode))?.owner === owner) locks.delete(keyOf(appid, mode));
      return Promise.resolve();
    },
    countFetch: (appid, mode, day) => {
      const key = `${keyOf(appid, mode)}/${day}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
      return Promise.resolve(counts.get(key) ?? 0);
    },
  };
}
