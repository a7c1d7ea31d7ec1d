import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { Redis } from 'ioredis';
import type { Pool } from '../../db/client.ts';
import { bundledCarriers } from '../shipment/carriers.ts';
import { systemClock, systemRandom } from '../clock.ts';
import { readApps, required, type App, type Config } from './config.ts';
import { serveHttp, type Http, type Readiness } from '../http/serve.ts';
import { keepGauges } from '../console/gauges.ts';
import { ping } from '../console/status-store.ts';
import { runConsumer } from '../consumer/run.ts';
import { messageOf } from '../errors.ts';
import type { Admin } from '../kafka/admin.ts';
import { createPublisher } from '../kafka/publisher.ts';
import type { Log } from '../log.ts';
import { createDoorbell } from '../loop.ts';
import { createMetrics, type Metrics } from '../metrics.ts';
import { Opened } from '../opened.ts';
import { defaultRelay, runRelay } from '../relay/run.ts';
import { createPostgresBudget } from '../apps/budget-postgres.ts';
import { keepRates, probeQuotas } from '../apps/rates.ts';
import { runRetention } from '../upload/retention.ts';
import { runUploader } from '../upload/run.ts';
import { defaultTiming } from '../upload/timing.ts';
import { createPostgresTokenStore } from '../apps/tokens-postgres.ts';
import { createWechatClient, type WechatClient } from '../wechat/client.ts';
import { createHttpPools, poolSizes } from '../wechat/http-pools.ts';
import { createRedisBudget } from '../apps/budget-redis.ts';
import type { Budget } from '../apps/budget-memory.ts';
import { createRedisTokenStore } from '../apps/tokens-redis.ts';
import { createTokenSource } from '../wechat/token.ts';
import { ensureTopics, kafkaConnection, openAdmin, openPool, topicsOf } from './services.ts';

export const roles = ['relay', 'consume', 'upload', 'console'] as const;
export type Role = (typeof roles)[number];

export type Running = {
  /** Of /metrics, /livez and /readyz; null without the role console. */
  url: string | null;
  /** Resolves when every role has stopped; rejects when one failed for good. */
  done: Promise<void>;
};

type Context = {
  config: Config;
  log: Log;
  metrics: Metrics;
  pool: Pool;
  instance: string;
  doorbell: ReturnType<typeof createDoorbell>;
};

/**
 * Builds and starts the roles; the one place that knows all of them. They share a pool and a doorbell, nothing else:
 * each runs as well in a process of its own. Whatever was opened is closed when a start fails half-way.
 */
export async function startRoles(
  { config, log }: { config: Config; log: Log },
  wanted: readonly Role[],
  signal: AbortSignal,
): Promise<Running> {
  const opened = new Opened(log);
  try {
    return await openRoles({ config, log, opened }, wanted, signal);
  } catch (error) {
    await opened.close();
    throw error;
  }
}

async function openRoles(
  { config, log, opened }: { config: Config; log: Log; opened: Opened },
  wanted: readonly Role[],
  signal: AbortSignal,
): Promise<Running> {
  const has = (role: Role): boolean => wanted.includes(role);
  checkSettings(config, has);
  const pool = opened.add('postgres', await openPool(config, log, { max: 12, keyLookups: true }), (it) =>
    it.end(),
  );
  const admin = opened.add('kafka admin', openAdmin(config, log), (it) => it.close());
  const parts: Context = {
    config,
    log,
    metrics: createMetrics(config.queryTimeoutMs / 2),
    pool,
    instance: `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`,
    doorbell: createDoorbell(),
  };
  if (has('relay') || has('consume')) await ensureTopics(config, admin, log);
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  const http = has('console')
    ? opened.add('http', await startHttp(parts, admin), (server) => server.stop())
    : null;
  const running = [
    ...(has('relay') ? [relay(parts, admin, stop)] : []),
    ...(has('consume') ? [consume(parts, stop)] : []),
    ...(has('upload') ? [upload(parts, stop)] : []),
    ...(has('console') ? [keepGauges(parts, stop)] : []),
    retention(parts, stop),
  ];
  const done = Promise.allSettled(
    running.map((role) =>
      role.catch((error: unknown) => {
        failed.abort();
        throw error;
      }),
    ),
  ).then(async (results) => {
    await opened.close();
    const failure = results.find((result) => result.status === 'rejected');
    if (failure !== undefined) throw failure.reason;
  });
  return { url: http?.url ?? null, done };
}

/** What a role would fail on later is said before anything is opened. */
function checkSettings(config: Config, has: (role: Role) => boolean): void {
  required(config, 'databaseUrl');
  kafkaConnection(config);
  if (has('upload')) readApps(config);
}

function startHttp({ metrics, pool, config }: Context, admin: Admin): Promise<Http> {
  const state = async (check: Promise<unknown>): Promise<string> =>
    check.then(
      () => 'ok',
      (error: unknown) => messageOf(error),
    );
  const readiness = async (): Promise<Readiness> => {
    const checks = {
      postgres: await state(ping(pool)),
      kafka: await state(admin.partitionCount(config.kafkaTopic)),
    };
    return { ready: Object.values(checks).every((check) => check === 'ok'), checks };
  };
  return serveHttp({ metrics, readiness }, { host: config.httpHost, port: config.httpPort });
}

const hourMs = 3_600_000;
const retentionEveryMs = 600_000;
/** A group that rebalances is silent for less; what comes later all the same is read, and never restated. */
const olderQuietMs = 60_000;

/** In every process, whatever its roles: one of them does it. */
const retention = ({ config, log, pool, instance }: Context, signal: AbortSignal): Promise<void> =>
  runRetention(
    { pool, log },
    {
      instance,
      uploadMs: config.uploadRetentionDays * 24 * hourMs,
      deadLetterMs: config.deadLetterDays * 24 * hourMs,
      outboxMs: config.retentionHours * hourMs,
      olderQuietMs,
      acknowledgements: config.acknowledgements,
      everyMs: retentionEveryMs,
    },
    signal,
  );

function relay(
  { config, log, metrics, pool, instance }: Context,
  admin: Admin,
  signal: AbortSignal,
): Promise<void> {
  return runRelay(
    {
      pool,
      log,
      metrics,
      createPublisher: () => createPublisher(kafkaConnection(config)),
      partitionCount: admin.partitionCount,
    },
    {
      ...defaultRelay,
      databaseUrl: required(config, 'databaseUrl'),
      instance,
      topics: topicsOf(config),
      backOffMaxMs: config.relayRestMs,
      retentionHours: config.retentionHours,
    },
    signal,
  );
}

async function consume(parts: Context, signal: AbortSignal): Promise<void> {
  const { config, log, metrics, pool, doorbell } = parts;
  const topics = topicsOf(config);
  const connection = kafkaConnection(config);
  const opened = new Opened(log);
  const publisher = opened.add('dead-letter producer', createPublisher(connection), (it) => it.close());
  await runConsumer(
    { pool, log, metrics, connection, publisher, doorbell },
    {
      topic: topics.events,
      group: config.kafkaGroup,
      deadLetterTopic: topics.deadLetters,
      sessionTimeoutMs: config.kafkaSessionTimeoutMs,
      carriers: bundledCarriers(),
      maskContacts: config.maskContacts,
      acknowledgements: config.acknowledgements,
    },
    signal,
  ).finally(() => opened.close());
}

async function upload(parts: Context, signal: AbortSignal): Promise<void> {
  const { config, log, metrics, pool, instance, doorbell } = parts;
  const apps = readApps(config);
  const redis = openRedis(config, log);
  const budget = createBudget(parts, redis);
  const wechat = createClient({ config, apps, pool, redis, log });
  const quotaDeps = { pool, budget, wechat, log, clock: systemClock, random: systemRandom };
  const appids = apps.map((app) => app.appid);
  const rates = keepRates(quotaDeps, apps, signal); // before the first call
  const uploader = runUploader(
    { pool, log, metrics, doorbell, budget, wechat, clock: systemClock, random: systemRandom },
    {
      apps: appids,
      instance,
      window: config.window,
      timing: {
        ...defaultTiming,
        leaseMs: config.leaseMs,
        drainMs: config.drainMs,
        notVisibleFirstMs: config.firstRetryMs,
        readAfterMs: config.readAfterMs,
        readGapMs: config.readGapMs,
      },
      callTimeoutMs: config.callTimeoutMs,
      readBeforeFirstSend: config.readBeforeFirstSend,
      deltaApps: new Set(apps.filter((app) => app.parcelLists === 'delta').map((app) => app.appid)),
      acknowledgements: config.acknowledgements,
    },
    signal,
  );
  await Promise.all([rates, uploader, probeQuotas(quotaDeps, appids, signal)]);
  await wechat.close();
  redis?.disconnect();
}

export function openRedis(config: Config, log: Log): Redis | null {
  if (config.redisUrl === undefined) return null;
  const redis = new Redis(config.redisUrl, {
    maxRetriesPerRequest: 1,
    enableOfflineQueue: true,
    // A host that vanishes without a reset: its commands fail soon, and its socket makes room for another.
    connectTimeout: 3_000,
    commandTimeout: 2_000,
    socketTimeout: 5_000,
    keepAlive: 10_000,
  });
  redis.on('error', (error: Error) => log.warn({ err: error.message }, 'redis.connection_lost'));
  return redis;
}

function createBudget({ config, pool, log }: Context, redis: Redis | null): Budget {
  const inPostgres = createPostgresBudget({ pool, log });
  return redis === null
    ? inPostgres
    : createRedisBudget({ redis, keyPrefix: config.redisPrefix, log, fallback: inPostgres });
}

export function createClient({
  config,
  apps,
  pool,
  redis,
  log,
}: {
  config: Config;
  apps: readonly App[];
  /** Keeps tokens where there is no Redis. */
  pool: Pool;
  redis: Redis | null;
  log: Log;
}): WechatClient {
  const http = createHttpPools(
    {
      baseUrl: config.wechatBaseUrl,
      totalTimeoutMs: config.callTimeoutMs,
      headersTimeoutMs: config.callTimeoutMs,
      bodyTimeoutMs: config.callTimeoutMs,
    },
    apps.map(({ appid }) => appid),
    poolSizes(config.window),
  );
  const secrets = new Map(apps.map(({ appid, secret }) => [appid, { secret }]));
  const secretOf = (appid: string): string | undefined => secrets.get(appid)?.secret;
  const store =
    redis === null
      ? createPostgresTokenStore(pool, secretOf)
      : createRedisTokenStore({ redis, keyPrefix: config.redisPrefix, secretOf });
  const tokens = createTokenSource({
    http,
    apps: secrets,
    store,
    clock: systemClock,
    random: systemRandom,
    mode: config.tokenMode,
    log,
  });
  return createWechatClient({ http, tokens, clock: systemClock });
}
