import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { connectAlone, createPool } from '../../../db/client.ts';
import { createAdmin } from '../../../src/kafka/admin.ts';
import { createLog } from '../../../src/log.ts';
import { readConfig } from '../../../src/roles/config.ts';
import { databaseUrlOf } from '../../../src/roles/postgres.ts';
import { createAuthority, type Authority, type Issued } from '../../support/certificates.ts';
import { runCommand } from '../../support/command.ts';
import { shippedEvent } from '../../support/events.ts';
import { eventually } from '../../support/eventually.ts';
import { startFahuo } from '../../support/fahuo-process.ts';
import { uniqueName } from '../../support/names.ts';
import { databasePassword, startSecurePostgres, type SecurePostgres } from '../../support/secure-postgres.ts';
import { wrongSetting, wrongStart } from '../../support/wrong-start.ts';

let secure: SecurePostgres;
let stranger: Authority;
let client: Issued;
let locked: Issued;
const topic = uniqueName('secured');
const dir = mkdtempSync(join(tmpdir(), 'fahuo-secure-postgres-'));

beforeAll(async () => {
  chmodSync(dir, 0o755); // Postgres may run as another user
  secure = await startSecurePostgres(dir);
  stranger = createAuthority('a stranger');
  client = secure.authority.issue({ name: 'certified' });
  locked = secure.authority.issue({ name: 'certified', passphrase: 'sesame' });
  const brokers = inject('kafkaBrokers').split(',');
  const admin = createAdmin({ brokers, clientId: 'test' }, createLog({ level: 'silent' }));
  for (const name of [topic, `${topic}.acks`, `${topic}.dead-letters`]) await admin.createTopic(name, 1);
  await admin.close();
}, 90_000);
beforeEach(() => secure.show('good'));
afterAll(() => secure.stop());

const rootcert = (): string => `sslrootcert=${secure.authority.caFile}`;
const certOf = ({ certFile, keyFile }: Issued): string => `sslcert=${certFile}&sslkey=${keyFile}`;
const fileWith = (text: string): string => {
  const path = join(mkdtempSync(join(dir, 'file-')), 'file');
  writeFileSync(path, text);
  return path;
};
const envWith = (databaseUrl: string): Record<string, string> => ({
  DATABASE_URL: databaseUrl,
  KAFKA_BROKERS: inject('kafkaBrokers'),
  KAFKA_TOPIC: topic,
  KAFKA_GROUP: topic,
  WECHAT_APPID: 'wx0123456789abcdef',
  WECHAT_SECRET: 'secret',
  WECHAT_BASE_URL: 'http://127.0.0.1:1',
});

const isEncrypted = 'select ssl, client_dn as "client" from pg_stat_ssl where pid = pg_backend_pid()';

/** By the pool of the roles and by a session of its own, as the relay has them. */
async function sessions(databaseUrl: string): Promise<unknown[]> {
  const url = databaseUrlOf(readConfig({ DATABASE_URL: databaseUrl }));
  const pool = createPool({ databaseUrl: url, max: 1, applicationName: 'test', onError: () => undefined });
  const alone = await connectAlone(url, 'test', { search_path: 'pg_catalog' });
  try {
    const answers = [await pool.query(isEncrypted), await alone.query(isEncrypted)];
    return answers.flatMap(({ rows }) => rows as unknown[]);
  } finally {
    await alone.end();
    await pool.end();
  }
}
const encrypted = (dn: string | null = null) => [
  { ssl: true, client: dn },
  { ssl: true, client: dn },
];

type Shown = Parameters<SecurePostgres['show']>[0];
const ways: [string, Shown, () => string][] = [
  [
    'verify-full with an authority of our own',
    'good',
    () => secure.url('shop', `sslmode=verify-full&${rootcert()}`),
  ],
  [
    'the same by the name of the host',
    'good',
    () => secure.url('shop', `sslmode=verify-full&${rootcert()}`, { host: 'localhost' }),
  ],
  ['an authority without a mode, as verify-full', 'good', () => secure.url('shop', rootcert())],
  ['ssl=true, as verify-full', 'good', () => secure.url('shop', `ssl=true&${rootcert()}`)],
  ['verify-ca, whatever the name', 'misnamed', () => secure.url('shop', `sslmode=verify-ca&${rootcert()}`)],
  [
    'require with an authority, as verify-ca',
    'misnamed',
    () => secure.url('shop', `sslmode=require&${rootcert()}`),
  ],
  ['no-verify, whoever it is', 'expired', () => secure.url('shop', 'sslmode=no-verify')],
  [
    'beside other parameters',
    'good',
    () => secure.url('shop', `options=-c%20jit%3Doff&sslmode=verify-full&${rootcert()}&connect_timeout=5`),
  ],
];

describe('a Postgres that speaks TLS', () => {
  it.each(ways)('is spoken to in TLS by every session: %s', async (_name, shown, url) => {
    await secure.show(shown);
    expect(await sessions(url())).toEqual(encrypted());
  });

  it('takes a client certificate, its key clear or encrypted', async () => {
    const url = `sslmode=verify-full&${rootcert()}`;
    expect(await sessions(secure.url('certified', `${url}&${certOf(client)}`))).toEqual(
      encrypted('/CN=certified'),
    );
    const withPassword = `${url}&${certOf(locked)}&sslpassword=sesame`;
    expect(await sessions(secure.url('certified', withPassword))).toEqual(encrypted('/CN=certified'));
  });

  it('is spoken to without TLS where the URL says so, or nothing', async () => {
    const plain = [
      { ssl: false, client: null },
      { ssl: false, client: null },
    ];
    expect(await sessions(secure.url('clear', 'sslmode=disable'))).toEqual(plain);
    expect(await sessions(secure.url('clear', ''))).toEqual(plain);
  });

  it('is migrated and examined over TLS, its URL from a file', async () => {
    const { DATABASE_URL, ...env } = envWith(secure.url('shop', `sslmode=verify-full&${rootcert()}`));
    const fromFile = { ...env, DATABASE_URL_FILE: fileWith(`${DATABASE_URL}\n`) };
    expect(await runCommand(['migrate'], fromFile)).toMatchObject({ code: 0, stderr: '' });
    const { stdout } = await runCommand(['doctor', '--json'], fromFile);
    const { checks } = JSON.parse(stdout) as { checks: { check: string; ok: boolean }[] };
    expect(checks[0]).toMatchObject({ check: 'postgres', ok: true });
  });
});

const full = (): string => `sslmode=verify-full&${rootcert()}`;
const wrongOnes: [string, Shown, () => string, RegExp][] = [
  [
    'an authority that we do not know',
    'good',
    () => secure.url('shop', 'sslmode=verify-full'),
    /no authority .*\nLet sslrootcert in DATABASE_URL name/,
  ],
  [
    'the same with require, which pg would verify as well',
    'good',
    () => secure.url('shop', 'sslmode=require'),
    /no authority .*\nLet sslrootcert/,
  ],
  [
    'another authority',
    'good',
    () => secure.url('shop', `sslmode=verify-ca&sslrootcert=${stranger.caFile}`),
    /no authority /,
  ],
  [
    'an expired certificate',
    'expired',
    () => secure.url('shop', full()),
    /its certificate has expired.*\nRenew the certificate of Postgres/,
  ],
  [
    'an expired certificate, its name not looked at',
    'expired',
    () => secure.url('shop', `sslmode=require&${rootcert()}`),
    /has expired/,
  ],
  [
    'a certificate of another name',
    'misnamed',
    () => secure.url('shop', full()),
    /is for another name.*\nLet DATABASE_URL name the host/,
  ],
  [
    'a client certificate that is missing',
    'good',
    () => secure.url('certified', full()),
    /wants a client certificate.*\nLet sslcert and sslkey/,
  ],
  [
    'a client certificate of another login',
    'good',
    () => secure.url('certified', `${full()}&${certOf(secure.authority.issue({ name: 'other' }))}`),
    /refuses our client certificate/,
  ],
  [
    'a client certificate of a stranger',
    'good',
    () => secure.url('certified', `${full()}&${certOf(stranger.issue({ name: 'certified' }))}`),
    /refuses our client certificate.*\nLet sslcert/,
  ],
  [
    'a server that speaks no TLS',
    'none',
    () => secure.url('clear', full()),
    /does not answer in TLS.*\nTurn ssl on/,
  ],
  [
    'a server that wants TLS',
    'good',
    () => secure.url('shop', 'sslmode=disable'),
    /speaks TLS, and we do not.*\nWrite sslmode=verify-full/,
  ],
  [
    'a server that wants TLS, and a URL that says nothing',
    'good',
    () => secure.url('shop', ''),
    /speaks TLS, and we do not/,
  ],
  [
    'a wrong password',
    'good',
    () => secure.url('shop', full(), { password: 'wrong' }),
    /refuses the login \(password authentication failed for user "shop"\) \(LOGIN_REFUSED\)\nCheck user and password/,
  ],
  [
    'a password that is missing',
    'good',
    () => secure.url('shop', full(), { password: '' }),
    /wants a login, and none is set.*\nCheck user and password/,
  ],
];

describe('a start that a secured Postgres refuses', () => {
  it.each(wrongOnes)('says one line and its remedy, as doctor does: %s', async (_name, shown, url, says) => {
    await secure.show(shown);
    expect(await wrongStart(envWith(url()), 'postgres')).toMatch(says);
  });

  it('is told by migrate in the same words', async () => {
    const env = envWith(secure.url('shop', full(), { password: 'wrong' }));
    const { code, stderr } = await runCommand(['migrate'], env);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^fahuo: migrate: Postgres: it refuses the login .*\(LOGIN_REFUSED\)\nCheck user/);
    expect(stderr).not.toContain('wrong');
  });
});

const wrongUrls: [string, () => string, RegExp][] = [
  [
    'a mode that goes on in the clear',
    () => 'sslmode=prefer',
    /DATABASE_URL is \(hidden\): sslmode=prefer would go on in the clear/,
  ],
  ['a mode that is none', () => 'sslmode=requires', /sslmode=requires is no mode/],
  [
    'a file that is not there',
    () => 'sslrootcert=/nowhere/ca.pem',
    /sslrootcert of DATABASE_URL cannot be read: ENOENT/,
  ],
  [
    'a certificate without its key',
    () => `sslcert=${client.certFile}`,
    /sslcert of DATABASE_URL is set, and sslkey of DATABASE_URL is not/,
  ],
  ['an encrypted key without its password', () => certOf(locked), /sslpassword of DATABASE_URL is not set/],
];

describe('a URL that is wrong about TLS', () => {
  it.each(wrongUrls)('is refused before anything is opened: %s', async (_name, parameters, says) => {
    expect(await wrongSetting(envWith(secure.url('shop', parameters())))).toMatch(says);
  });
});

describe('a Postgres whose certificate or password changes while fahuo runs', () => {
  it('is waited for with its name, and gone on with when it is mended', async () => {
    const env = envWith(secure.url('shop', full()));
    expect((await runCommand(['migrate'], env)).code).toBe(0);
    const running = await startFahuo(['run', '--roles', 'relay,consume,upload,console'], {
      ...env,
      FAHUO_HTTP_PORT: '0',
    });
    let said = '';
    running.child.stderr?.on('data', (data: Buffer) => (said += String(data)));
    const { admin } = secure;
    const cutAll = (): Promise<unknown> =>
      admin.query(`select pg_terminate_backend(pid) from pg_stat_activity where usename = 'shop'`);
    const untilSaid = async (words: RegExp): Promise<void> => {
      said = '';
      // Again and again: what was just connecting, with what held before, has no name yet.
      await eventually(async () => {
        await cutAll();
        expect(await (await fetch(`${running.http}/readyz`)).text()).toMatch(words);
      });
      await eventually(() => expect(said).toMatch(words), 60_000);
      expect(running.child.exitCode).toBeNull();
    };
    try {
      await secure.show('expired');
      await untilSaid(/certificate has expired/);
      await secure.show('good');
      await admin.query(`alter role shop password 'rotated'`);
      await untilSaid(/password authentication failed/);
      await admin.query(`alter role shop password '${databasePassword}'`);
      await admin.query('select fahuo.enqueue($1::text)', [JSON.stringify(shippedEvent())]);
      await eventually(async () => {
        expect((await admin.query('select from fahuo.upload')).rows).toHaveLength(1);
      }, 60_000);
      expect(await running.stop()).toBe(0);
    } finally {
      await running.kill();
    }
  }, 180_000);
});
