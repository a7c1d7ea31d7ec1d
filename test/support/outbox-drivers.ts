import { PGlite } from '@electric-sql/pglite';
import { PrismaPg } from '@prisma/adapter-pg';
import { sql as drizzleSql } from 'drizzle-orm';
import { drizzle as drizzleNode } from 'drizzle-orm/node-postgres';
import { drizzle as drizzlePglite } from 'drizzle-orm/pglite';
import { migrate as migratePglite } from 'drizzle-orm/pglite/migrator';
import { drizzle as drizzlePostgres } from 'drizzle-orm/postgres-js';
import knex from 'knex';
import { Kysely, PostgresDialect, sql as kyselySql } from 'kysely';
import pg from 'pg';
import postgres from 'postgres';
import { DataSource } from 'typeorm';
import type { OutboxTransaction } from '../../src/outbox/enqueue.ts';
import { migrationsFolder } from '../../db/version.ts';
import { PrismaClient } from './prisma/client.ts';

/** A statement without parameters, run by the driver itself; PGlite and the others answer in their own ways. */
type Run = (statement: string) => PromiseLike<unknown>;

/** A real library, connected to a database with fahuo's schema. */
export type OpenDriver = {
  /** One transaction as this library's users write it: commits, or rolls back when `work` rejects. */
  transact: <T>(work: (tx: OutboxTransaction, run: Run) => Promise<T>) => Promise<T>;
  /** What stands beside the transaction, by what a refusal calls it. */
  outside: Record<string, unknown>;
  close: () => Promise<unknown>;
  /** Where the library is a database of its own: reads what was committed there. */
  read?: (statement: string) => Promise<{ rows: unknown[] }>;
};

const pgClient = async (url: string): Promise<OpenDriver> => {
  const client = new pg.Client({ connectionString: url });
  const pool = new pg.Pool({ connectionString: url });
  await client.connect();
  return {
    transact: (work) => between(client, (run) => work(client, run)),
    outside: { 'pg client': client, 'pg Pool': pool },
    close: () => Promise.all([client.end(), pool.end()]),
  };
};

const pgPoolClient = async (url: string): Promise<OpenDriver> => {
  const pool = new pg.Pool({ connectionString: url });
  const idle = await pool.connect();
  return {
    transact: async (work) => {
      const client = await pool.connect();
      return between(client, (run) => work(client, run)).finally(() => client.release());
    },
    outside: { 'pg Pool': pool, 'pg client': idle },
    close: () => (idle.release(), pool.end()),
  };
};

async function between<T>(client: pg.ClientBase, work: (run: Run) => Promise<T>): Promise<T> {
  await client.query('begin');
  try {
    const result = await work((statement) => client.query(statement));
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}

const drizzleOnPg = (url: string): OpenDriver => {
  const pool = new pg.Pool({ connectionString: url });
  const db = drizzleNode(pool);
  return {
    transact: (work) => db.transaction((tx) => work(tx, (text) => tx.execute(drizzleSql.raw(text)))),
    outside: { 'drizzle database': db },
    close: () => pool.end(),
  };
};

const drizzleOnPostgresJs = (url: string): OpenDriver => {
  const sql = postgres(url, { max: 2 });
  const db = drizzlePostgres(sql);
  return {
    transact: (work) => db.transaction((tx) => work(tx, (text) => tx.execute(drizzleSql.raw(text)))),
    outside: { 'drizzle database': db },
    close: () => sql.end(),
  };
};

const postgresJs = (url: string): OpenDriver => {
  const sql = postgres(url, { max: 2, transform: postgres.camel });
  return {
    transact: async <T>(work: (tx: OutboxTransaction, run: Run) => Promise<T>) =>
      (await sql.begin((tx) => work(tx, (text) => tx.unsafe(text)))) as T,
    outside: { 'postgres.js sql': sql },
    close: () => sql.end(),
  };
};

const postgresJsSavepoint = (url: string): OpenDriver => {
  const sql = postgres(url, { max: 2 });
  return {
    transact: async <T>(work: (tx: OutboxTransaction, run: Run) => Promise<T>) =>
      (await sql.begin((outer) => outer.savepoint((tx) => work(tx, (text) => tx.unsafe(text))))) as T,
    outside: {},
    close: () => sql.end(),
  };
};

const postgresJsReserved = async (url: string): Promise<OpenDriver> => {
  const sql = postgres(url, { max: 2 });
  const reserved = await sql.reserve();
  return {
    transact: async (work) => {
      await reserved`begin`;
      try {
        const result = await work(reserved, (text) => reserved.unsafe(text));
        await reserved`commit`;
        return result;
      } catch (error) {
        await reserved`rollback`;
        throw error;
      }
    },
    outside: {},
    close: () => (reserved.release(), sql.end()),
  };
};

const kysely = (url: string): OpenDriver => {
  const db = new Kysely<object>({
    dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: url }) }),
  });
  return {
    transact: (work) =>
      db.transaction().execute((trx) => work(trx, (text) => kyselySql.raw(text).execute(trx))),
    outside: { 'Kysely database': db },
    close: () => db.destroy(),
  };
};

const kyselyControlled = (url: string): OpenDriver => {
  const db = new Kysely<object>({
    dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: url }) }),
  });
  return {
    transact: async (work) => {
      const trx = await db.startTransaction().execute();
      try {
        const result = await work(trx, (text) => kyselySql.raw(text).execute(trx));
        await trx.commit().execute();
        return result;
      } catch (error) {
        await trx.rollback().execute();
        throw error;
      }
    },
    outside: {},
    close: () => db.destroy(),
  };
};

const knexOnPg = (url: string): OpenDriver => {
  const db = knex({ client: 'pg', connection: url });
  return {
    transact: (work) => db.transaction((trx) => work(trx, (text) => trx.raw(text))),
    outside: { 'Knex instance': db },
    close: () => db.destroy(),
  };
};

const typeOrmManager = async (url: string): Promise<OpenDriver> => {
  const source = await new DataSource({ type: 'postgres', url }).initialize();
  return {
    transact: (work) => source.transaction((manager) => work(manager, (text) => manager.query(text))),
    outside: { 'TypeORM entity manager': source.manager, 'TypeORM data source': source },
    close: () => source.destroy(),
  };
};

const typeOrmRunner = async (url: string): Promise<OpenDriver> => {
  const source = await new DataSource({ type: 'postgres', url }).initialize();
  const idle = source.createQueryRunner();
  return {
    transact: async (work) => {
      const runner = source.createQueryRunner();
      await runner.startTransaction();
      try {
        const result = await work(runner, (text) => runner.query(text));
        await runner.commitTransaction();
        return result;
      } catch (error) {
        await runner.rollbackTransaction();
        throw error;
      } finally {
        await runner.release();
      }
    },
    outside: { 'TypeORM query runner': idle, 'TypeORM entity manager': idle.manager },
    close: async () => (await idle.release(), source.destroy()),
  };
};

const prisma = (url: string): OpenDriver => {
  const client = new PrismaClient({ adapter: new PrismaPg({ connectionString: url }) });
  return {
    transact: (work) => client.$transaction((tx) => work(tx, (text) => tx.$executeRawUnsafe(text))),
    outside: { 'Prisma client': client },
    close: () => client.$disconnect(),
  };
};

const pglite = async (): Promise<OpenDriver> => {
  const database = await migratedPglite();
  return {
    transact: (work) => database.transaction((tx) => work(tx, (text) => tx.query(text))),
    outside: { 'PGlite instance': database },
    close: () => database.close(),
    read: (text) => database.query(text),
  };
};

const drizzleOnPglite = async (): Promise<OpenDriver> => {
  const database = await migratedPglite();
  const db = drizzlePglite(database);
  return {
    transact: (work) => db.transaction((tx) => work(tx, (text) => tx.execute(drizzleSql.raw(text)))),
    outside: { 'drizzle database': db },
    close: () => database.close(),
    read: (text) => database.query(text),
  };
};

/** A Postgres inside this process: `fahuo migrate` cannot connect to it, its migrations run all the same. */
async function migratedPglite(): Promise<PGlite> {
  const database = await PGlite.create();
  await migratePglite(drizzlePglite(database), {
    migrationsFolder,
    migrationsSchema: 'fahuo',
    migrationsTable: 'migrations',
  });
  return database;
}

export const outboxDrivers: Record<string, (url: string) => OpenDriver | Promise<OpenDriver>> = {
  'a pg Client': pgClient,
  'a pg PoolClient': pgPoolClient,
  'drizzle on node-postgres': drizzleOnPg,
  'drizzle on postgres.js': drizzleOnPostgresJs,
  'drizzle on PGlite': drizzleOnPglite,
  'postgres.js': postgresJs,
  'a savepoint of postgres.js': postgresJsSavepoint,
  'a reserved connection of postgres.js': postgresJsReserved,
  PGlite: pglite,
  Kysely: kysely,
  'a controlled transaction of Kysely': kyselyControlled,
  Knex: knexOnPg,
  'an EntityManager of TypeORM': typeOrmManager,
  'a QueryRunner of TypeORM': typeOrmRunner,
  Prisma: prisma,
};
