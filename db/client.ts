import pg from 'pg';
import { pgSsl, splitSsl } from './ssl.ts';

export type Pool = pg.Pool;
export type Connection = pg.PoolClient;
/** Anything that runs a statement: the pool, or a connection inside a transaction. */
export type Queryable = Pick<pg.ClientBase, 'query'>;

const INT8_OID = 20;

/** bigint columns are ids, offsets and epochs: exact as numbers for the next 2^53 of them. */
const types = new pg.TypeOverrides();
types.setTypeParser(INT8_OID, Number);

/** Settings of a session, sent with its start: they cost no round trip and cannot be left behind in another session. */
export type SessionSettings = Readonly<Record<string, string>>;

/**
 * For sessions of fahuo's own. Other logins may create in `public`, and a function or operator there whose argument
 * types fit better is preferred to the system's: it would run with our rights (ADR 16).
 */
export const trustedPath: SessionSettings = { search_path: 'pg_catalog,pg_temp' };

export type PoolOptions = {
  databaseUrl: string;
  max: number;
  /** Shown in pg_stat_activity, so that a slow writer or a lock holder can be named. */
  applicationName: string;
  onError: (error: Error) => void;
  /** For pools whose statements are key look-ups on large tables; see {@link keyLookups}. */
  keyLookups?: boolean;
  settings?: SessionSettings;
  /** The longest a statement may take; the other deadlines follow from it. See {@link deadlinesOf}. */
  queryTimeoutMs?: number;
};

/**
 * Plans of prepared statements are kept, and one that was made while a table was empty reads all of it when it is
 * large. Statements that touch a batch of keys want index look-ups whatever the statistics say.
 */
const keyLookups: SessionSettings = {
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  enable_bitmapscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  jit: 'off',
};

/** A batch takes milliseconds. Two of these and a new connection are less than a minute. */
export const serviceQueryTimeoutMs = 20_000;
/** What a person asked for may read whole tables. */
export const commandQueryTimeoutMs = 600_000;
const longestLockWaitMs = 10_000;
const longestIdleInTransactionMs = 30_000;
const longestIdleMs = 10_000;

/**
 * Postgres keeps the first three, also when we are gone; we keep the others, also when Postgres is. A connection that
 * was idle when its host fell silent is closed before the first statement gives up, because `idleMs` is less than
 * `answerMs`: no loop meets two dead connections one after the other.
 */
export function deadlinesOf(queryTimeoutMs: number) {
  const half = Math.ceil(queryTimeoutMs / 2);
  return {
    statementMs: queryTimeoutMs - Math.ceil(queryTimeoutMs / 20),
    lockMs: Math.min(half, longestLockWaitMs),
    idleInTransactionMs: Math.min(half, longestIdleInTransactionMs),
    answerMs: queryTimeoutMs,
    idleMs: Math.min(half, longestIdleMs),
  };
}

const connectTimeoutMs = 10_000;
/** The kernel asks after 10 s of silence, then every second, and gives up at the tenth. */
const keepAlive = { keepAlive: true, keepAliveInitialDelayMillis: 10_000 };

/** A pool whose idle connections may die (Postgres restarts) without ending the process. */
export function createPool(options: PoolOptions): Pool {
  const deadlines = deadlinesOf(options.queryTimeoutMs ?? serviceQueryTimeoutMs);
  const pool = new pg.Pool({
    ...connectionOf(options.databaseUrl, {
      ...(options.keyLookups === true ? keyLookups : {}),
      ...options.settings,
      statement_timeout: String(deadlines.statementMs),
      lock_timeout: String(deadlines.lockMs),
      idle_in_transaction_session_timeout: String(deadlines.idleInTransactionMs),
    }),
    max: options.max,
    application_name: options.applicationName,
    query_timeout: deadlines.answerMs,
    idleTimeoutMillis: deadlines.idleMs,
  });
  pool.on('error', options.onError);
  return pool;
}

/** A connection of its own, for session-level advisory locks. The caller ends it. */
export async function connectAlone(
  databaseUrl: string,
  applicationName: string,
  settings: SessionSettings = {},
): Promise<pg.Client> {
  const client = new pg.Client({
    ...connectionOf(databaseUrl, settings),
    application_name: applicationName,
  });
  await client.connect();
  return client;
}

/** What DATABASE_URL itself sets with `?options=` counts more than ours. */
function connectionOf(databaseUrl: string, settings: SessionSettings) {
  const { url, ssl } = splitSsl(databaseUrl);
  const given = /[?&]options=([^&]*)/.exec(url)?.[1];
  const ours = Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`);
  const options = [
    ...ours,
    ...(given === undefined ? [] : [new URLSearchParams(`given=${given}`).get('given')]),
  ].join(' ');
  return {
    connectionString: url.replace(/([?&])options=[^&]*/, '$1'),
    ...(ssl === null ? {} : { ssl: pgSsl(ssl) }),
    connectionTimeoutMillis: connectTimeoutMs,
    ...keepAlive,
    types,
    ...(options === '' ? {} : { options }),
  };
}

/** Ends a connection from this side, at once; what waits for an answer rejects. */
export function cutConnection(client: pg.Client): void {
  client.connection.stream.destroy();
}

/** Runs `work` in one transaction: commits its result, rolls back when it throws. */
export async function inTransaction<T>(pool: Pool, work: (tx: Connection) => Promise<T>): Promise<T> {
  const connection = await pool.connect();
  // The pool listens to idle connections alone: without a listener a reset now would end the process. The statement
  // under way rejects all the same.
  const onError = (): void => void (broken = true);
  let broken = false;
  connection.on('error', onError);
  try {
    await connection.query('begin');
    const result = await work(connection);
    await connection.query('commit');
    return result;
  } catch (error) {
    // Nobody answers: a rollback would be waited for as long again, and closing the connection is one.
    if (isUnanswered(error)) broken = true;
    else await connection.query('rollback').catch(onError);
    throw error;
  } finally {
    connection.off('error', onError);
    connection.release(broken);
  }
}

/** pg has no code for it. */
const isUnanswered = (error: unknown): boolean =>
  error instanceof Error && error.message === 'Query read timeout';
