import { spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { connectAlone } from '../../../db/client.ts';
import { monotonicMs } from '../../../src/clock.ts';
import { eventually } from '../../support/eventually.ts';
import { runFahuo } from '../../support/fahuo-process.ts';
import { uniqueName } from '../../support/names.ts';
import { createStack, type Stack } from '../../support/stack.ts';

let stack: Stack;
/** Takes connections and never says a word. */
let silent: Server;
let silentPort: number;
let folder: string;

beforeAll(async () => {
  stack = await createStack();
  silent = createServer((socket) => socket.on('error', () => undefined));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  silentPort = (silent.address() as AddressInfo).port;
  folder = mkdtempSync(join(tmpdir(), 'fahuo-starts-'));
  writeFileSync(join(folder, 'not.json'), 'appid: wx1');
  writeFileSync(join(folder, 'no-secret.json'), '[{"appid":"wx1"}]');
});
afterAll(async () => {
  await stack.close();
  silent.close();
});

const urlWith = (change: Partial<Record<'port' | 'pathname' | 'username', string>>): string =>
  Object.assign(new URL(stack.database.url), change).toString();

type Case = {
  name: string;
  env: () => Record<string, string> | Promise<Record<string, string>>;
  says: RegExp;
  remedy: RegExp;
};

const cases: Case[] = [
  {
    name: 'DATABASE_URL is missing',
    env: () => ({ DATABASE_URL: '' }),
    says: /DATABASE_URL is not set/,
    remedy: /Correct the named/,
  },
  {
    name: 'a setting is wrong',
    env: () => ({ FAHUO_WINDOW: 'many' }),
    says: /FAHUO_WINDOW is "many"/,
    remedy: /Correct the named/,
  },
  {
    name: 'Postgres refuses connections',
    env: () => ({ DATABASE_URL: urlWith({ port: '1' }) }),
    says: /Postgres: .*ECONNREFUSED/,
    remedy: /Check DATABASE_URL/,
  },
  {
    name: 'Postgres takes the connection and says nothing',
    env: () => ({ DATABASE_URL: urlWith({ port: String(silentPort) }) }),
    says: /Postgres: .*time/i,
    remedy: /Check DATABASE_URL/,
  },
  {
    name: 'the database does not exist',
    env: () => ({ DATABASE_URL: urlWith({ pathname: '/nowhere' }) }),
    says: /database "nowhere" does not exist/,
    remedy: /Check DATABASE_URL/,
  },
  {
    name: 'the login does not exist',
    env: () => ({ DATABASE_URL: urlWith({ username: 'nobody_of_ours' }) }),
    says: /nobody_of_ours/,
    remedy: /Check DATABASE_URL/,
  },
  {
    name: 'the database has no schema',
    env: async () => {
      const name = uniqueName('empty').replaceAll(/\W/g, '_');
      const client = await connectAlone(inject('databaseUrl'), 'fahuo-test');
      await client.query(`create database ${name}`);
      await client.end();
      return { DATABASE_URL: urlWith({ pathname: `/${name}` }) };
    },
    says: /no schema fahuo/,
    remedy: /fahuo migrate/,
  },
  {
    name: 'Kafka refuses connections',
    env: () => ({ KAFKA_BROKERS: '127.0.0.1:1' }),
    says: /Kafka at 127\.0\.0\.1:1/,
    remedy: /Check KAFKA_BROKERS/,
  },
  {
    name: 'Kafka takes the connection and says nothing',
    env: () => ({ KAFKA_BROKERS: `127.0.0.1:${silentPort}`, KAFKA_REQUEST_TIMEOUT_MS: '2000' }),
    says: /Kafka at 127\.0\.0\.1/,
    remedy: /Check KAFKA_BROKERS/,
  },
  {
    name: 'KAFKA_BROKERS is missing',
    env: () => ({ KAFKA_BROKERS: '' }),
    says: /KAFKA_BROKERS is not set/,
    remedy: /Correct the named/,
  },
  {
    name: 'a topic is missing',
    env: () => ({ KAFKA_TOPIC: uniqueName('nowhere') }),
    says: /the topic \S+ does not exist/,
    remedy: /kafka-topics\.sh .*FAHUO_CREATE_TOPICS=true/,
  },
  {
    name: 'a certificate file is missing',
    env: () => ({ KAFKA_SSL: 'true', KAFKA_SSL_CA_FILE: '/nowhere/ca.pem' }),
    says: /KAFKA_SSL_CA_FILE cannot be read/,
    remedy: /Correct the named/,
  },
  {
    name: 'the file of a secret is missing',
    env: () => ({ WECHAT_SECRET: '', WECHAT_SECRET_FILE: '/nowhere/secret' }),
    says: /WECHAT_SECRET_FILE cannot be read/,
    remedy: /Correct the named/,
  },
  {
    name: 'the app has no secret',
    env: () => ({ WECHAT_SECRET: '' }),
    says: /WECHAT_SECRET is not set/,
    remedy: /Correct the named/,
  },
  {
    name: 'the file of apps is missing',
    env: () => ({ FAHUO_APPS_FILE: '/nowhere/apps.json' }),
    says: /FAHUO_APPS_FILE cannot be read/,
    remedy: /Correct the named/,
  },
  {
    name: 'the file of apps is not JSON',
    env: () => ({ FAHUO_APPS_FILE: join(folder, 'not.json') }),
    says: /FAHUO_APPS_FILE \S+not\.json: it is no JSON: write \[/,
    remedy: /Correct the named/,
  },
  {
    name: 'an app in the file has no secret',
    env: () => ({ FAHUO_APPS_FILE: join(folder, 'no-secret.json') }),
    says: /FAHUO_APPS_FILE \S+: app 1 .*: secret is missing: token_mode is stable/,
    remedy: /Correct the named/,
  },
  {
    name: 'the HTTP port is taken',
    env: () => ({ FAHUO_HTTP_PORT: String(silentPort) }),
    says: /cannot listen on 127\.0\.0\.1:\d+: .*EADDRINUSE/,
    remedy: /FAHUO_HTTP_PORT/,
  },
  {
    name: 'the HTTP address is not of this host',
    env: () => ({ FAHUO_HTTP_HOST: '192.0.2.1' }),
    says: /cannot listen on 192\.0\.2\.1/,
    remedy: /FAHUO_HTTP_HOST/,
  },
];

/** The process is told to give up waiting here; a slow machine is not what is tested. */
const endsWithinMs = 30_000;

describe('fahuo run that cannot start', () => {
  it.each(cases)('ends with one line, its remedy and exit 1: $name', async ({ env, says, remedy }) => {
    const startedMs = monotonicMs();
    const { code, stderr, stdout } = await runFahuo(['run'], {
      ...stack.env,
      FAHUO_LOG_LEVEL: 'silent',
      ...(await env()),
    });
    const lines = stderr.trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(says);
    expect(lines[1]).toMatch(remedy);
    expect(stdout).toBe('');
    expect(code).toBe(1);
    expect(monotonicMs() - startedMs).toBeLessThan(endsWithinMs);
  });

  it('ends with exit 2 and two lines on an unknown role', async () => {
    const { code, stderr } = await runFahuo(['run', '--roles', 'sail'], stack.env);
    expect(code).toBe(2);
    expect(stderr).toContain('--roles: sail is not one of');
  });
});

describe('npm run fahuo', () => {
  it('hands a signal on: no node process is left behind', async () => {
    // A group of its own, so that what a failing test leaves behind can be ended.
    const child = spawn('npm', ['run', '--silent', 'fahuo', '--', 'sandbox', '--port', '0'], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '' },
      detached: true,
    });
    try {
      const exited = new Promise((resolve) => child.once('exit', resolve));
      const line = await new Promise<string>((resolve) =>
        child.stdout.once('data', (data: Buffer) => resolve(String(data))),
      );
      const stats = `${/http:\/\/[\d.]+:\d+/.exec(line)?.[0] ?? ''}/_sandbox/stats`;
      expect((await fetch(stats)).ok).toBe(true);
      child.kill('SIGTERM');
      await exited;
      await eventually(() => expect(fetch(stats)).rejects.toThrow());
    } finally {
      endGroup(child.pid);
    }
  });
});

function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}
