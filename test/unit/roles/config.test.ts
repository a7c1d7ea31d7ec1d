import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { describe, expect, it } from 'vitest';
import { hasPushKeys, pushKeysOf } from '../../../src/roles/push-keys.ts';
import { createAppSet } from '../../../src/apps/app-set.ts';
import { readApps, readPushedApps } from '../../../src/roles/apps.ts';
import { readConfig, required } from '../../../src/roles/config.ts';
import { envText } from '../../../src/roles/env-text.ts';
import { databaseSettings } from '../../../src/roles/settings.ts';

const fileWith = (text: string | Buffer): string => {
  const file = join(mkdtempSync(join(tmpdir(), 'fahuo-')), 'file');
  writeFileSync(file, text);
  return file;
};

describe('the configuration', () => {
  it('has a default for everything that may be unset, and takes empty as unset', () => {
    const config = readConfig({ KAFKA_TOPIC: '', FAHUO_WINDOW: '' });
    expect(config.kafka).toMatchObject({ topic: 'fahuo.shipments', brokers: undefined });
    expect(config.upload.window).toBe(256);
    expect(config.given).toEqual([]);
    expect(Object.isFrozen(config) && Object.isFrozen(config.kafka)).toBe(true);
  });

  it('gives each stage its options in their units', () => {
    const config = readConfig({
      KAFKA_BROKERS: 'one:9092, two:9092',
      FAHUO_DEAD_LETTER_DAYS: '2',
      FAHUO_MAX_CALLS_PER_SECOND: '0.5',
      FAHUO_ACK_TOPIC: 'false',
    });
    expect(config.kafka.brokers).toEqual(['one:9092', 'two:9092']);
    expect(config.retention.deadLetterMs).toBe(172_800_000);
    expect(config.app.maxCallsPerSecond).toBe(0.5);
    expect(config.upload.acknowledgements).toBe(false);
  });

  it('names every wrong variable with its value and rule', () => {
    const wrong = { KAFKA_BROKERS: 'nowhere', FAHUO_WINDOW: 'many', FAHUO_LOG_LEVEL: 'loud' };
    expect(() => readConfig(wrong)).toThrow(
      /KAFKA_BROKERS is "nowhere": must be host:port.*FAHUO_WINDOW is "many": must be a number.*FAHUO_LOG_LEVEL is "loud": must be trace, debug, info, warn, error or silent/,
    );
    expect(() => readConfig({ FAHUO_WINDOW: '1.5' })).toThrow('must be a whole number');
    expect(() => readConfig({ FAHUO_WINDOW: '4097' })).toThrow('must be from 1 to 4096');
  });

  it('never shows a secret, and reads it from a file', () => {
    const config = readConfig({ WECHAT_SECRET_FILE: fileWith('hush\n') });
    expect(config.app.secret).toBe('hush');
    expect(config.shown['WECHAT_SECRET']).toBe('(set)');
    expect(JSON.stringify(config.shown)).not.toContain('hush');
    expect(() => readConfig({ DATABASE_URL: 'mysql://user:hush@x' })).toThrow('DATABASE_URL is (hidden)');
    expect(() => readConfig({ WECHAT_SECRET_FILE: '/nowhere' })).toThrow('WECHAT_SECRET_FILE cannot be read');
  });

  it('names every file of a secret that is missing or empty, and takes what it holds but for the line end', () => {
    const wrong = {
      WECHAT_SECRET_FILE: fileWith(' \n'),
      REDIS_URL_FILE: '/nowhere',
      DATABASE_URL_FILE: tmpdir(),
    };
    expect(() => readConfig(wrong)).toThrow(
      /DATABASE_URL_FILE cannot be read: EISDIR.*WECHAT_SECRET_FILE: \S+ is empty.*REDIS_URL_FILE cannot be read: ENOENT/,
    );
    expect(readConfig({ WECHAT_SECRET_FILE: fileWith(' hu sh \r\n\n') }).app.secret).toBe(' hu sh ');
  });

  it('takes a file of a secret with a byte order mark, and refuses one that is no UTF-8', () => {
    expect(readConfig({ WECHAT_SECRET_FILE: fileWith('\ufeffhush\r\n') }).app.secret).toBe('hush');
    for (const bytes of [
      Buffer.from('\ufeffhush', 'utf16le'),
      Buffer.from('hush', 'utf16le'),
      Buffer.from('c6bbb9fb', 'hex'),
    ])
      expect(() => readConfig({ WECHAT_SECRET_FILE: fileWith(bytes) })).toThrow(
        /WECHAT_SECRET_FILE: \S+ is no UTF-8 text: save it as UTF-8$/,
      );
  });

  it('prefers the variable to the file, and says that it passes the file over', () => {
    const config = readConfig({ WECHAT_SECRET: 'direct', WECHAT_SECRET_FILE: '/nowhere' });
    expect(config.app.secret).toBe('direct');
    expect(config.notices).toEqual([
      { level: 'warn', text: 'WECHAT_SECRET_FILE is passed over: WECHAT_SECRET is set' },
    ]);
  });

  it.each([
    [{ KAFKA_SSL_CA_FILE: '/ca.pem' }, 'KAFKA_SSL_CA_FILE is set, and KAFKA_SSL is not true'],
    [{ KAFKA_SSL_VERIFY_HOSTNAME: 'false' }, 'KAFKA_SSL_VERIFY_HOSTNAME is set, and KAFKA_SSL is not true'],
    [{ REDIS_SSL_CERT_FILE: '/c', REDIS_URL: 'redis://h' }, 'must begin with rediss://'],
    [{ KAFKA_SASL_USERNAME: 'u' }, 'KAFKA_SASL_USERNAME is set, and KAFKA_SASL_MECHANISM is not'],
    [{ KAFKA_SASL_MECHANISM: 'PLAIN', KAFKA_SASL_PASSWORD: 'p' }, 'KAFKA_SASL_USERNAME is not'],
    [
      { DATABASE_URL: 'postgres://h/d?sslmode=prefer' },
      'DATABASE_URL is (hidden): sslmode=prefer would go on',
    ],
  ])('refuses what would be a connection in the clear, or half a login: %o', (env, says) => {
    expect(() => readConfig(env)).toThrow(says);
  });

  it('takes a SASL mechanism as Kafka writes it', () => {
    const login = { KAFKA_SASL_USERNAME: 'u', KAFKA_SASL_PASSWORD: 'p' };
    expect(readConfig({ ...login, KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512' }).kafka.saslMechanism).toBe(
      'scram-sha-512',
    );
    expect(() => readConfig({ ...login, KAFKA_SASL_MECHANISM: 'GSSAPI' })).toThrow(
      'must be plain, scram-sha-256 or scram-sha-512',
    );
  });

  it('shows what was set apart from what holds by default', () => {
    const config = readConfig({ KAFKA_GROUP: 'mine' });
    expect(config.given).toEqual(['KAFKA_GROUP']);
    expect(config.shown).toMatchObject({ KAFKA_GROUP: 'mine', FAHUO_WINDOW: '256', REDIS_URL: null });
  });

  it('is the same with the file that `fahuo init` writes as with none', () => {
    const { shown, given } = readConfig(parseEnv(envText()));
    expect({ shown, given }).toEqual({ shown: readConfig({}).shown, given: [] });
  });

  it('refuses a lease that a call could outlive', () => {
    expect(() => readConfig({ FAHUO_LEASE_MS: '5000', FAHUO_CALL_TIMEOUT_MS: '4000' })).toThrow(
      'FAHUO_LEASE_MS',
    );
  });

  it('takes the address of a service called fahuo-http for no port, and says so', () => {
    const config = readConfig({ FAHUO_HTTP_PORT: 'tcp://10.96.0.7:9470' });
    expect(config.http.port).toBe(9470);
    expect(config.notices).toMatchObject([
      { level: 'info', text: expect.stringContaining('FAHUO_HTTP_PORT is tcp://10.96.0.7:9470') as string },
    ]);
    expect(() => readConfig({ FAHUO_HTTP_PORT: 'http://10.96.0.7' })).toThrow('must be a number');
  });

  it('says which setting a command cannot do without', () => {
    expect(() => required(readConfig({}).database.url, databaseSettings.url)).toThrow(
      'DATABASE_URL is not set',
    );
  });
});

describe('the apps', () => {
  it('are the one of the environment, or those of a file', () => {
    expect(readApps(readConfig({ WECHAT_APPID: 'wx1', WECHAT_SECRET: 's' }))).toMatchObject([
      { appid: 'wx1', token: { mode: 'stable', secret: 's' }, parcelLists: 'cumulative' },
    ]);
    const file = fileWith(
      '[{"appid":"a","secret":"s","max_calls_per_second":5},{"appid":"b","secret":"t","parcel_lists":"delta"}]',
    );
    expect(readApps(readConfig({ FAHUO_APPS_FILE: file }))).toMatchObject([
      { appid: 'a', maxCallsPerSecond: 5, parcelLists: 'cumulative' },
      { appid: 'b', maxCallsPerSecond: undefined, parcelLists: 'delta' },
    ]);
    expect(
      readApps(readConfig({ FAHUO_APPS_FILE: fileWith('\ufeff[{"appid":"a","secret":"s"}]') })),
    ).toHaveLength(1);
    expect(() => readApps(readConfig({ FAHUO_APPS_FILE: fileWith(Buffer.from('c6bbb9fb', 'hex')) }))).toThrow(
      /FAHUO_APPS_FILE \S+ is no UTF-8 text/,
    );
    const noSecret = fileWith('[{"appid":"a"}]');
    expect(() => readApps(readConfig({ FAHUO_APPS_FILE: noSecret }))).toThrow(
      `FAHUO_APPS_FILE ${noSecret}: app 1 (a): secret is missing`,
    );
    expect(() => readApps(readConfig({ WECHAT_APPID: 'wx1' }))).toThrow('WECHAT_SECRET is not set');
  });

  it('may have their tokens from elsewhere, and then need no secret', () => {
    const external = { WECHAT_APPID: 'wx1', FAHUO_TOKEN_MODE: 'external' };
    const tokenOf = (env: Record<string, string>) => readApps(readConfig({ ...external, ...env }))[0]?.token;
    expect(
      tokenOf({ FAHUO_TOKEN_URL: 'http://t/{appid}', FAHUO_TOKEN_BEARER_FILE: fileWith('b\n') }),
    ).toEqual({
      mode: 'external',
      from: { kind: 'url', url: 'http://t/wx1', bearer: 'b' },
    });
    expect(tokenOf({ FAHUO_TOKEN_COMMAND: "/opt/token '{appid}'" })).toEqual({
      mode: 'external',
      from: { kind: 'command', argv: ['/opt/token', 'wx1'] },
    });
    expect(tokenOf({ FAHUO_TOKEN_MODE: 'none' })).toEqual({ mode: 'none' });
    expect(() => tokenOf({ FAHUO_TOKEN_COMMAND: 'a | b' })).toThrow('FAHUO_TOKEN_COMMAND holds |');
    const shown = readConfig({ ...external, FAHUO_TOKEN_URL: 'http://t/?key=hush' }).shown;
    expect(JSON.stringify(shown)).not.toContain('hush');
  });

  it.each<[Record<string, string>, string]>([
    [
      { FAHUO_TOKEN_MODE: 'external' },
      'FAHUO_TOKEN_MODE is external, and neither FAHUO_TOKEN_URL nor FAHUO_TOKEN_COMMAND is set',
    ],
    [
      { FAHUO_TOKEN_URL: 'http://t' },
      'FAHUO_TOKEN_URL is set, and FAHUO_TOKEN_MODE is stable: it must be external',
    ],
    [
      { FAHUO_TOKEN_COMMAND: 'c', FAHUO_TOKEN_MODE: 'none' },
      'FAHUO_TOKEN_COMMAND is set, and FAHUO_TOKEN_MODE is none: it must be external',
    ],
    [
      { FAHUO_TOKEN_MODE: 'external', FAHUO_TOKEN_URL: 'http://t', FAHUO_TOKEN_COMMAND: 'c' },
      'FAHUO_TOKEN_URL and FAHUO_TOKEN_COMMAND are both set: keep one of them',
    ],
    [
      { FAHUO_TOKEN_MODE: 'external', FAHUO_TOKEN_COMMAND: 'c', FAHUO_TOKEN_BEARER: 'b' },
      'FAHUO_TOKEN_BEARER is set, and FAHUO_TOKEN_URL is not',
    ],
  ])('%j is a contradiction: %s', (env, problem) => {
    expect(() => readConfig(env)).toThrow(problem);
  });

  describe('of the webhook', () => {
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    const url = 'https://shop.example/fahuo';
    const set = { FAHUO_ACK_WEBHOOK_URL: url, FAHUO_ACK_WEBHOOK_SECRET: secret };

    it.each<[Record<string, string>, string]>([
      [{ FAHUO_ACK_WEBHOOK_URL: url }, 'FAHUO_ACK_WEBHOOK_SECRET is not: the shop could not tell'],
      [{ FAHUO_ACK_WEBHOOK_SECRET: secret }, 'FAHUO_ACK_WEBHOOK_URL is not: nothing is posted'],
      [{ ...set, FAHUO_ACK_TOPIC: 'false' }, 'FAHUO_ACK_TOPIC is false: webhooks carry what that topic has'],
      [
        { ...set, FAHUO_ACK_WEBHOOK_URL: 'http://u:hush@shop:8080/key' },
        'FAHUO_ACK_WEBHOOK_URL is at http://shop:8080, in the clear: it must begin with https://, unless',
      ],
      [{ ...set, FAHUO_ACK_WEBHOOK_URL: 'http://127.0.0.1.nip.io/' }, 'in the clear'],
      [
        { ...set, FAHUO_ACK_WEBHOOK_URL: 'ftp://shop/' },
        '(hidden): must be a URL with the scheme https or http',
      ],
      [{ ...set, FAHUO_ACK_WEBHOOK_URL: 'https://u:%zz@shop/' }, '(hidden): has a name or password with a %'],
      [{ ...set, FAHUO_ACK_WEBHOOK_SECRET: 'whsec_short' }, '(hidden): must be whsec_ and 24 to 64 bytes'],
      [{ ...set, FAHUO_ACK_WEBHOOK_SECRET: `${secret} ${secret.slice(6)}` }, '(hidden): must be whsec_'],
      // Java's decoder takes neither, and every webhook would be refused for its signature.
      [{ ...set, FAHUO_ACK_WEBHOOK_SECRET: `${secret}a` }, '(hidden): must be whsec_'],
      [{ ...set, FAHUO_ACK_WEBHOOK_SECRET: `${secret}=` }, '(hidden): must be whsec_'],
    ])('%j is refused: %s', (env, problem) => {
      expect(() => readConfig(env)).toThrow(problem);
    });

    it.each([
      set,
      { ...set, FAHUO_ACK_WEBHOOK_SECRET: `${secret}  ${secret}` },
      { ...set, FAHUO_ACK_WEBHOOK_URL: 'http://localhost:1/' },
      { ...set, FAHUO_ACK_WEBHOOK_URL: 'http://127.0.0.1/' },
      { ...set, FAHUO_ACK_WEBHOOK_URL: 'http://[::1]:8080/' },
      { ...set, FAHUO_ACK_WEBHOOK_URL: 'http://shop.internal/', FAHUO_WEBHOOK_ALLOW_HTTP: 'true' },
    ])('%j is taken, and shown nowhere', (env) => {
      const config = readConfig(env);
      expect(config.webhook.url).toBe(env.FAHUO_ACK_WEBHOOK_URL);
      expect(JSON.stringify(config.shown)).not.toMatch(/whsec|shop|localhost/);
    });
  });

  it('of a file may use what else would be a contradiction', () => {
    const file = fileWith('[{"appid":"a","token_mode":"external"},{"appid":"b","secret_file":"b.secret"}]');
    writeFileSync(join(file, '..', 'b.secret'), 'hush\n'); // beside the file, wherever the process runs
    const config = readConfig({ FAHUO_APPS_FILE: file, FAHUO_TOKEN_URL: 'http://t/{appid}' });
    expect(readApps(config).map(({ token }) => token)).toEqual([
      { mode: 'external', from: { kind: 'url', url: 'http://t/a', bearer: undefined } },
      { mode: 'stable', secret: 'hush' },
    ]);
  });
});

describe('the keys of the message push', () => {
  const key = 'A'.repeat(43);
  const other = 'B'.repeat(43);
  const bytes = (text: string) => Buffer.from(`${text}=`, 'base64');

  /** Of these apps, those that have keys. */
  function keysIn(env: Record<string, string>, appids: readonly string[]): unknown[] {
    const apps = createAppSet(readPushedApps(readConfig(env)));
    const found = appids.flatMap((appid) => pushKeysOf(apps, appid) ?? []);
    expect(hasPushKeys(apps)).toBe(found.length > 0);
    return found;
  }

  it('are those of the environment, present and previous, and none where there is no token', () => {
    expect(keysIn({}, ['wx1'])).toEqual([]);
    expect(keysIn({ WECHAT_APPID: 'wx1', WECHAT_SECRET: 's' }, ['wx1'])).toEqual([]);
    expect(keysIn({ WECHAT_PUSH_TOKEN: 't' }, ['wx1'])).toEqual([]);
    const one = { WECHAT_APPID: 'wx1', WECHAT_PUSH_TOKEN: 't' };
    expect(keysIn(one, ['wx1', 'wx2'])).toEqual([{ appid: 'wx1', tokens: ['t'], aesKeys: [] }]);
    const all = {
      ...one,
      WECHAT_PUSH_AES_KEY_FILE: fileWith(`${key}\n`),
      WECHAT_PUSH_PREVIOUS_TOKEN: 'u',
      WECHAT_PUSH_PREVIOUS_AES_KEY: other,
    };
    expect(keysIn(all, ['wx1'])).toEqual([
      { appid: 'wx1', tokens: ['t', 'u'], aesKeys: [bytes(key), bytes(other)] },
    ]);
  });

  it('are those of the third-party platform, whose appid stands within', () => {
    const env = { WECHAT_APPID: 'wx1', WECHAT_PUSH_TOKEN: 't', WECHAT_PUSH_COMPONENT_APPID: 'wx9' };
    expect(keysIn({ ...env, WECHAT_PUSH_AES_KEY: key }, ['wx1', 'wx9'])).toEqual([
      { appid: 'wx9', tokens: ['t'], aesKeys: [bytes(key)] },
    ]);
    expect(() => readConfig(env)).toThrow(
      'WECHAT_PUSH_COMPONENT_APPID is set, and WECHAT_PUSH_AES_KEY is not: the pushes of a platform are encrypted',
    );
    expect(() => readConfig({ WECHAT_PUSH_COMPONENT_APPID: 'wx9' })).toThrow(
      'WECHAT_PUSH_COMPONENT_APPID is set, and WECHAT_PUSH_TOKEN is not',
    );
  });

  it('come with the app where it calls WeChat, too', () => {
    const env = { WECHAT_APPID: 'wx1', WECHAT_SECRET: 's', WECHAT_PUSH_TOKEN: 't' };
    expect(readApps(readConfig(env))).toMatchObject([{ appid: 'wx1', push: { token: 't' } }]);
  });

  it('are those of a file, for the apps that have some', () => {
    const file = fileWith(
      JSON.stringify([
        { appid: 'a', secret: 's' },
        { appid: 'b', secret: 's', push: { token: 't' } },
        {
          appid: 'c',
          secret: 's',
          push: { token: 't', aes_key: key, previous_token: 'u', previous_aes_key: other },
        },
      ]),
    );
    expect(keysIn({ FAHUO_APPS_FILE: file, WECHAT_PUSH_TOKEN: 'of nobody' }, ['a', 'b', 'c'])).toEqual([
      { appid: 'b', tokens: ['t'], aesKeys: [] },
      { appid: 'c', tokens: ['t', 'u'], aesKeys: [bytes(key), bytes(other)] },
    ]);
    const wrong = fileWith(`[{"appid":"a","secret":"s","push":{"token":"t","aes_key":"${key}x"}}]`);
    expect(() => readApps(readConfig({ FAHUO_APPS_FILE: wrong }))).toThrow(
      'app 1 (a): push.aes_key is (hidden): must be an EncodingAESKey: 43 letters, digits, + or /',
    );
  });

  it('are refused where they are none, and where the token is missing', () => {
    expect(() => readConfig({ WECHAT_PUSH_TOKEN: 't', WECHAT_PUSH_AES_KEY: key.slice(1) })).toThrow(
      'WECHAT_PUSH_AES_KEY is "(hidden)"'.replaceAll('"', ''),
    );
    for (const name of ['WECHAT_PUSH_AES_KEY', 'WECHAT_PUSH_PREVIOUS_AES_KEY'])
      expect(() => readConfig({ [name]: key })).toThrow(`${name} is set, and WECHAT_PUSH_TOKEN is not`);
    expect(() => readConfig({ WECHAT_PUSH_PREVIOUS_TOKEN: 't' })).toThrow(
      'WECHAT_PUSH_PREVIOUS_TOKEN is set, and WECHAT_PUSH_TOKEN is not',
    );
  });

  it('are never shown', () => {
    const config = readConfig({
      WECHAT_PUSH_TOKEN: 'a token',
      WECHAT_PUSH_AES_KEY: key,
      WECHAT_PUSH_PREVIOUS_TOKEN: 'a former token',
    });
    expect(JSON.stringify(config.shown)).not.toMatch(/a token|a former token|AAAA/);
  });
});
