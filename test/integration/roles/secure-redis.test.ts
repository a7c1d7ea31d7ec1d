import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { createLog } from '../../../src/log.ts';
import { readConfig } from '../../../src/roles/config.ts';
import { openRedis, reachRedis } from '../../../src/roles/redis.ts';
import { createAuthority, type Authority, type Issued } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import {
  redisLogin,
  redisWithoutTls,
  startSecureRedis,
  type SecureRedis,
} from '../../support/secure-redis.ts';
import { createStack, type Stack } from '../../support/stack.ts';
import { wrongSetting, wrongStart } from '../../support/wrong-start.ts';

const lacking = await redisWithoutTls();
if (lacking !== null) process.stderr.write(`not tested: this redis-server speaks no TLS: ${lacking}\n`);

let secure: SecureRedis;
let stack: Stack;
let stranger: Authority;
let client: Issued;
const log = createLog({ level: 'silent' });

describe.skipIf(lacking !== null)('a Redis that is secured', () => {
  beforeAll(async () => {
    [secure, stack] = await Promise.all([
      startSecureRedis(mkdtempSync(join(tmpdir(), 'fahuo-secure-redis-'))),
      createStack(),
    ]);
    stranger = createAuthority('a stranger');
    client = secure.authority.issue({ name: 'fahuo', passphrase: 'sesame' });
  }, 60_000);
  beforeEach(async () => {
    await secure.show('good');
    await secure.wantClients(false);
  });
  afterAll(async () => {
    await secure.stop();
    await stack.close();
  });

  type Env = Record<string, string>;
  const url = (
    scheme: 'redis' | 'rediss',
    { port = 0, password = redisLogin.password, user = redisLogin.user } = {},
  ) =>
    `${scheme}://${user}:${encodeURIComponent(password)}@127.0.0.1:${port || secure.ports[scheme === 'rediss' ? 'tls' : 'plain']}`;
  const trusting = (): Env => ({ REDIS_URL: url('rediss'), REDIS_SSL_CA_FILE: secure.authority.caFile });
  const showing = (one: Issued): Env => ({
    REDIS_SSL_CERT_FILE: one.certFile,
    REDIS_SSL_KEY_FILE: one.keyFile,
  });

  async function reaches(env: Env): Promise<string> {
    const config = readConfig(env);
    const redis = openRedis(config, log);
    if (redis === null) return 'none';
    try {
      await reachRedis(redis, config);
      return await redis.acl('WHOAMI');
    } finally {
      redis.disconnect();
    }
  }

  it('is reached by rediss:// with an authority of our own, a user and a password', async () => {
    expect(await reaches(trusting())).toBe('shop');
    expect(await reaches({ ...trusting(), REDIS_URL: url('rediss').replace('127.0.0.1', 'localhost') })).toBe(
      'shop',
    );
  });

  it('is reached by mutual TLS, the key encrypted', async () => {
    await secure.wantClients(true);
    const env = { ...trusting(), ...showing(client), REDIS_SSL_KEY_PASSWORD: 'sesame' };
    expect(await reaches(env)).toBe('shop');
  });

  it('is reached by another name, or none, where that is said', async () => {
    await secure.show('misnamed');
    expect(await reaches({ ...trusting(), REDIS_SSL_SERVER_NAME: 'redis.example' })).toBe('shop');
    expect(await reaches({ ...trusting(), REDIS_SSL_VERIFY_HOSTNAME: 'false' })).toBe('shop');
  });

  const wrongOnes: [string, () => Env | Promise<Env>, RegExp][] = [
    [
      'an authority that we do not know',
      () => ({ REDIS_URL: url('rediss') }),
      /no authority .*by the authority of Redis.*\nLet REDIS_SSL_CA_FILE/,
    ],
    ['another authority', () => ({ ...trusting(), REDIS_SSL_CA_FILE: stranger.caFile }), /no authority /],
    [
      'an expired certificate',
      () => secure.show('expired').then(trusting),
      /has expired \(on .*\nRenew the certificate of Redis/,
    ],
    [
      'a certificate of another name',
      () => secure.show('misnamed').then(trusting),
      /for another name \(DNS:redis\.example; we look for 127\.0\.0\.1\).*\nSet REDIS_SSL_SERVER_NAME/,
    ],
    [
      'a client certificate that is missing',
      () => secure.wantClients(true).then(trusting),
      /wants a client certificate.*\nSet REDIS_SSL_CERT_FILE/,
    ],
    [
      'a client certificate of a stranger',
      async () => {
        await secure.wantClients(true);
        return { ...trusting(), ...showing(stranger.issue({ name: 'fahuo' })) };
      },
      /refuses our client certificate.*\nLet REDIS_SSL_CERT_FILE/,
    ],
    [
      'TLS spoken to a port without it',
      () => ({ ...trusting(), REDIS_URL: url('rediss', { port: secure.ports.plain }) }),
      /does not answer in TLS.*\nLet REDIS_URL begin with redis:/,
    ],
    [
      'a port of TLS spoken to without it',
      () => ({ REDIS_URL: url('redis', { port: secure.ports.tls }) }),
      /speaks TLS, and we do not.*\nLet REDIS_URL begin with rediss:/,
    ],
    [
      'a wrong password',
      () => ({ ...trusting(), REDIS_URL: url('rediss', { password: 'wrong' }) }),
      /refuses the login \(WRONGPASS.*\(LOGIN_REFUSED\)\nCheck user and password in REDIS_URL/,
    ],
    [
      'an unknown user',
      () => ({ ...trusting(), REDIS_URL: url('rediss', { user: 'nobody' }) }),
      /refuses the login/,
    ],
    [
      'a login that is missing',
      () => ({ ...trusting(), REDIS_URL: `rediss://127.0.0.1:${secure.ports.tls}` }),
      /wants a login.*\nWrite user and password into REDIS_URL/,
    ],
  ];

  it.each(wrongOnes)(
    'ends a start with one line and its remedy, as doctor says it: %s',
    async (_name, env, says) => {
      expect(await wrongStart({ ...stack.env, ...(await env()) }, 'redis')).toMatch(says);
    },
  );

  it('is not spoken to in the clear by somebody who names an authority', async () => {
    const env = { ...stack.env, ...trusting(), REDIS_URL: url('redis') };
    expect(await wrongSetting(env)).toMatch(/REDIS_SSL_CA_FILE is set, and REDIS_URL speaks no TLS/);
  });

  it('is done without while its password is another one, and used again', async () => {
    const running = await stack.start({ env: { ...trusting(), FAHUO_REDIS_PREFIX: 'rotated:' } });
    let said = '';
    running.child.stderr?.on('data', (data: Buffer) => (said += String(data)));
    try {
      const { admin } = secure;
      const other = new Redis({
        port: secure.ports.plain,
        username: 'root',
        password: 'root',
        lazyConnect: true,
      });
      await admin.acl('SETUSER', 'root', 'on', '>root', '~*', '&*', '+@all');
      await other.connect();
      await other.acl('SETUSER', redisLogin.user, 'resetpass', '>rotated');
      await other.client('KILL', 'TYPE', 'normal', 'USER', redisLogin.user, 'SKIPME', 'yes');
      await eventually(() => expect(said).toMatch(/WRONGPASS/), 60_000);
      expect(running.child.exitCode).toBeNull();
      await other.acl('SETUSER', redisLogin.user, 'resetpass', `>${redisLogin.password}`);
      other.disconnect();
      expect(await running.stop()).toBe(0);
    } finally {
      await running.kill();
    }
  }, 120_000);
});

it('waits for a Redis that is only away, and does not end', async () => {
  expect(inject('kafkaBrokers')).not.toBe('');
  const config = readConfig({ REDIS_URL: 'redis://127.0.0.1:1' });
  const redis = openRedis(config, log)!;
  await expect(reachRedis(redis, config)).rejects.not.toMatchObject({ name: 'FahuoError' });
  redis.disconnect();
});
