import type { Redis } from 'ioredis';
import type { Pool } from '../../db/client.ts';
import { appSecretOf, type AppSet } from '../apps/app-set.ts';
import type { Budget } from '../apps/budget.ts';
import { createPostgresBudget } from '../apps/budget-postgres.ts';
import { createRedisBudget } from '../apps/budget-redis.ts';
import { createPostgresTokenStore } from '../apps/tokens-postgres.ts';
import { createRedisTokenStore } from '../apps/tokens-redis.ts';
import { systemClock, systemRandom } from '../clock.ts';
import type { Log } from '../log.ts';
import type { Opened } from '../opened.ts';
import { createWechatClient, type WechatClient } from '../wechat/client.ts';
import { createHttpPools, poolSizes } from '../wechat/http-pools.ts';
import type { TokenOrigin } from '../wechat/token-origin.ts';
import { createTokenSource } from '../wechat/token.ts';
import type { Config } from './config.ts';
import { openRedis, reachRedisAtStart } from './redis.ts';

/** What the instances of a deployment share about its apps: in Redis where there is one, in Postgres otherwise. */
type Shared = { config: Config; pool: Pool; redis: Redis | null; log: Log };

export function createBudget({ config, pool, redis, log }: Shared): Budget {
  const inPostgres = createPostgresBudget({ pool, log });
  const { keyPrefix } = config.redis;
  return redis === null ? inPostgres : createRedisBudget({ redis, keyPrefix, log, fallback: inPostgres });
}

export function createClient({
  config,
  apps,
  pool,
  redis,
  log,
}: Shared & { apps: Pick<AppSet, 'of'> }): WechatClient {
  const { baseUrl, callTimeoutMs } = config.wechat;
  const http = createHttpPools(
    {
      baseUrl,
      totalTimeoutMs: callTimeoutMs,
      headersTimeoutMs: callTimeoutMs,
      bodyTimeoutMs: callTimeoutMs,
    },
    poolSizes(config.upload.window),
  );
  const originOf = (appid: string): TokenOrigin | undefined => apps.of(appid)?.token;
  /** What seals a token in a store; a token that comes from elsewhere is in no store. */
  const secretOf = (appid: string): string | undefined => appSecretOf(apps.of(appid));
  const { keyPrefix } = config.redis;
  const store =
    redis === null
      ? createPostgresTokenStore(pool, secretOf)
      : createRedisTokenStore({ redis, keyPrefix, secretOf });
  const tokens = createTokenSource({
    http,
    originOf,
    store,
    clock: systemClock,
    random: systemRandom,
    log,
  });
  return createWechatClient({ http, tokens, clock: systemClock });
}

type Opening = Omit<Shared, 'redis'> & { apps: Pick<AppSet, 'of'>; opened: Opened };

/** The calls of these apps, and the Redis that has their tokens; closed with `opened`. */
export function openWechat({ config, log, pool, apps, opened }: Opening): {
  redis: Redis | null;
  wechat: WechatClient;
} {
  const redis = opened.add('redis', openRedis(config, log), (it) => it?.disconnect());
  const client = createClient({ config, apps, pool, redis, log });
  return { redis, wechat: opened.add('wechat', client, (it) => it.close()) };
}

/** The same for a role, with the budget that its calls come out of. @throws FahuoError as {@link reachRedisAtStart} */
export async function openCalls(given: Opening): Promise<{ budget: Budget; wechat: WechatClient }> {
  const { redis, wechat } = openWechat(given);
  await reachRedisAtStart(redis, given.config, given.log);
  return { wechat, budget: createBudget({ ...given, redis }) };
}
