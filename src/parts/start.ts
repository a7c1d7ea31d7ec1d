import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startKafka, type KafkaOptions } from './kafka.ts';
import { startMariadb } from './mariadb.ts';
import { startPostgres } from './postgres.ts';
import type { LocalService } from './process.ts';
import { startRedis } from './redis.ts';

export type PartsOptions = {
  /** Services that run already; a part with a URL is not started. */
  databaseUrl?: string | undefined;
  kafkaBrokers?: string | undefined;
  redisUrl?: string | undefined;
  mysqlUrl?: string | undefined;
  /** What version of Kafka is started, and with what. */
  kafka?: KafkaOptions;
  needRedis: boolean;
  /** An order database of a shop: whoever adopts one wants it, and nobody else. */
  needMysql?: boolean;
  /** Aborted by a Ctrl-C, which ends what is just starting as well: such a failure leaves no folder. */
  signal?: AbortSignal;
};

export type LocalServices = {
  databaseUrl: string;
  kafkaBrokers: string;
  redisUrl: string | undefined;
  mysqlUrl: string | undefined;
  /** The parts that were started here, for tests that restart them. */
  postgres: LocalService | undefined;
  kafka: LocalService | undefined;
  redis: LocalService | undefined;
  mysql: LocalService | undefined;
  stop: () => Promise<void>;
};

const starters = {
  DATABASE_URL: (dir: string) => startPostgres(dir),
  KAFKA_BROKERS: startKafka,
  REDIS_URL: (dir: string) => startRedis(dir),
  MYSQL_URL: (dir: string) => startMariadb(dir),
} as const;
export type PartName = keyof typeof starters;
const partNames = Object.keys(starters) as PartName[];
/** What fahuo itself needs: MySQL is a shop's. */
export const ownParts: readonly PartName[] = ['DATABASE_URL', 'KAFKA_BROKERS', 'REDIS_URL'];

export type StartedParts = {
  services: Partial<Record<PartName, LocalService>>;
  failures: Partial<Record<PartName, unknown>>;
  /** Ends the services. Their folder stays, with their logs. */
  end: () => Promise<void>;
  /** Ends the services and removes their folder. */
  stop: () => Promise<void>;
};

/** Starts the parts side by side, in a temp folder; one that cannot start keeps none of the others away. */
export async function startEach(
  names: readonly PartName[] = ownParts,
  kafka: KafkaOptions = {},
): Promise<StartedParts> {
  const dir = await mkdtemp(join(tmpdir(), 'fahuo-parts-'));
  await chmod(dir, 0o755);
  const services: StartedParts['services'] = {};
  const failures: StartedParts['failures'] = {};
  const results = await Promise.allSettled(names.map((name) => starters[name](dir, kafka)));
  for (const [index, name] of names.entries()) {
    const result = results[index];
    if (result?.status === 'fulfilled') services[name] = result.value;
    else failures[name] = result?.reason;
  }
  const end = async (): Promise<void> => {
    await Promise.all(Object.values(services).map((service) => service.stop()));
  };
  const stop = async (): Promise<void> => {
    await end();
    await rm(dir, { recursive: true, force: true });
  };
  return { services, failures, end, stop };
}

/** Starts what no URL names, in a temp folder that `stop` removes. Rejects with what the first failure said. */
export async function startParts(options: PartsOptions): Promise<LocalServices> {
  const given = {
    DATABASE_URL: options.databaseUrl,
    KAFKA_BROKERS: options.kafkaBrokers,
    REDIS_URL: options.redisUrl,
    MYSQL_URL: options.mysqlUrl,
  };
  const needed = { DATABASE_URL: true, KAFKA_BROKERS: true, REDIS_URL: options.needRedis };
  const isWanted = (name: PartName): boolean =>
    given[name] === undefined && { ...needed, MYSQL_URL: options.needMysql === true }[name];
  const { services, failures, end, stop } = await startEach(partNames.filter(isWanted), options.kafka);
  const [failure] = Object.values(failures);
  if (failure !== undefined) {
    // The temp folder stays, unless somebody wanted the end: the error names a log in it.
    await (options.signal?.aborted === true ? stop() : end());
    throw failure as Error;
  }
  const urlOf = (name: PartName): string | undefined => given[name] ?? services[name]?.url;
  return {
    databaseUrl: urlOf('DATABASE_URL') ?? '',
    kafkaBrokers: urlOf('KAFKA_BROKERS') ?? '',
    redisUrl: urlOf('REDIS_URL'),
    mysqlUrl: urlOf('MYSQL_URL'),
    postgres: services.DATABASE_URL,
    kafka: services.KAFKA_BROKERS,
    redis: services.REDIS_URL,
    mysql: services.MYSQL_URL,
    stop,
  };
}
