import { connect } from 'node:net';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort, runToEnd, startProgram, type LocalService } from '../../src/parts/process.ts';
import { createAuthority, type Authority } from './certificates.ts';

export const redisLogin = { user: 'shop', password: 'rig:ht/ wi%h' };

/** A Redis with a port for TLS and one without; `default` may do nothing, and `shop` has a password. */
export type SecureRedis = {
  service: LocalService;
  authority: Authority;
  /** The user of the ACL, on the port without TLS. */
  admin: Redis;
  ports: { tls: number; plain: number };
  show: (certificate: 'good' | 'expired' | 'misnamed') => Promise<void>;
  wantClients: (wanted: boolean) => Promise<void>;
  stop: () => Promise<void>;
};

/** Why the Redis of this machine cannot be tested, or null. */
export async function redisWithoutTls(): Promise<string | null> {
  const said = await runToEnd('redis-server', ['--tls-port', 'no']).catch((error: unknown) => String(error));
  return said.includes('Bad directive') || said.includes('wrong number of arguments') ? said : null;
}

export async function startSecureRedis(dir: string): Promise<SecureRedis> {
  const authority = createAuthority('the authority of Redis');
  const certificates = {
    good: authority.issue({ name: 'redis', hosts: ['localhost', '127.0.0.1'] }),
    expired: authority.issue({ name: 'redis', hosts: ['localhost', '127.0.0.1'], validTo: -1 }),
    misnamed: authority.issue({ name: 'redis', hosts: ['redis.example'] }),
  };
  const ports = { tls: await freePort(), plain: await freePort() };
  const home = mkdtempSync(join(dir, 'redis-'));
  const { user, password } = redisLogin;
  const settings: Record<string, string[]> = {
    port: [String(ports.plain)],
    'tls-port': [String(ports.tls)],
    bind: ['127.0.0.1'],
    save: [''],
    dir: [home],
    'tls-cert-file': [certificates.good.certFile],
    'tls-key-file': [certificates.good.keyFile],
    'tls-ca-cert-file': [authority.caFile],
    'tls-auth-clients': ['no'],
    user: [user, 'on', `>${password}`, '~*', '&*', '+@all'],
  };
  const service = await startProgram(
    {
      name: 'Redis',
      command: 'redis-server',
      args: Object.entries(settings).flatMap(([name, values]) => [`--${name}`, ...values]),
      cwd: home,
      logFile: join(dir, 'redis.log'),
      stopSignal: 'SIGTERM',
      ready: () => listens(ports.plain),
      readyWithinMs: 20_000,
    },
    `redis://127.0.0.1:${ports.plain}`,
  );
  const admin = new Redis({ port: ports.plain, username: user, password });
  admin.on('error', () => undefined); // a test may take its rights away
  await admin.acl('SETUSER', 'default', 'off');
  return {
    service,
    authority,
    admin,
    ports,
    show: async (certificate) => {
      const { certFile, keyFile } = certificates[certificate];
      await admin.config('SET', 'tls-cert-file', certFile, 'tls-key-file', keyFile);
    },
    wantClients: async (wanted) => {
      await admin.config('SET', 'tls-auth-clients', wanted ? 'yes' : 'no');
    },
    stop: async () => {
      admin.disconnect();
      await service.stop();
    },
  };
}

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
