import { mkdtempSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAdmin } from '../../../src/kafka/admin.ts';
import type { KafkaConnection } from '../../../src/kafka/connection.ts';
import { runConsumerGroup } from '../../../src/kafka/consumer.ts';
import { createPublisher } from '../../../src/kafka/publisher.ts';
import { createLog } from '../../../src/log.ts';
import { readConfig } from '../../../src/roles/config.ts';
import { kafkaConnection } from '../../../src/roles/services.ts';
import { createAuthority, type Authority, type Issued } from '../../support/certificates.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { shippedEvent } from '../../support/events.ts';
import { eventually } from '../../support/eventually.ts';
import { startFahuo } from '../../support/fahuo-process.ts';
import { uniqueName } from '../../support/names.ts';
import { kafkaUser, startSecureKafka, type SecureKafka } from '../../support/secure-kafka.ts';
import { wrongSetting, wrongStart } from '../../support/wrong-start.ts';

const log = createLog({ level: 'silent' });
const dir = mkdtempSync(join(tmpdir(), 'fahuo-secure-kafka-'));
const topic = 'secured';
let secure: SecureKafka;
let database: TestDatabase;
let stranger: Authority;
let client: Issued;
let locked: Issued;

beforeAll(async () => {
  [secure, database] = await Promise.all([startSecureKafka(dir), createDatabase()]);
  stranger = createAuthority('a stranger');
  client = secure.authority.issue({ name: 'fahuo' });
  locked = secure.authority.issue({ name: 'fahuo', passphrase: 'open: sesame' });
  const admin = createAdmin({ brokers: [secure.at.plain], clientId: 'test' }, log);
  for (const name of [topic, `${topic}.acks`, `${topic}.dead-letters`]) await admin.createTopic(name, 1);
  await admin.close();
}, 120_000);
afterAll(async () => {
  await database.drop();
  await secure.stop();
});

type At = keyof SecureKafka['at'];
type Env = Record<string, string>;
const envAt = (at: At, more: Env = {}): Env => ({
  DATABASE_URL: database.url,
  KAFKA_BROKERS: secure.at[at],
  KAFKA_TOPIC: topic,
  KAFKA_REQUEST_TIMEOUT_MS: '3000',
  WECHAT_APPID: 'wx0123456789abcdef',
  WECHAT_SECRET: 'secret',
  WECHAT_BASE_URL: 'http://127.0.0.1:1',
  ...more,
});
const trusting = (): Env => ({ KAFKA_SSL: 'true', KAFKA_SSL_CA_FILE: secure.authority.caFile });
const showing = ({ certFile, keyFile }: Issued): Env => ({
  KAFKA_SSL_CERT_FILE: certFile,
  KAFKA_SSL_KEY_FILE: keyFile,
});
const login = (mechanism: string, password = kafkaUser.password): Env => ({
  KAFKA_SASL_MECHANISM: mechanism,
  KAFKA_SASL_USERNAME: kafkaUser.username,
  KAFKA_SASL_PASSWORD: password,
});
const fileWith = (text: string): string => {
  const path = join(mkdtempSync(join(dir, 'file-')), 'file');
  writeFileSync(path, text);
  return path;
};

/** Both libraries on one connection: the producer of one, the group and the admin of the other. */
async function carries(connection: KafkaConnection): Promise<boolean> {
  const admin = createAdmin(connection, log);
  const publisher = createPublisher(connection);
  const stop = new AbortController();
  const value = uniqueName('value');
  try {
    expect(await admin.partitionCount(topic)).toBe(1);
    const messages = [{ key: 'k', value, headers: {} }];
    const published = await publisher.publish(topic, [{ partition: 0, messages }]);
    expect(published).toMatchObject({ kind: 'published' });
    const seen = Promise.withResolvers<boolean>();
    const group = runConsumerGroup(
      connection,
      {
        groupId: uniqueName('group'),
        topic,
        sessionTimeoutMs: 6_000,
        log,
        readNoted: () => Promise.resolve(new Map()),
        onBatch: ({ messages: batch }) => {
          if (batch.some((one) => String(one.value) === value)) seen.resolve(true);
          return Promise.resolve(true);
        },
      },
      stop.signal,
    );
    const result = await Promise.race([seen.promise, group.then(() => false)]);
    stop.abort();
    await group;
    return result;
  } finally {
    stop.abort();
    await publisher.close();
    await admin.close();
  }
}

const ways: [string, () => Env][] = [
  ['TLS with an authority of our own', () => envAt('tls', trusting())],
  ['mutual TLS', () => envAt('mutual', { ...trusting(), ...showing(client) })],
  [
    'mutual TLS, the key encrypted',
    () =>
      envAt('mutual', {
        ...trusting(),
        ...showing(locked),
        KAFKA_SSL_KEY_PASSWORD_FILE: fileWith('open: sesame\n'),
      }),
  ],
  [
    'a certificate of another name, with the name that it has',
    () => envAt('misnamed', { ...trusting(), KAFKA_SSL_SERVER_NAME: 'kafka.cluster.example' }),
  ],
  [
    'a certificate that names no host of ours, its authority verified',
    () => envAt('misnamed', { ...trusting(), KAFKA_SSL_VERIFY_HOSTNAME: 'false' }),
  ],
  ['SASL_SSL, PLAIN', () => envAt('login', { ...trusting(), ...login('PLAIN') })],
  ['SASL_SSL, SCRAM-SHA-256', () => envAt('login', { ...trusting(), ...login('SCRAM-SHA-256') })],
  ['SASL_SSL, SCRAM-SHA-512', () => envAt('login', { ...trusting(), ...login('scram-sha-512') })],
  ['SASL_PLAINTEXT, PLAIN', () => envAt('clear', login('plain'))],
  [
    'SASL_PLAINTEXT, the password from a file',
    () =>
      envAt('clear', {
        ...login('SCRAM-SHA-512', ''),
        KAFKA_SASL_PASSWORD_FILE: fileWith(`${kafkaUser.password}\n`),
      }),
  ],
];

describe('a cluster that is secured', () => {
  it.each(ways)('is spoken to by producer, consumer and admin: %s', async (_name, env) => {
    expect(await carries(kafkaConnection(readConfig(env())))).toBe(true);
  });

  it('takes a client certificate that was renewed, at the next connection of whoever was there before', async () => {
    const { certFile, keyFile } = stranger.issue({ name: 'fahuo' });
    const env = envAt('mutual', { ...trusting(), ...showing({ ...client, certFile, keyFile }) });
    const connection = kafkaConnection(readConfig(env));
    const admin = createAdmin(connection, log);
    await expect(admin.partitionCount(topic)).rejects.toThrow('refuses our client certificate');
    writeFileSync(certFile, client.certificate);
    writeFileSync(keyFile, client.key);
    expect(await admin.partitionCount(topic)).toBe(1);
    await admin.close();
    expect(await carries(connection)).toBe(true);
  });

  it('is told the name of the host, as proxies that route by it need', async () => {
    const told: (string | false | null)[] = [];
    const { certificate: cert, key } = secure.authority.issue({ name: 'x', hosts: ['localhost'] });
    const proxy = createServer({ cert, key }, (socket) => {
      told.push(socket.servername);
      socket.destroy();
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const brokers = `localhost:${(proxy.address() as AddressInfo).port}`;
    const connection = kafkaConnection(readConfig(envAt('tls', { ...trusting(), KAFKA_BROKERS: brokers })));
    const publisher = createPublisher(connection);
    await publisher.publish(topic, [{ partition: 0, messages: [] }]);
    await publisher.close();
    expect(told).toEqual(['localhost']);
    const admin = createAdmin(connection, log);
    await expect(admin.partitionCount(topic)).rejects.toThrow('Kafka at localhost');
    await admin.close();
    proxy.close();
    expect(new Set(told)).toEqual(new Set(['localhost']));
  });
});

const wrongOnes: [string, () => Env, RegExp][] = [
  [
    'an authority that we do not know',
    () => envAt('tls', { KAFKA_SSL: 'true' }),
    /no authority .*\nLet KAFKA_SSL_CA_FILE/,
  ],
  [
    'an unknown authority, whatever Node is told',
    () => envAt('tls', { KAFKA_SSL: 'true', NODE_TLS_REJECT_UNAUTHORIZED: '0' }),
    /no authority /,
  ],
  [
    'another authority than the one that we know',
    () => envAt('tls', { ...trusting(), KAFKA_SSL_CA_FILE: stranger.caFile }),
    /no authority that is trusted here signed its certificate \(it is signed by the brokers’ authority\) \(TLS_FAILED\)\nLet KAFKA_SSL_CA_FILE/,
  ],
  [
    'an unknown authority of a certificate whose name is not verified',
    () => envAt('misnamed', { KAFKA_SSL: 'true', KAFKA_SSL_VERIFY_HOSTNAME: 'false' }),
    /no authority .*\nLet KAFKA_SSL_CA_FILE/,
  ],
  [
    'an expired certificate',
    () => envAt('expired', trusting()),
    /its certificate has expired \(on .* GMT\).*\nRenew the certificate/,
  ],
  [
    'a certificate of another name',
    () => envAt('misnamed', trusting()),
    /for another name \(DNS:kafka\.cluster\.example; we look for 127\.0\.0\.1\).*\nSet KAFKA_SSL_SERVER_NAME .*KAFKA_SSL_VERIFY_HOSTNAME=false/,
  ],
  [
    'a client certificate that is missing',
    () => envAt('mutual', trusting()),
    /wants a client certificate.*\nSet KAFKA_SSL_CERT_FILE/,
  ],
  [
    'a client certificate of an authority that the brokers do not know',
    () => envAt('mutual', { ...trusting(), ...showing(stranger.issue({ name: 'fahuo' })) }),
    /refuses our client certificate.*\nLet KAFKA_SSL_CERT_FILE/,
  ],
  [
    'TLS spoken to a port without it',
    () => envAt('plain', trusting()),
    /does not answer in TLS.*\nSet KAFKA_SSL=false/,
  ],
  [
    'a port of TLS spoken to without it',
    () => envAt('tls'),
    /speaks TLS, and we do not.*\nSet KAFKA_SSL=true/,
  ],
  [
    'a port of SASL_SSL spoken to without TLS',
    () => envAt('login', login('PLAIN')),
    /speaks TLS, and we do not.*\nSet KAFKA_SSL=true/,
  ],
  [
    'a wrong password by SCRAM',
    () => envAt('login', { ...trusting(), ...login('SCRAM-SHA-512', 'wrong') }),
    /refuses the login \(.*invalid credentials.*\(LOGIN_REFUSED\)\nCheck KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD/,
  ],
  [
    'a wrong password by PLAIN',
    () => envAt('clear', login('PLAIN', 'wrong')),
    /refuses the login \(.*Invalid username or password\).*\nCheck KAFKA_SASL_USERNAME/,
  ],
  [
    'a login that is missing',
    () => envAt('clear'),
    /wants a login, and none is set \(PLAIN, SCRAM-SHA-256, SCRAM-SHA-512\).*\nSet KAFKA_SASL_MECHANISM/,
  ],
  [
    'a login that is missing, over TLS',
    () => envAt('login', trusting()),
    /wants a login.*\nSet KAFKA_SASL_MECHANISM/,
  ],
  [
    'a login where none is taken',
    () => envAt('plain', login('PLAIN')),
    /takes no login.*\nLeave KAFKA_SASL_MECHANISM empty/,
  ],
  [
    'a mechanism that the broker does not take',
    () => envAt('onlyScram', login('PLAIN')),
    /does not take the SASL mechanism that is set \(it takes SCRAM-SHA-512\).*\nSet KAFKA_SASL_MECHANISM/,
  ],
];

describe('a start that a secured cluster refuses', () => {
  it.each(wrongOnes)('says one line and its remedy, as doctor does: %s', async (_name, env, says) => {
    expect(await wrongStart(env(), 'kafka')).toMatch(says);
  });
});

const notPem = (): string => fileWith('hello');
const wrongFiles: [string, () => Env, RegExp][] = [
  [
    'a file that is not there',
    () => ({ ...trusting(), KAFKA_SSL_CA_FILE: '/nowhere/ca.pem' }),
    /KAFKA_SSL_CA_FILE cannot be read: ENOENT/,
  ],
  [
    'a file that is empty',
    () => ({ ...trusting(), KAFKA_SSL_CA_FILE: fileWith('\n') }),
    /KAFKA_SSL_CA_FILE: \S+ is empty/,
  ],
  [
    'a file that is no PEM',
    () => ({ ...trusting(), KAFKA_SSL_CA_FILE: notPem() }),
    /KAFKA_SSL_CA_FILE: \S+ holds no certificate in PEM/,
  ],
  [
    'a client certificate that has expired',
    () => ({ ...trusting(), ...showing(secure.authority.issue({ name: 'fahuo', validTo: -1 })) }),
    /KAFKA_SSL_CERT_FILE: the certificate in \S+ expired on/,
  ],
  [
    'the key of another certificate',
    () => ({
      ...trusting(),
      ...showing(client),
      KAFKA_SSL_KEY_FILE: secure.authority.issue({ name: 'x' }).keyFile,
    }),
    /KAFKA_SSL_KEY_FILE: the key in \S+ is not that of KAFKA_SSL_CERT_FILE/,
  ],
  [
    'an encrypted key without its password',
    () => ({ ...trusting(), ...showing(locked) }),
    /KAFKA_SSL_KEY_PASSWORD is not set/,
  ],
  [
    'the wrong password of a key',
    () => ({ ...trusting(), ...showing(locked), KAFKA_SSL_KEY_PASSWORD: 'wrong' }),
    /KAFKA_SSL_KEY_PASSWORD does not open the key/,
  ],
  [
    'a password file that is empty',
    () => ({ ...trusting(), ...login('PLAIN', ''), KAFKA_SASL_PASSWORD_FILE: fileWith('\n') }),
    /KAFKA_SASL_PASSWORD_FILE: \S+ is empty/,
  ],
];

describe('a file that is wrong', () => {
  it.each(wrongFiles)('is named by its setting before anything is opened: %s', async (_name, env, says) => {
    expect(await wrongSetting(envAt('tls', env()))).toMatch(says);
  });
});

describe('a cluster whose password changes while fahuo runs', () => {
  it('is waited for with its name, and gone on with when it is mended', async () => {
    const env = envAt('login', { ...trusting(), ...login('SCRAM-SHA-512'), FAHUO_HTTP_PORT: '0' });
    const group = uniqueName('rotated');
    const running = await startFahuo(['run', '--roles', 'relay,consume,console'], {
      ...env,
      KAFKA_GROUP: group,
    });
    let said = '';
    running.child.stderr?.on('data', (data: Buffer) => (said += String(data)));
    const readiness = async (): Promise<string> => (await fetch(`${running.http}/readyz`)).text();
    const { pool } = database;
    const enqueue = (payment: string): Promise<unknown> =>
      pool.query('select fahuo.enqueue($1::text)', [JSON.stringify(shippedEvent({ payment }))]);
    const untilAccepted = (rows: number): Promise<void> =>
      eventually(async () => {
        expect((await pool.query('select from fahuo.upload')).rowCount).toBe(rows);
      }, 60_000);
    /** The probe of an orchestrator and the log name it, and the process lives. */
    const untilSaid = async (words: RegExp): Promise<void> => {
      said = '';
      await eventually(async () => expect(await readiness()).toMatch(words), 60_000);
      await eventually(() => expect(said.slice(-2_000)).toMatch(words), 60_000);
      expect(running.child.exitCode).toBeNull();
    };
    try {
      expect(await readiness()).toContain('"ready":true');
      await enqueue('4200001234202611230000000001');
      await untilAccepted(1);
      await secure.setPassword('rotated');
      secure.cutLogins();
      await untilSaid(/it refuses the login/);
      await secure.setPassword(kafkaUser.password);
      await enqueue('4200001234202611230000000002');
      await untilAccepted(2);
      expect(await running.stop()).toBe(0);
    } finally {
      await running.kill();
    }
  }, 240_000);
});
