import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { connectAlone } from '../../db/client.ts';
import { mysqlServer } from '../support/mysql.ts';
import { main, nodeFlags } from '../support/node-flags.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fahuo-shop-demo-'));
  chmodSync(folder, 0o1777); // as temp folders are: the parts' own users write there
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

type Services = { DATABASE_URL?: string; MYSQL_URL?: string };
type Ended = { code: number | null; stdout: string; stderr: string };

/** The command as a terminal runs it: in a group of its own, which a Ctrl-C reaches as a whole, here at a line of its output. */
async function runDemo(args: string[], services: Services, ctrlCAt?: string): Promise<Ended> {
  const { PATH, HOME, JAVA_HOME, XDG_CACHE_HOME } = process.env;
  const env = { PATH, HOME, JAVA_HOME, XDG_CACHE_HOME, TMPDIR: folder, ...services };
  const child = spawn(process.execPath, [...nodeFlags, '--', main, 'demo', ...args], {
    cwd: folder,
    env: { ...env, KAFKA_BROKERS: inject('kafkaBrokers') },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr, interrupted] = ['', '', false];
  child.stdout.on('data', (data: Buffer) => {
    stdout += String(data);
    if (interrupted || ctrlCAt === undefined || !stdout.includes(ctrlCAt)) return;
    interrupted = true;
    process.kill(-child.pid!, 'SIGINT');
  });
  child.stderr.on('data', (data: Buffer) => (stderr += String(data)));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

/** Of the databases that the demo says it made, those that are still there. */
async function databasesLeft(stdout: string, mysql: string | null): Promise<string[]> {
  const names = [...new Set(stdout.match(/fahuo_demo_[0-9a-z]+(_[a-z]+)?/g))];
  expect(names).toHaveLength(2);
  const postgres = await connectAlone(inject('databaseUrl'), 'fahuo-test');
  const { rows } = await postgres.query<{ name: string }>(
    'select datname as name from pg_database where datname = any($1)',
    [names],
  );
  await postgres.end();
  if (mysql === null) return rows.map(({ name }) => name);
  const connection = await createConnection(mysql);
  const [found] = await connection.query('select schema_name as name from information_schema.schemata');
  await connection.end();
  return [...rows, ...(found as { name: string }[])]
    .map(({ name }) => name)
    .filter((name) => names.includes(name));
}

const processesOf = (path: string): string[] =>
  execFileSync('ps', ['-ewwo', 'args'], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(path));

const shops = [
  {
    shop: 'yudao',
    acknowledged: /^101 +保温杯\*1 +已发货 +中通快递 +78000000000101 +acknowledged$/m,
    skipped: /^106 .* skipped +paid by wallet$/m,
    held: /^held 110: the carrier "our_van \/ 本店面包车" .* name its id under carriers in the file, or OTHER$/m,
    proposed: /^proposed 103: the waybill changed in the shop$/m,
  },
  {
    shop: 'likeshop',
    acknowledged: /^1 +保温杯\*1 +待收货 +圆通 +YT9000000001001 +1 +\d\d:\d\d:\d\d +acknowledged$/m,
    skipped: /^5 .* skipped +pay_way 3$/m,
    held: /^held 8: the carrier "our_van \/ 本店面包车" .* name its id under carriers in the file, or OTHER$/m,
    proposed: /^proposed 7: the waybill changed in the shop$/m,
  },
];

describe.each(shops)('fahuo demo --shop $shop', ({ shop, ...shown }) => {
  const isMysql = shop === 'likeshop';

  it('shows the answers in the shop’s own tables, and leaves them as they were', async () => {
    const mysql = isMysql ? await mysqlServer() : null;
    const services = { DATABASE_URL: inject('databaseUrl'), ...(mysql === null ? {} : { MYSQL_URL: mysql }) };
    const { code, stdout, stderr } = await runDemo(['--shop', shop, '--once'], services);
    expect(code, stdout + stderr).toBe(0);
    for (const line of Object.values(shown)) expect(stdout).toMatch(line);
    expect(stdout).toMatch(/^ {2}acknowledged 12, skipped 3, held 1, proposed 1$/m);
    expect(stdout).toMatch(/npx fahuo adopt approve 42\d{26} --by/);
    expect(stdout).toMatch(
      /The shop's tables are as before: \d tables, \d+ columns, \d+ indexes, 0 triggers\./,
    );
    expect(await databasesLeft(stdout, mysql)).toEqual([]);
  });
});

describe('fahuo demo --shop at a Ctrl-C', () => {
  it('in the middle leaves no process, no folder and no database', async () => {
    const services = { DATABASE_URL: inject('databaseUrl') };
    const { code, stdout, stderr } = await runDemo(['--shop', 'likeshop'], services, 'The shop ships');
    expect(code, stdout + stderr).toBe(1);
    expect(stderr).toBe('');
    expect(stdout).toContain('Stopped before the end; nothing of it is left.');
    expect(readdirSync(folder)).toEqual([]);
    expect(processesOf(folder)).toEqual([]);
    expect(await databasesLeft(stdout, null)).toEqual([]);
  });

  it('while the services start leaves no folder', async () => {
    const { code, stdout, stderr } = await runDemo(['--shop', 'yudao'], {}, 'Starting');
    expect(code, stdout + stderr).toBe(1);
    expect(stderr).toBe('');
    expect(readdirSync(folder)).toEqual([]);
    expect(processesOf(folder)).toEqual([]);
  });
});

describe('fahuo demo with a shop that is not there', () => {
  it('says in three lines which there are', async () => {
    const { code, stdout, stderr } = await runDemo(['--shop', 'nobody'], {});
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr.split('\n')).toEqual([
      'fahuo: the shop nobody is not one of yudao, likeshop',
      'Any other shop is adopted with a file of its own: docs/adopting.md.',
      '`fahuo demo --help` says what it takes.',
      '',
    ]);
  });
});
