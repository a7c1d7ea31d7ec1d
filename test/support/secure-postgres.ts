import { X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';
import pg from 'pg';
import { sleep } from '../../src/clock.ts';
import { startPostgres } from '../../src/parts/postgres.ts';
import type { LocalService } from '../../src/parts/process.ts';
import { createAuthority, type Authority, type Issued } from './certificates.ts';

export const databasePassword = 'rig:ht/ wi%h #signs';

/**
 * A Postgres that speaks TLS. The login `shop` has a password and must speak TLS, `clear` has one and need not,
 * `certified` needs a client certificate made for it, and `postgres` may do anything in the clear.
 */
export type SecurePostgres = {
  postgres: LocalService;
  authority: Authority;
  /** Of the superuser, without TLS. */
  admin: pg.Client;
  /** A URL with `?parameters`. */
  url: (login: string, parameters: string, change?: { password?: string; host?: string }) => string;
  show: (certificate: 'good' | 'expired' | 'misnamed' | 'none') => Promise<void>;
  stop: () => Promise<void>;
};

export async function startSecurePostgres(dir: string, database = 'postgres'): Promise<SecurePostgres> {
  const postgres = await startPostgres(dir);
  const authority = createAuthority('the authority of Postgres');
  const certificates = {
    good: authority.issue({ name: 'postgres', hosts: ['localhost', '127.0.0.1'] }),
    expired: authority.issue({ name: 'postgres', hosts: ['localhost', '127.0.0.1'], validTo: -1 }),
    misnamed: authority.issue({ name: 'postgres', hosts: ['db.example'] }),
  };
  const admin = new pg.Client(postgres.url);
  await admin.connect();
  // The server writes its files itself: a key must belong to the user that it runs as.
  const write = (file: string, text: string): Promise<unknown> =>
    admin.query(
      `copy (select unnest(string_to_array(${pg.escapeLiteral(text)}, e'\\n'))) to program 'umask 077; cat > ${file}'`,
    );
  for (const [name, { certificate, key }] of Object.entries(certificates)) {
    await write(`${name}.crt`, certificate);
    await write(`${name}.key`, key);
  }
  await write('ca.crt', authority.certificate);
  await write('pg_hba.conf', access);
  for (const login of ['shop', 'clear', 'certified'])
    await admin.query(`create role ${login} login superuser password ${pg.escapeLiteral(databasePassword)}`);
  const { port } = new URL(postgres.url);
  const show: SecurePostgres['show'] = async (certificate) => {
    const settings =
      certificate === 'none'
        ? ["ssl = 'off'"]
        : [
            "ssl = 'on'",
            "ssl_ca_file = 'ca.crt'",
            `ssl_cert_file = '${certificate}.crt'`,
            `ssl_key_file = '${certificate}.key'`,
          ];
    for (const one of settings) await admin.query(`alter system set ${one}`);
    await reload(admin);
    const wanted = certificate === 'none' ? null : new X509Certificate(certificates[certificate].certificate);
    while ((await shown(Number(port))) !== (wanted?.fingerprint256 ?? null)) await sleep(20);
  };
  await show('good');
  return {
    postgres,
    authority,
    admin,
    show,
    url: (login, parameters, { password = databasePassword, host = '127.0.0.1' } = {}) =>
      `postgres://${login}:${encodeURIComponent(password)}@${host}:${port}/${database}?${parameters}`,
    stop: async () => {
      await admin.end();
      await postgres.stop();
    },
  };
}

const access = `local all all trust
host all postgres 127.0.0.1/32 trust
hostssl all shop 127.0.0.1/32 scram-sha-256
host all clear 127.0.0.1/32 scram-sha-256
hostssl all certified 127.0.0.1/32 cert`;

/** New sessions see it once the postmaster has read it again. */
async function reload(admin: pg.Client): Promise<void> {
  const loaded = async (): Promise<string | undefined> =>
    (await admin.query<{ at: string }>('select pg_conf_load_time()::text as at')).rows[0]?.at;
  const before = await loaded();
  await admin.query('select pg_reload_conf()');
  while ((await loaded()) === before) await admin.query('select pg_sleep(0.02)');
}

/**
 * The certificate that a new connection meets; null without TLS. The postmaster tells its sessions of new settings
 * before it loads its own certificate: a client that is quick would still get the old one.
 */
function shown(port: number): Promise<string | null> {
  const { promise, resolve } = Promise.withResolvers<string | null>();
  const socket = connect({
    host: '127.0.0.1',
    port,
    ALPNProtocols: ['postgresql'],
    rejectUnauthorized: false,
  });
  socket.once('secureConnect', () => resolve(socket.getPeerCertificate().fingerprint256));
  socket.once('error', () => resolve(null));
  socket.once('close', () => resolve(null));
  return promise.finally(() => socket.destroy());
}

export const issuedFor = (authority: Authority, login: string, passphrase?: string): Issued =>
  authority.issue({ name: login, ...(passphrase === undefined ? {} : { passphrase }) });
