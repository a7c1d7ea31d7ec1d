import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { inject } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createAdmin, type Admin } from '../../src/kafka/admin.ts';
import type { KafkaConnection } from '../../src/kafka/connection.ts';
import { createLog } from '../../src/log.ts';
import { createSandbox, type SandboxOptions } from '../../src/sandbox/run.ts';
import { createDatabase, type TestDatabase } from './database.ts';
import { uniqueName } from './names.ts';

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

export type FahuoProcess = {
  child: ChildProcess;
  http: string;
  kill: () => Promise<void>;
  /** SIGTERM, and its exit code. */
  stop: () => Promise<number | null>;
};

const main = new URL('../../src/cli/main.ts', import.meta.url).pathname;
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

const spawnFahuo = (args: string[], env: Record<string, string>): ChildProcess =>
  spawn(process.execPath, ['--max-semi-space-size=8', main, ...args], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });

async function startFahuo(args: string[], env: Record<string, string>): Promise<FahuoProcess> {
  const child = spawnFahuo(args, env);
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  let stderr = '';
  child.stderr?.on('data', (data: Buffer) => (stderr = (stderr + String(data)).slice(-20_000)));
  const line = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout! }).once('line', resolve);
    void exited.then((code) => reject(new Error(`fahuo ended with ${code}: ${stderr}`)));
  });
  const end = (signal: NodeJS.Signals) => async (): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    return exited;
  };
  return {
    child,
    http: (JSON.parse(line) as { http: string }).http,
    kill: async () => {
      await end('SIGKILL')();
    },
    stop: end('SIGTERM'),
  };
}

async function runFahuo(args: string[], env: Record<string, string>) {
  const child = spawnFahuo(args, env);
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (data: Buffer) => (stdout += String(data)));
  child.stderr?.on('data', (data: Buffer) => (stderr += String(data)));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout, stderr };
}

export type Stats = {
  effects: { ship: number; add: number; reship: number };
  requests: Record<string, Record<string, number>>;
  token_fetches: Record<string, number>;
  busiest_second: number;
};

export const statsOf = async (url: string): Promise<Stats> =>
  (await (await fetch(`${url}/_sandbox/stats`)).json()) as Stats;

export type EffectLine = {
  payment: string;
  kind: string;
  atMs: number;
  uploadTimeMs: number;
  bodyHash: string;
};

export async function effectsOf(url: string): Promise<EffectLine[]> {
  const text = await (await fetch(`${url}/_sandbox/effects`)).text();
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as EffectLine);
}

export async function tellSandbox(url: string, path: string, body: unknown): Promise<unknown> {
  const answer = await fetch(`${url}/_sandbox/${path}`, { method: 'POST', body: JSON.stringify(body) });
  return answer.json();
}
