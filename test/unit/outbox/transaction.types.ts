/**
 * What the compiler says of each driver's own types: `tsc` is the test. A transaction is taken without a cast; where a
 * driver's types tell its database from its transaction, the database is refused.
 */
import type { PGlite, Transaction as PgliteTransaction } from '@electric-sql/pglite';
import type { NodePgDatabase, NodePgTransaction } from 'drizzle-orm/node-postgres';
import type { PgliteDatabase } from 'drizzle-orm/pglite';
import type { PostgresJsDatabase, PostgresJsTransaction } from 'drizzle-orm/postgres-js';
import type { Knex } from 'knex';
import type { ControlledTransaction, Kysely, Transaction as KyselyTransaction } from 'kysely';
import type pg from 'pg';
import type postgres from 'postgres';
import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import type { OutboxTransaction } from '../../../src/outbox/enqueue.ts';
import type { Prisma, PrismaClient } from '../../support/prisma/client.ts';

type Taken<T extends OutboxTransaction> = T;
type TxOf<Database extends { transaction: (work: never) => unknown }> = Parameters<
  Database['transaction']
>[0] extends (tx: infer Tx) => unknown
  ? Tx
  : never;
type Shop = { orders: { id: number } };
type Schema = Record<string, never>;

export type IsTaken = [
  Taken<pg.Client>,
  Taken<pg.PoolClient>,
  Taken<pg.ClientBase>,
  Taken<NodePgTransaction<Schema, Schema>>,
  Taken<PostgresJsTransaction<Schema, Schema>>,
  Taken<TxOf<NodePgDatabase>>,
  Taken<TxOf<PostgresJsDatabase>>,
  Taken<TxOf<PgliteDatabase>>,
  Taken<postgres.TransactionSql>,
  Taken<postgres.TransactionSql<{ bigint: bigint }>>,
  Taken<postgres.ReservedSql>,
  Taken<PgliteTransaction>,
  Taken<KyselyTransaction<Shop>>,
  Taken<ControlledTransaction<Shop>>,
  Taken<Knex.Transaction>,
  Taken<QueryRunner>,
  Taken<EntityManager>,
  Taken<Prisma.TransactionClient>,
];

/** Neither `any` nor `never`, which every test of types would let through. */
type IsKnown<T> = [T] extends [never] ? false : 0 extends 1 & T ? false : true;
type Yes<T extends true> = T;
export type AllAreKnown = Yes<{ [K in keyof IsTaken]: IsKnown<IsTaken[K]> }[number]>;

export type IsRefused = [
  // @ts-expect-error each query of a pool may run on another connection
  Taken<pg.Pool>,
  // @ts-expect-error a database is no transaction
  Taken<NodePgDatabase>,
  // @ts-expect-error a database is no transaction
  Taken<PostgresJsDatabase>,
  // @ts-expect-error a database is no transaction
  Taken<postgres.Sql>,
  // @ts-expect-error a database is no transaction
  Taken<PGlite>,
  // @ts-expect-error a database is no transaction
  Taken<Kysely<Shop>>,
  // @ts-expect-error a database is no transaction
  Taken<Knex>,
  // @ts-expect-error a data source is no transaction
  Taken<DataSource>,
  // @ts-expect-error a client is no transaction
  Taken<PrismaClient>,
  // @ts-expect-error no driver at all
  Taken<{ query: (text: string, values: string[]) => Promise<unknown> }>,
];
