import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startKafka } from './kafka.ts';
import { startPostgres } from './postgres.ts';
import type { LocalService } from './process.ts';
import { startRedis } from './redis.ts';

export type PartsOptions = {
  /** Services that run already; a part with a URL is not started. */
  databaseUrl?: string | undefined;
  kafkaBrokers?: string | undefined;
  redisUrl?: string | undefined;
  needRedis: boolean;
};

export type LocalServices = {
  databaseUrl: string;
  kafkaBrokers: string;
  redisUrl: string | undefined;
  /** The parts that were started here, for tests that restart them. */
  postgres: LocalService | undefined;
  kafka: LocalService | undefined;
  redis: LocalService | undefined;
  stop: () => Promise<void>;
};

const starters = { DATABASE_URL: startPostgres, KAFKA_BROKERS: startKafka, REDIS_URL: startRedis } as const;
export type PartName = keyof typeof starters;

export type StartedParts = {
  /** What runs now: the variable that names it, and its URL. */
  urls: Partial<Record<PartName, string>>;
  failures: Partial<Record<PartName, unknown>>;
  stop: () => Promise<void>;
};

/** Starts all three, side by side; what is missing on this machine keeps none of the others away. */
export async function startEach(): Promise<StartedParts> {
  const dir = await partsFolder();
  const names = Object.keys(starters) as PartName[];
  const results = await Promise.allSettled(names.map((name) => starters[name](dir)));
  const [urls, failures, services]: [StartedParts['urls'], StartedParts['failures'], LocalService[]] = [
    {},
    {},
    [],
  ];
  names.forEach((name, index) => {
    const result = results[index];
    if (result?.status === 'rejected') failures[name] = result.reason;
    if (result?.status !== 'fulfilled') return;
    urls[name] = result.value.url;
    services.push(result.value);
  });
  const stop = async (): Promise<void> => {
    await Promise.all(services.map((service) => service.stop()));
    await rm(dir, { recursive: true, force: true });
  };
  return { urls, failures, stop };
}

async function partsFolder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'fahuo-parts-'));
  await chmod(dir, 0o755);
  return dir;
}

/** Starts what no URL names, side by side, in a temp folder that `stop` removes. */
export async function startParts(options: PartsOptions): Promise<LocalServices> {
  const dir = await partsFolder();
  const started: LocalService[] = [];
  const begin = async (
    wanted: boolean,
    start: (dir: string) => Promise<LocalService>,
  ): Promise<LocalService | undefined> => {
    if (!wanted) return undefined;
    const part = await start(dir);
    started.push(part);
    return part;
  };
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((part) => part.stop()));
    await rm(dir, { recursive: true, force: true });
  };
  const results = await Promise.allSettled([
    begin(options.databaseUrl === undefined, startPostgres),
    begin(options.kafkaBrokers === undefined, startKafka),
    begin(options.needRedis && options.redisUrl === undefined, startRedis),
  ]);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) {
    await Promise.all(started.map((part) => part.stop()));
    throw failed.reason; // the temp folder stays: the error names a log in it
  }
  const [postgres, kafka, redis] = results.map((result) =>
    result.status === 'fulfilled' ? result.value : undefined,
  );
  const url = (given: string | undefined, part: LocalService | undefined) => given ?? part?.url;
  return {
    databaseUrl: url(options.databaseUrl, postgres) ?? '',
    kafkaBrokers: url(options.kafkaBrokers, kafka) ?? '',
    redisUrl: url(options.redisUrl, redis),
    postgres,
    kafka,
    redis,
    stop,
  };
}
