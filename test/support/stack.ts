import { inject } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createAdmin, type Admin } from '../../src/kafka/admin.ts';
import type { KafkaConnection } from '../../src/kafka/connection.ts';
import { createLog } from '../../src/log.ts';
import { createSandbox, type SandboxOptions } from '../../src/sandbox/run.ts';
import { createDatabase, type TestDatabase } from './database.ts';
import { runFahuo, startFahuo, type FahuoProcess } from './fahuo-process.ts';
import { uniqueName } from './names.ts';

export { effectsOf, statsOf, tellSandbox } from './sandbox-client.ts';

export const appid = 'wx0123456789abcdef';

/** One deployment of its own on the run's services: database, topics, sandbox, and fahuo processes. */
export type Stack = {
  database: TestDatabase;
  topic: string;
  connection: KafkaConnection;
  admin: Admin;
  wechat: string;
  env: Record<string, string>;
  /** Starts `fahuo run` and waits until it says so. */
  start: (options?: { roles?: string; env?: Record<string, string> }) => Promise<FahuoProcess>;
  /** Runs one command to its end. */
  run: (...args: string[]) => Promise<{ code: number | null; stdout: string; stderr: string }>;
  close: () => Promise<void>;
};

const quiet = createLog({ level: 'silent' });

export async function createStack(
  options: {
    sandbox?: SandboxOptions;
    partitions?: number;
    env?: Record<string, string>;
    /** Services of the test's own, to be killed and restarted; the run's otherwise. */
    services?: { databaseUrl: string; kafkaBrokers: string };
  } = {},
): Promise<Stack> {
  const brokers = options.services?.kafkaBrokers ?? inject('kafkaBrokers');
  const database = await createDatabase(options.services?.databaseUrl);
  const topic = uniqueName('shipments');
  const connection = { brokers: brokers.split(','), clientId: 'test' };
  const admin = createAdmin(connection, quiet);
  for (const name of [topic, `${topic}.acks`, `${topic}.dead-letters`])
    await admin.createTopic(name, options.partitions ?? 4);
  const sandbox = await createSandbox({ autoCreatePayments: true, ...options.sandbox }, systemClock);
  const env = {
    DATABASE_URL: database.url,
    KAFKA_BROKERS: brokers,
    KAFKA_TOPIC: topic,
    KAFKA_GROUP: topic,
    // Brokers that we start allow less than six seconds.
    KAFKA_SESSION_TIMEOUT_MS: process.env['KAFKA_BROKERS'] === undefined ? '1000' : '6000',
    WECHAT_BASE_URL: sandbox.url,
    WECHAT_APPID: appid,
    WECHAT_SECRET: 'secret',
    FAHUO_HTTP_PORT: '0',
    FAHUO_LOG_LEVEL: 'warn',
    FAHUO_CALL_TIMEOUT_MS: '1000',
    FAHUO_LEASE_MS: '3000',
    FAHUO_DRAIN_MS: '3000',
    FAHUO_READ_AFTER_MS: '50',
    FAHUO_READ_GAP_MS: '150',
    FAHUO_FIRST_RETRY_MS: '200',
    ...options.env,
  };
  const running = new Set<FahuoProcess>();
  return {
    database,
    topic,
    connection,
    admin,
    wechat: sandbox.url,
    env,
    start: async ({ roles = 'relay,consume,upload,console', env: more = {} } = {}) => {
      const process = await startFahuo(['run', '--roles', roles], { ...env, ...more });
      running.add(process);
      return process;
    },
    run: (...args) => runFahuo(args, env),
    close: async () => {
      await Promise.all([...running].map((process) => process.kill()));
      await sandbox.stop();
      await admin.close();
      await database.drop();
    },
  };
}
