import type { Redis } from 'ioredis';

import { redisScript } from './redis-script.ts';
import { openToken, sealToken, tokenFingerprint, type SealContext } from './seal.ts';
import type { TokenMode, TokenStore } from '../wechat/token-store.ts';

export type RedisTokenStoreOptions = {
  redis: Redis;
  /** Before every key; keeps deployments apart. */
  keyPrefix: string;
  /** The app's secret, from which its sealing key is derived; undefined for an app that is not configured. */
  secretOf: (appid: string) => string | undefined;
};

const dropIfLua = `if redis.call('HGET', KEYS[1], 'fingerprint') == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`;
const unlockLua = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`;
const countLua = `local n = redis.call('INCR', KEYS[1]) if n == 1 then redis.call('EXPIRE', KEYS[1], 172800) end return n`;

/** Tokens in Redis, sealed: one hash a token that Redis drops when it expires, one key a lock. */
export function createRedisTokenStore({ redis, keyPrefix, secretOf }: RedisTokenStoreOptions): TokenStore {
  const dropIf = redisScript(redis, dropIfLua);
  const unlock = redisScript(redis, unlockLua);
  const count = redisScript(redis, countLua);
  const key = (kind: string, appid: string, mode: TokenMode): string =>
    `${keyPrefix}token:${kind}:{${appid}}:${mode}`;
  const contextOf = (appid: string): SealContext => ({ appid, secret: secretOf(appid) ?? '' });
  return {
    read: async (appid, mode) => {
      const { sealed, expires_at: expiresAt } = await redis.hgetall(key('value', appid, mode));
      if (sealed === undefined || expiresAt === undefined) return null;
      const value = openToken(contextOf(appid), sealed);
      return value === null ? null : { value, expiresAt: new Date(Number(expiresAt)) };
    },
    write: async (appid, mode, value, expiresAt) => {
      const context = contextOf(appid);
      const fields = {
        sealed: sealToken(context, value),
        fingerprint: tokenFingerprint(context, value),
        expires_at: expiresAt.getTime(),
      };
      const at = key('value', appid, mode);
      // One transaction: a reader sees the old token or the new one, never none.
      await redis.multi().hset(at, fields).pexpireat(at, expiresAt.getTime()).exec();
    },
    dropIf: async (appid, mode, value) => {
      await dropIf([key('value', appid, mode)], [tokenFingerprint(contextOf(appid), value)]);
    },
    lock: async (appid, mode, owner, ttlMs) =>
      (await redis.set(key('lock', appid, mode), owner, 'PX', ttlMs, 'NX')) === 'OK',
    unlock: async (appid, mode, owner) => {
      await unlock([key('lock', appid, mode)], [owner]);
    },
    countFetch: async (appid, mode, day) => Number(await count([`${key('count', appid, mode)}:${day}`], [])),
  };
}
