import type { Queryable } from '../../db/client.ts';
import { openToken, sealToken } from './seal.ts';
import type { TokenStore } from '../wechat/token-store.ts';

/** Tokens in Postgres, sealed, for deployments without Redis. */
export function createPostgresTokenStore(
  db: Queryable,
  secretOf: (appid: string) => string | undefined,
): TokenStore {
  const contextOf = (appid: string) => ({ appid, secret: secretOf(appid) ?? '' });
  const readSealed = async (appid: string, mode: string) => {
    const { rows } = await db.query<{ sealed: string; expiresAt: Date }>(
      `select sealed, expires_at as "expiresAt" from fahuo.token
       where appid = $1 and mode = $2 and sealed is not null and expires_at > clock_timestamp()`,
      [appid, mode],
    );
    return rows[0];
  };
  return {
    read: async (appid, mode) => {
      const found = await readSealed(appid, mode);
      const value = found === undefined ? null : openToken(contextOf(appid), found.sealed);
      return found === undefined || value === null ? null : { value, expiresAt: found.expiresAt };
    },
    write: async (appid, mode, value, expiresAt) => {
      await db.query(
        `insert into fahuo.token (appid, mode, sealed, expires_at) values ($1, $2, $3, $4)
         on conflict (appid, mode) do update set sealed = excluded.sealed, expires_at = excluded.expires_at`,
        [appid, mode, sealToken(contextOf(appid), value), expiresAt],
      );
    },
    dropIf: async (appid, mode, value) => {
      const found = await readSealed(appid, mode);
      if (found === undefined || openToken(contextOf(appid), found.sealed) !== value) return;
      await db.query('update fahuo.token set sealed = null where appid = $1 and mode = $2 and sealed = $3', [
        appid,
        mode,
        found.sealed,
      ]);
    },
    ...createLocks(db),
  };
}

/** Locks run by the database's clock. */
const createLocks = (db: Queryable): Pick<TokenStore, 'lock' | 'unlock'> => ({
  lock: async (appid, mode, owner, ttlMs) => {
    const { rowCount } = await db.query(
      `insert into fahuo.token (appid, mode, lock_owner, lock_until)
         values ($1, $2, $3, clock_timestamp() + $4 * interval '1 millisecond')
         on conflict (appid, mode) do update set lock_owner = excluded.lock_owner, lock_until = excluded.lock_until
         where token.lock_until is null or token.lock_until < clock_timestamp()`,
      [appid, mode, owner, ttlMs],
    );
    return rowCount === 1;
  },
  unlock: async (appid, mode, owner) => {
    await db.query(
      'update fahuo.token set lock_until = null where appid = $1 and mode = $2 and lock_owner = $3',
      [appid, mode, owner],
    );
  },
});
