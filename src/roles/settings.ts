import { splitSsl } from '../../db/ssl.ts';
import { choice, secret, setting, url, whole, type Values } from '../setting.ts';

export const databaseSettings = {
  url: secret(
    'DATABASE_URL',
    url(['postgres', 'postgresql'], { problem: (given) => splitSsl(given).problem }),
    'Postgres 14 to 18 with the order database or beside it; TLS by sslmode, sslrootcert, sslcert, sslkey and sslpassword.',
    ['DATABASE_URI', 'POSTGRES_URL', 'POSTGRES_URI', 'PG_URL'],
  ),
  queryTimeoutMs: setting(
    'FAHUO_QUERY_TIMEOUT_MS',
    whole(20_000, 1_000, 600_000),
    'The longest one statement of a role may take; after it the connection is given up.',
  ),
};

export const logSettings = {
  level: setting(
    'FAHUO_LOG_LEVEL',
    choice(['trace', 'debug', 'info', 'warn', 'error', 'silent'], 'info'),
    'Least severe log line that is written.',
    ['FAHUO_LOGLEVEL', 'FAHUO_LOG'],
  ),
};

export type DatabaseSettings = Values<typeof databaseSettings>;
