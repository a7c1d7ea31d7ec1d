/** Drivers are known by their shape alone: none of their packages is imported, so none has to be installed. */

/** node-postgres: `Client`, or the `PoolClient` of `pool.connect()`, after `begin`. */
export type PgClient = {
  escapeLiteral: (text: string) => string;
  query: (text: string, values: string[]) => Promise<unknown>;
};
/** The `tx` of `db.transaction`, whichever Postgres driver lies below drizzle. */
export type DrizzleTransaction = {
  execute: (query: string) => PromiseLike<unknown>;
  rollback: () => never;
};
/** The `sql` of `sql.begin`. */
export type PostgresJsTransaction = {
  savepoint: (...args: never[]) => Promise<unknown>;
  unsafe: (text: string, values: string[]) => PromiseLike<unknown>;
};
/** The connection of `sql.reserve()`, after `begin`. */
export type PostgresJsReserved = {
  release: () => void;
  unsafe: (text: string, values: string[]) => PromiseLike<unknown>;
};
/** The `tx` of `pglite.transaction`. */
export type PgliteTransaction = {
  rollback: () => Promise<void>;
  exec: (text: string) => Promise<unknown>;
  query: (text: string, values: string[]) => Promise<unknown>;
};
/** The `trx` of `db.transaction().execute`, or of `startTransaction`. */
export type KyselyTransaction = {
  readonly isTransaction: true;
  executeQuery: (query: never) => Promise<unknown>;
};
/** The `trx` of `knex.transaction`. */
export type KnexTransaction = {
  isCompleted: () => boolean;
  raw: (text: string, values: string[]) => PromiseLike<unknown>;
};
/** TypeORM's `QueryRunner`, after `startTransaction`. */
export type TypeOrmQueryRunner = {
  readonly isTransactionActive: boolean;
  query: (text: string, values: string[]) => Promise<unknown>;
};
/** The `manager` of TypeORM's `dataSource.transaction`, or of a query runner. */
export type TypeOrmEntityManager = {
  withRepository: (repository: never) => unknown;
  query: (text: string, values: string[]) => Promise<unknown>;
};
/** The `tx` of Prisma's `$transaction(async (tx) => …)`. */
export type PrismaTransaction = {
  $connect?: never;
  $queryRawUnsafe: (text: string, ...values: string[]) => PromiseLike<unknown>;
};

/** The caller's open transaction. */
export type OutboxTransaction =
  | PgClient
  | DrizzleTransaction
  | PostgresJsTransaction
  | PostgresJsReserved
  | PgliteTransaction
  | KyselyTransaction
  | KnexTransaction
  | TypeOrmQueryRunner
  | TypeOrmEntityManager
  | PrismaTransaction;

/** Runs a statement whose one parameter is `$1`, in the transaction; resolves with the driver's own answer. */
export type RunStatement = (statement: string, value: string) => PromiseLike<unknown>;

export type Recognised =
  { kind: 'transaction'; run: RunStatement } | { kind: 'refused'; message: string; remedy: string };

type Loose = Readonly<Record<string, unknown>>;
type Driver = {
  name: string;
  /** Whether it comes from this driver: its transaction, or what stands beside one. */
  is: (tx: Loose) => boolean;
  /** Whether a transaction is open; where the driver does not show that, its connections are believed. */
  isOpen: (tx: Loose) => boolean;
  /** How to get what is taken. */
  remedy: string;
  run: (tx: never) => RunStatement;
};

const has = (tx: Loose, ...methods: string[]): boolean =>
  methods.every((method) => typeof tx[method] === 'function');

const drizzleKind = Symbol.for('drizzle:entityKind');
/** The names that drizzle gives its classes, from the object's own to the oldest; they survive minifying. */
function drizzleKinds(tx: object): string[] {
  const parent = Object.getPrototypeOf(tx) as object | null;
  if (parent === null) return [];
  const kind = (parent.constructor as { [drizzleKind]?: unknown })[drizzleKind];
  return [...(typeof kind === 'string' ? [kind] : []), ...drizzleKinds(parent)];
}
const isDrizzle = (tx: Loose, kind: RegExp): boolean => drizzleKinds(tx).some((one) => kind.test(one));

/** drizzle asks a query for its SQL, and that for its text: what its own `sql` tag answers, without the tag. */
const drizzleQuery = (statement: string, value: string): unknown => ({
  getSQL: () => ({ toQuery: () => ({ sql: statement, params: [value] }) }),
});

/** What Kysely's `CompiledQuery.raw` makes. */
const kyselyQuery = (statement: string, value: string): unknown => ({
  sql: statement,
  parameters: [value],
  query: { kind: 'RawNode', sqlFragments: [statement], parameters: [] },
  queryId: { queryId: 'fahuo.enqueue' },
});

const drivers: readonly Driver[] = [
  {
    name: 'Prisma client',
    is: (tx) => has(tx, '$queryRawUnsafe'),
    isOpen: (tx) => !has(tx, '$connect'),
    remedy: 'pass the tx of prisma.$transaction(async (tx) => …)',
    run: (tx: PrismaTransaction) => (statement, value) => tx.$queryRawUnsafe(statement, value),
  },
  {
    name: 'postgres.js sql',
    is: (tx) => has(tx, 'unsafe', 'typed'),
    isOpen: (tx) => !has(tx, 'begin'),
    remedy: 'pass the sql of sql.begin(async (sql) => …)',
    run: (tx: PostgresJsTransaction) => (statement, value) => tx.unsafe(statement, [value]),
  },
  {
    name: 'Knex instance',
    is: (tx) => has(tx, 'raw', 'queryBuilder'),
    isOpen: (tx) => tx['isTransaction'] === true,
    remedy: 'pass the trx of knex.transaction(async (trx) => …)',
    run: (tx: KnexTransaction) => (statement, value) => tx.raw(statement.replace('$1', '?'), [value]),
  },
  {
    name: 'Kysely database',
    is: (tx) => has(tx, 'executeQuery', 'getExecutor'),
    isOpen: (tx) => tx['isTransaction'] === true,
    remedy: 'pass the trx of db.transaction().execute(async (trx) => …)',
    run: (tx: KyselyTransaction) => (statement, value) =>
      tx.executeQuery(kyselyQuery(statement, value) as never),
  },
  {
    name: 'drizzle database',
    is: (tx) => isDrizzle(tx, /^Pg.*(Database|Transaction)$/),
    isOpen: (tx) => isDrizzle(tx, /^Pg.*Transaction$/),
    remedy: 'pass the tx of db.transaction(async (tx) => …)',
    run: (tx: DrizzleTransaction) => (statement, value) =>
      tx.execute(drizzleQuery(statement, value) as string),
  },
  {
    name: 'TypeORM query runner',
    is: (tx) => has(tx, 'query', 'startTransaction') && 'isTransactionActive' in tx,
    isOpen: (tx) => tx['isTransactionActive'] === true,
    remedy: 'await queryRunner.startTransaction() first',
    run: (tx: TypeOrmQueryRunner) => (statement, value) => tx.query(statement, [value]),
  },
  {
    name: 'TypeORM entity manager',
    is: (tx) => has(tx, 'query', 'withRepository'),
    isOpen: (tx) =>
      (tx['queryRunner'] as Partial<TypeOrmQueryRunner> | undefined)?.isTransactionActive === true,
    remedy: 'pass the manager of dataSource.transaction(async (manager) => …)',
    run: (tx: TypeOrmEntityManager) => (statement, value) => tx.query(statement, [value]),
  },
  {
    name: 'TypeORM data source',
    is: (tx) => has(tx, 'query', 'createQueryRunner'),
    isOpen: () => false,
    remedy: 'pass the manager of dataSource.transaction(async (manager) => …)',
    run: (tx: TypeOrmEntityManager) => (statement, value) => tx.query(statement, [value]),
  },
  {
    name: 'PGlite instance',
    is: (tx) => has(tx, 'query', 'exec') && 'closed' in tx,
    isOpen: (tx) => has(tx, 'rollback'),
    remedy: 'pass the tx of pglite.transaction(async (tx) => …)',
    run: (tx: PgliteTransaction) => (statement, value) => tx.query(statement, [value]),
  },
  {
    name: 'pg Pool',
    is: (tx) => has(tx, 'query', 'connect') && 'totalCount' in tx,
    isOpen: () => false,
    remedy:
      'pass the client of pool.connect(), after `begin`: each query of a pool may run on another connection',
    run: (tx: PgClient) => (statement, value) => tx.query(statement, [value]),
  },
  {
    name: 'pg client',
    is: (tx) => has(tx, 'query', 'escapeLiteral'),
    // 'I' is idle. Before 8.21 pg does not tell.
    isOpen: (tx) =>
      !has(tx, 'getTransactionStatus') ||
      (tx as { getTransactionStatus: () => unknown }).getTransactionStatus() !== 'I',
    remedy: "await client.query('begin') first",
    run: (tx: PgClient) => (statement, value) => tx.query(statement, [value]),
  },
];

const taken =
  'a pg Client or PoolClient after `begin`, or the transaction of drizzle (Postgres), postgres.js, PGlite, Kysely, Knex, TypeORM or Prisma';
const byHand =
  'With another driver, run `select fahuo.enqueue($1)` in the transaction yourself, $1 being the event as JSON text';

/** How to run a statement in what the caller gave, or why that is not possible. Sends nothing. Pure. */
export function recognise(tx: unknown): Recognised {
  if ((typeof tx !== 'object' && typeof tx !== 'function') || tx === null)
    return unknownDriver(tx === null ? 'null' : typeof tx);
  const loose = tx as Loose;
  const driver = drivers.find((one) => one.is(loose));
  if (driver === undefined) return unknownDriver(classOf(tx));
  return driver.isOpen(loose)
    ? { kind: 'transaction', run: driver.run(tx as never) }
    : {
        kind: 'refused',
        message: `tx is a ${driver.name} outside of a transaction: the event must commit or roll back with the order's row`,
        remedy: `Nothing was written: ${driver.remedy}.`,
      };
}

const unknownDriver = (what: string): Recognised => ({
  kind: 'refused',
  message: `tx is ${what}, no transaction that enqueue knows: it takes ${taken}`,
  remedy: `Nothing was written. ${byHand}.`,
});

const classOf = (tx: object): string => {
  const name = (tx.constructor as { name?: unknown } | undefined)?.name;
  return typeof name === 'string' && name !== '' && name !== 'Object' && name !== 'Function'
    ? `an object of class ${name}`
    : typeof tx === 'function'
      ? 'a function'
      : 'an object';
};
