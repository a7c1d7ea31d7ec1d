import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Admin, alterUserScramCredentialsV0, ScramMechanisms } from '@platformatic/kafka';
import { startKafka } from '../../src/parts/kafka.ts';
import { freePort } from '../../src/parts/process.ts';
import { createAuthority, type Authority, type Issued } from './certificates.ts';
import { createTcpProxy } from './proxy.ts';

export const kafkaUser = { username: 'shop', password: 'rig:ht, wi%h signs=' };

/** Kafka takes the names of listeners in any case, and keeps those of its properties small. */
type Listener = {
  protocol: 'SSL' | 'SASL_SSL' | 'SASL_PLAINTEXT';
  certificate?: Issued;
  clients?: boolean;
  mechanisms?: string;
};

/** One broker that listens in every way; what a listener is called says what is right or wrong with it. */
export type SecureKafka = {
  authority: Authority;
  /** host:port by listener; `plain` is the one without TLS and without a login. */
  at: Readonly<
    Record<'plain' | 'tls' | 'mutual' | 'login' | 'clear' | 'onlyScram' | 'expired' | 'misnamed', string>
  >;
  setPassword: (password: string) => Promise<void>;
  /** Ends the connections of the listener `login`: one that is open stays logged in. */
  cutLogins: () => void;
  stop: () => Promise<void>;
};

const everyMechanism = 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512';

export async function startSecureKafka(dir: string): Promise<SecureKafka> {
  const authority = createAuthority('the brokers’ authority');
  const good = authority.issue({ name: 'broker', hosts: ['localhost', '127.0.0.1'] });
  const expired = authority.issue({ name: 'broker', hosts: ['localhost', '127.0.0.1'], validTo: -1 });
  const misnamed = authority.issue({ name: 'broker', hosts: ['kafka.cluster.example'] });
  const stores = mkdtempSync(join(tmpdir(), 'fahuo-stores-'));
  chmodSync(stores, 0o755);
  const store = (name: string, { key, certificate }: Issued): string => {
    const path = join(stores, `${name}.pem`);
    writeFileSync(path, `${key}${certificate}`);
    return path;
  };
  const listeners: Record<string, Listener> = {
    tls: { protocol: 'SSL', certificate: good },
    mutual: { protocol: 'SSL', certificate: good, clients: true },
    login: { protocol: 'SASL_SSL', certificate: good },
    clear: { protocol: 'SASL_PLAINTEXT' },
    onlyScram: { protocol: 'SASL_PLAINTEXT', mechanisms: 'SCRAM-SHA-512' },
    expired: { protocol: 'SSL', certificate: expired },
    misnamed: { protocol: 'SSL', certificate: misnamed },
  };
  const ports = new Map<string, number>();
  for (const name of Object.keys(listeners)) ports.set(name, await freePort());
  const each = Object.entries(listeners);
  const proxy = await createTcpProxy({ host: '127.0.0.1', port: ports.get('login') ?? 0 });
  const reached = new Map([...ports, ['login', proxy.port]]);
  const bound = each.map(([name]) => `${name.toUpperCase()}://127.0.0.1:${ports.get(name)}`).join(',');
  const properties = {
    listeners: bound,
    'advertised.listeners': each
      .map(([name]) => `${name.toUpperCase()}://127.0.0.1:${reached.get(name)}`)
      .join(','),
    'listener.security.protocol.map': each
      .map(([name, { protocol }]) => `${name.toUpperCase()}:${protocol}`)
      .join(','),
    ...Object.fromEntries(
      each.flatMap(([name, { protocol, certificate, clients = false, mechanisms = everyMechanism }]) => {
        const prefix = `listener.name.${name.toLowerCase()}`;
        const login = protocol === 'SSL' ? {} : loginsOf(prefix, mechanisms);
        if (certificate === undefined) return Object.entries(login);
        const path = store(name, certificate);
        return Object.entries({ ...tlsOf(prefix, { path, clients, caFile: authority.caFile }), ...login });
      }),
    ),
  };
  const kafka = await startKafka(dir, { properties });
  const at = Object.fromEntries([
    ['plain', kafka.url],
    ...each.map(([name]) => [name, `127.0.0.1:${reached.get(name)}`]),
  ]) as SecureKafka['at'];
  const setPassword = (password: string): Promise<void> => setScram(kafka.url, password);
  await setPassword(kafkaUser.password);
  return {
    authority,
    at,
    setPassword,
    cutLogins: proxy.cut,
    stop: async () => {
      proxy.close();
      await kafka.stop();
    },
  };
}

const tlsOf = (
  prefix: string,
  { path, clients, caFile }: { path: string; clients: boolean; caFile: string },
): Record<string, string> => ({
  [`${prefix}.ssl.keystore.type`]: 'PEM',
  [`${prefix}.ssl.keystore.location`]: path,
  [`${prefix}.ssl.truststore.type`]: 'PEM',
  [`${prefix}.ssl.truststore.location`]: caFile,
  [`${prefix}.ssl.client.auth`]: clients ? 'required' : 'none',
});

function loginsOf(prefix: string, mechanisms: string): Record<string, string> {
  const modules = 'org.apache.kafka.common.security';
  const scram = `${modules}.scram.ScramLoginModule required;`;
  const plain = `${modules}.plain.PlainLoginModule required user_${kafkaUser.username}="${kafkaUser.password}";`;
  return {
    [`${prefix}.sasl.enabled.mechanisms`]: mechanisms,
    [`${prefix}.plain.sasl.jaas.config`]: plain,
    [`${prefix}.scram-sha-256.sasl.jaas.config`]: scram,
    [`${prefix}.scram-sha-512.sasl.jaas.config`]: scram,
  };
}

async function setScram(brokers: string, password: string): Promise<void> {
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: [brokers] });
  const iterations = 4096;
  const [host = '', port = ''] = brokers.split(':');
  const upserts = (
    [
      [ScramMechanisms.SCRAM_SHA_256, 'sha256', 32],
      [ScramMechanisms.SCRAM_SHA_512, 'sha512', 64],
    ] as const
  ).map(([mechanism, hash, length]) => {
    const salt = randomBytes(16);
    const saltedPassword = pbkdf2Sync(password, salt, iterations, length, hash);
    return { name: kafkaUser.username, mechanism, iterations, salt, saltedPassword };
  });
  try {
    await admin.metadata({ topics: [] });
    const connection = await admin.connections.get({ host, port: Number(port) });
    for (const upsert of upserts) await alterUserScramCredentialsV0.api.async(connection, [], [upsert]);
  } finally {
    await admin.close();
  }
}
