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
  /** For pools whose statements are key look-ups on large tables; see {@link keyLookups}. */
  keyLookups?: boolean;
};

/**
 * Plans of prepared statements are kept, and one that was made while a table was empty reads all of it when it is
 * large. Statements that touch a batch of keys want index look-ups whatever the statistics say.
 */
const keyLookups = `set plan_cache_mode = force_generic_plan; set enable_seqscan = off; set enable_bitmapscan = off;
  set enable_hashjoin = off; set enable_mergejoin = off; set jit = off`;

/** A connection that refuses the advice serves all the same. The pool waits for what its type calls void. */
const adviseKeyLookups =
  (onError: (error: Error) => void) =>
  (client: pg.ClientBase): void =>
    client.query(keyLookups).then(undefined, onError) as unknown as undefined;

/** A pool whose idle connections may die (Postgres restarts) without ending the process. */
export function createPool(options: PoolOptions): Pool {
  const pool = new pg.Pool({
    connectionString: options.databaseUrl,
    max: options.max,
    application_name: options.applicationName,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 30_000,
    types,
    ...(options.keyLookups === true ? { onConnect: adviseKeyLookups(options.onError) } : {}),
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
    await connection.query('rollback').catch(() => {
      broken = true;
    });
    throw error;
  } finally {
    connection.off('error', onError);
    connection.release(broken);
  }
}
