import pg from 'pg';

export type Pool = pg.Pool;
export type Connection = pg.PoolClient;
/** Anything that runs a statement: the pool, or a connection inside a transaction. */
export type Queryable = Pick<pg.ClientBase, 'query'>;

const INT8_OID = 20;

/** bigint columns are ids, offsets and epochs: exact as numbers for the next 2^53 of them. */
const types = new pg.TypeOverrides();
types.setTypeParser(INT8_OID, Number);

export type PoolOptions = {
  databaseUrl: string;
  max: number;
  /** Shown in pg_stat_activity, so that a slow writer or a lock holder can be named. */
  applicationName: string;
  onError: (error: Error) => void;
};

/** A pool whose idle connections may die (Postgres restarts) without ending the process. */
export function createPool(options: PoolOptions): Pool {
  const pool = new pg.Pool({
    connectionString: options.databaseUrl,
    max: options.max,
    application_name: options.applicationName,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 30_000,
    types,
  });
  pool.on('error', options.onError);
  return pool;
}

/** A connection of its own, for session-level advisory locks. The caller ends it. */
export async function connectAlone(databaseUrl: string, applicationName: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: applicationName,
    connectionTimeoutMillis: 10_000,
    types,
  });
  await client.connect();
  return client;
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
    await connection.query('rollback').catch(() => {
      broken = true;
    });
    throw error;
  } finally {
    connection.off('error', onError);
    connection.release(broken);
  }
}
