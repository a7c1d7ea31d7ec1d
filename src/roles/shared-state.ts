import type { Redis } from 'ioredis';
import type { Pool } from '../../db/client.ts';
import type { Budget } from '../apps/budget.ts';
import { createPostgresBudget } from '../apps/budget-postgres.ts';
import { createRedisBudget } from '../apps/budget-redis.ts';
import { createPostgresTokenStore } from '../apps/tokens-postgres.ts';
import { createRedisTokenStore } from '../apps/tokens-redis.ts';
import { systemClock, systemRandom } from '../clock.ts';
import type { Log } from '../log.ts';
import { createWechatClient, type WechatClient } from '../wechat/client.ts';
import { createHttpPools, poolSizes } from '../wechat/http-pools.ts';
import { createTokenSource } from '../wechat/token.ts';
import type { App } from './apps.ts';
import type { Config } from './config.ts';

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
}: Shared & { apps: readonly App[] }): WechatClient {
  const { baseUrl, callTimeoutMs, tokenMode } = config.wechat;
  const http = createHttpPools(
    {
      baseUrl,
      totalTimeoutMs: callTimeoutMs,
      headersTimeoutMs: callTimeoutMs,
      bodyTimeoutMs: callTimeoutMs,
    },
    apps.map(({ appid }) => appid),
    poolSizes(config.upload.window),
  );
  const secrets = new Map(apps.map(({ appid, secret }) => [appid, { secret }]));
  const secretOf = (appid: string): string | undefined => secrets.get(appid)?.secret;
  const { keyPrefix } = config.redis;
  const store =
    redis === null
      ? createPostgresTokenStore(pool, secretOf)
      : createRedisTokenStore({ redis, keyPrefix, secretOf });
  const tokens = createTokenSource({
    http,
    apps: secrets,
    store,
    clock: systemClock,
    random: systemRandom,
    mode: tokenMode,
    log,
  });
  return createWechatClient({ http, tokens, clock: systemClock });
}
