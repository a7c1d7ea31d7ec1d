import { connect, isIP } from 'node:net';
import { Redis } from 'ioredis';
import { faultError, faultOf, type Found, type Remedies } from '../connection-fault.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { probeTls, type Address } from '../tls-probe.ts';
import type { TlsOptions } from '../tls.ts';
import type { Config } from './config.ts';
import { tlsOptions } from './tls-settings.ts';

const login = 'Check user and password in REDIS_URL; what is no letter or digit is written as %XX there.';
export const redisRemedies: Remedies = {
  unknown_authority: 'Let REDIS_SSL_CA_FILE name the PEM file of the authority that signed it.',
  expired: 'Renew the certificate of Redis, and look at the clock of this host.',
  not_yet_valid: 'Look at the clock of this host, and at the certificate of Redis.',
  misnamed:
    'Set REDIS_SSL_SERVER_NAME to a name of the certificate, or REDIS_SSL_VERIFY_HOSTNAME=false: the authority is verified all the same.',
  certificate_wanted: 'Set REDIS_SSL_CERT_FILE and REDIS_SSL_KEY_FILE.',
  certificate_refused:
    'Let REDIS_SSL_CERT_FILE name a certificate that is valid now and signed by an authority that Redis trusts.',
  tls_not_spoken: 'Let REDIS_URL begin with redis://, or name the port where Redis speaks TLS.',
  tls_wanted: 'Let REDIS_URL begin with rediss://, or name a port without TLS.',
  tls_disagreed: 'Let Redis speak TLS 1.2 or 1.3.',
  login_refused: login,
  login_wanted: 'Write user and password into REDIS_URL: rediss://USER:PASSWORD@HOST:PORT.',
  login_not_taken: login,
  mechanism_not_taken: login,
};

/** @throws FahuoError CONFIG_INVALID where a file for TLS is wrong. */
export function openRedis({ redis: settings }: Config, log: Log): Redis | null {
  const { url } = settings;
  if (url === undefined) return null;
  const tls = redisTls(url, settings);
  const redis = new Redis(url, {
    maxRetriesPerRequest: 1,
    enableOfflineQueue: true,
    // A host that vanishes without a reset: its commands fail soon, and its socket makes room for another.
    connectTimeout: 3_000,
    commandTimeout: 2_000,
    socketTimeout: 5_000,
    keepAlive: 10_000,
    ...(tls === null ? {} : { tls }),
  });
  redis.on('error', (error: Error) => {
    // Whoever else listens waits for it now, and says it by itself.
    if (redis.listenerCount('error') === 1) log.warn({ err: error.message }, 'redis.connection_lost');
  });
  return redis;
}

/** ioredis tells the server no name, which proxies that route by it need; an address is none. */
function redisTls(url: string, settings: Config['redis']): TlsOptions | null {
  if (!url.startsWith('rediss:')) return null;
  const tls = tlsOptions('REDIS', settings);
  const { hostname } = new URL(url);
  if (tls.servername !== undefined || isIP(hostname) !== 0 || hostname.startsWith('[')) return tls;
  return Object.defineProperties({} as TlsOptions, {
    ...Object.getOwnPropertyDescriptors(tls),
    servername: { value: hostname, enumerable: true },
  });
}

/**
 * Asks Redis for a sign of life. One that is away is waited for, since Postgres does its work meanwhile; what a setting
 * keeps us from would be away for ever.
 * @throws FahuoError TLS_FAILED or LOGIN_REFUSED; what ioredis says where Redis is away.
 */
export async function reachRedis(redis: Redis, { redis: settings }: Config): Promise<void> {
  const { url = '' } = settings;
  let said: unknown;
  const note = (error: unknown): void => void (said ??= error);
  redis.on('error', note);
  try {
    await redis.ping();
  } catch (error) {
    const found = await examine(url, settings, [said, error]);
    const { host } = new URL(url);
    if (found !== null) throw faultError(`Redis at ${host}`, found, redisRemedies, error);
    throw error;
  } finally {
    redis.off('error', note);
  }
}

async function examine(url: string, settings: Config['redis'], errors: unknown[]): Promise<Found | null> {
  const told = errors.map(faultOf).find((found) => found !== null) ?? null;
  if (told?.fault.startsWith('login') === true) return told;
  const { hostname, port } = new URL(url);
  const address = { host: hostname.replaceAll(/^\[|\]$/g, ''), port: Number(port || 6379) };
  return (await look(address, redisTls(url, settings))) ?? told;
}

async function look(address: Address, tls: TlsOptions | null): Promise<Found | null> {
  const probed = await probeTls(address, tls ?? undefined);
  if (probed.found !== null) return probed.found;
  probed.socket?.destroy();
  const plain = tls !== null && probed.socket === null && (await answersPlainly(address));
  return plain ? { fault: 'tls_not_spoken' } : null;
}

const answersWithinMs = 2_000;

/** A Redis without TLS takes the beginning of a handshake for half a command, and waits for the rest. */
function answersPlainly({ host, port }: Address): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, host, () => socket.write('PING\r\n'));
  const end = (answered: boolean): void => {
    socket.destroy();
    resolve(answered);
  };
  socket.setTimeout(answersWithinMs, () => end(false));
  socket.once('data', (data: Buffer) => end(/^[+-]/.test(data.toString('latin1'))));
  socket.once('error', () => end(false));
  socket.once('close', () => end(false));
  return promise;
}

/** At start: a Redis that is only away is said, and waited for by whoever needs it. */
export async function reachRedisAtStart(redis: Redis | null, config: Config, log: Log): Promise<void> {
  if (redis === null) return;
  try {
    await reachRedis(redis, config);
  } catch (error) {
    if (error instanceof Error && error.name === 'FahuoError') throw error;
    log.warn({ err: messageOf(error) }, 'redis.not_reached');
  }
}
