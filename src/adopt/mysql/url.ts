import { readFileSync } from 'node:fs';
import type { ConnectionOptions, SslOptions } from 'mysql2/promise';
import { FahuoError, messageOf } from '../../errors.ts';

const modes = ['disabled', 'required', 'verify_ca', 'verify_identity'] as const;
type Mode = (typeof modes)[number];
const parameters = ['ssl-mode', 'ssl-ca', 'ssl-cert', 'ssl-key', 'socket'] as const;

/**
 * `mysql://user:password@host:3306/shop?ssl-mode=VERIFY_IDENTITY&ssl-ca=/etc/ca.pem`, with the words of MySQL's own
 * clients. Without `ssl-mode` the connection is in clear, or verified where a CA is named.
 * @throws FahuoError CONFIG_INVALID
 */
export function readMysqlUrl(
  text: string,
): ConnectionOptions & { host: string; port: number; database: string } {
  const url = parsed(text);
  const unknown = [...url.searchParams.keys()].find((name) => !parameters.includes(name as never));
  if (unknown !== undefined)
    throw invalid(`has the parameter ${unknown}, which is not one of ${parameters.join(', ')}`);
  const database = decodeURIComponent(url.pathname.slice(1));
  if (database === '') throw invalid('names no database: mysql://user:password@host:3306/shop');
  const ssl = sslOf(url.searchParams);
  const socketPath = url.searchParams.get('socket');
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? 3306 : Number(url.port),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database,
    ...(socketPath === null ? {} : { socketPath }),
    ...(ssl === undefined ? {} : { ssl }),
  };
}

function parsed(text: string): URL {
  if (!URL.canParse(text)) throw invalid('is no URL: mysql://user:password@host:3306/shop');
  const url = new URL(text);
  if (!['mysql:', 'mariadb:'].includes(url.protocol)) throw invalid('must begin with mysql:// or mariadb://');
  return url;
}

function sslOf(given: URLSearchParams): SslOptions | undefined {
  const ca = fileOf(given, 'ssl-ca');
  const word = (given.get('ssl-mode') ?? (ca === undefined ? 'disabled' : 'verify_identity')).toLowerCase();
  if (!modes.includes(word as Mode))
    throw invalid(`has ssl-mode ${word}, which is not one of ${modes.join(', ')}`);
  if (word === 'disabled') return undefined;
  const [cert, key] = [fileOf(given, 'ssl-cert'), fileOf(given, 'ssl-key')];
  return {
    rejectUnauthorized: word !== 'required',
    verifyIdentity: word === 'verify_identity',
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

function fileOf(given: URLSearchParams, name: string): string | undefined {
  const path = given.get(name);
  if (path === null) return undefined;
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw invalid(`names the file ${path} for ${name}, which cannot be read: ${messageOf(cause)}`, cause);
  }
}

const invalid = (problem: string, cause?: unknown): FahuoError =>
  new FahuoError('CONFIG_INVALID', `the URL of the shop's database ${problem}`, {
    cause,
    remedy: "Correct the URL of the shop's MySQL.",
  });
