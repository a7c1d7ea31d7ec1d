import { rmSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { createPool, type Pool } from '../../db/client.ts';
import { migrate } from '../../db/migrate.ts';
import { startKafka } from '../../src/parts/kafka.ts';
import { startPostgres } from '../../src/parts/postgres.ts';
import type { LocalService } from '../../src/parts/process.ts';
import { createAdmin, type Admin } from '../../src/kafka/admin.ts';
import type { KafkaConnection } from '../../src/kafka/connection.ts';
import { createLog } from '../../src/log.ts';
import { startFahuo, type FahuoProcess } from '../support/fahuo-process.ts';
import { say } from './numbers.ts';
import { makeDir } from './services.ts';

export const partitions = 8;

/** A Postgres and a Kafka of the bench's own, durability on, and what it does with them. */
export type Bench = {
  dir: string;
  databaseUrl: string;
  brokers: string;
  postgres: LocalService;
  kafka: LocalService | undefined;
  pool: Pool;
  admin: Admin;
  connection: KafkaConnection;
  /** A topic of its own with its two companions, and the environment of a fahuo that uses it. */
  topic: (name: string) => Promise<Record<string, string>>;
  fahuo: (roles: string, env: Record<string, string>) => Promise<FahuoProcess & { pid: number }>;
  stop: () => Promise<void>;
};

const log = createLog({ level: 'silent' });

export async function startBench({ kafka: wantsKafka = true } = {}): Promise<Bench> {
  const dir = makeDir();
  const [postgres, kafka] = await Promise.all([
    startPostgres(dir),
    wantsKafka ? startKafka(dir) : Promise.resolve(undefined),
  ]);
  const databaseUrl = postgres.url;
  await migrate(databaseUrl);
  const pool = createPool({ databaseUrl, max: 32, applicationName: 'bench', onError: () => undefined });
  const brokers = kafka?.url ?? '';
  const connection = { brokers: [brokers], clientId: 'bench' };
  const admin = createAdmin(connection, log);
  const { rows } = await pool.query<{ v: string }>(`select current_setting('server_version') as v`);
  say(
    `${availableParallelism()} cores of ${cpus()[0]?.model.trim()}, Node ${process.version}, Postgres ${rows[0]?.v}, ` +
      `Kafka 4.3.1, one broker, ${partitions} partitions, acks=all, all on this machine`,
  );
  return {
    dir,
    databaseUrl,
    brokers,
    postgres,
    kafka,
    pool,
    admin,
    connection,
    topic: async (name) => {
      for (const one of [name, `${name}.acks`, `${name}.dead-letters`])
        await admin.createTopic(one, partitions);
      return {
        DATABASE_URL: databaseUrl,
        KAFKA_BROKERS: brokers,
        KAFKA_TOPIC: name,
        KAFKA_GROUP: name,
        FAHUO_HTTP_PORT: '0',
        FAHUO_LOG_LEVEL: 'warn',
        ...(process.env['NODE_OPTIONS'] === undefined ? {} : { NODE_OPTIONS: process.env['NODE_OPTIONS'] }),
      };
    },
    fahuo: async (roles, env) => {
      const running = await startFahuo(['run', '--roles', roles], env);
      return { ...running, pid: running.child.pid ?? 0 };
    },
    stop: async () => {
      await pool.end();
      await admin.close().catch(() => undefined);
      await Promise.all([postgres.stop(), kafka?.stop()]);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
