import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate as applyMigrations } from 'drizzle-orm/node-postgres/migrator';
import type pg from 'pg';
import { connectAlone, trustedPath, type Queryable } from './client.ts';
import { findPooler } from './pooler.ts';
import { withoutLiterals } from './statement-text.ts';
import { bundledMigrations, migrationsFolder, readSchemaState } from './version.ts';

/** 'fahuo' in ASCII: two migrations at once wait for each other. */
const MIGRATION_LOCK = 0x66_61_68_75;

export type MigrateOptions = {
  /** The longest wait for one lock: what queues behind us is the order service. */
  lockTimeoutMs: number;
  /** The longest wait for another `migrate`. */
  turnTimeoutMs: number;
};
const defaults: MigrateOptions = { lockTimeoutMs: 5_000, turnTimeoutMs: 60_000 };

export type Migrated = {
  /** Tags of the migrations that were applied now. */
  applied: string[];
  /** What Postgres remarked, a line each. */
  notices: string[];
};

/** Why nothing was changed; `message` is one line. */
export type MigrateRefusal = 'pooled' | 'newer' | 'foreign' | 'denied' | 'held_up';

export class MigrateError extends Error {
  readonly refusal: MigrateRefusal;
  /** Statements that an administrator must run first. */
  readonly statements: string | undefined;

  constructor(refusal: MigrateRefusal, message: string, statements?: string) {
    super(message);
    this.refusal = refusal;
    this.statements = statements;
  }
}

/**
 * Brings the schema `fahuo` of one database up to date, all or nothing; safe to run from several instances at once.
 * @throws MigrateError when it may not or cannot now; whatever the connection throws otherwise.
 */
export async function migrate(databaseUrl: string, options: Partial<MigrateOptions> = {}): Promise<Migrated> {
  const { lockTimeoutMs, turnTimeoutMs } = { ...defaults, ...options };
  const sign = await findPooler(databaseUrl);
  if (sign !== null) throw new MigrateError('pooled', `a pooler stands before Postgres: ${sign}`);
  const client = await connectAlone(databaseUrl, 'fahuo-migrate', {
    ...trustedPath,
    lock_timeout: String(turnTimeoutMs),
  });
  const notices: string[] = [];
  client.on('notice', ({ code, message }) => {
    if (!isExisting(code)) notices.push(message ?? '');
  });
  try {
    return await watched(databaseUrl, client, async () => {
      await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
      await client.query(`select set_config('lock_timeout', $1, false)`, [String(lockTimeoutMs)]);
      return { applied: await apply(client), notices };
    });
  } finally {
    await client.end();
  }
}

/** duplicate_schema and duplicate_table: IF NOT EXISTS found it. */
const isExisting = (code: string | undefined): boolean => code === '42P06' || code === '42P07';

async function apply(client: pg.Client): Promise<string[]> {
  const state = await readSchemaState(client);
  switch (state.kind) {
    case 'current':
      return [];
    case 'ahead':
      throw new MigrateError('newer', `this database is ${state.by} migrations ahead of this fahuo`);
    case 'foreign':
      throw new MigrateError('foreign', 'this database was made by a build of fahuo that was never released');
    case 'missing':
    case 'behind':
      await applyMigrations(drizzle(client), {
        migrationsFolder,
        migrationsSchema: 'fahuo',
        migrationsTable: 'migrations',
      });
      return state.kind === 'behind' ? state.pending : bundledMigrations().map(({ tag }) => tag);
  }
}

const watchEveryMs = 200;

/** Runs `work` on `client`; a second connection sees who keeps it waiting, since the error does not say. */
async function watched<T>(databaseUrl: string, client: pg.Client, work: () => Promise<T>): Promise<T> {
  const watcher = await connectAlone(databaseUrl, 'fahuo-migrate', trustedPath);
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  const pid = rows[0]?.pid ?? 0;
  let blockers: Blocker[] = [];
  const timer = setInterval(() => {
    void readBlockers(watcher, pid)
      .then((found) => (blockers = found.length > 0 ? found : blockers))
      .catch(() => undefined);
  }, watchEveryMs);
  try {
    return await work();
  } catch (error) {
    throw refusalOf(causeOf(error), blockers);
  } finally {
    clearInterval(timer);
    await watcher.end();
  }
}

type Blocker = {
  pid: number;
  user: string | null;
  application: string | null;
  ageSeconds: number | null;
  query: string | null;
};

async function readBlockers(db: Queryable, pid: number): Promise<Blocker[]> {
  const { rows } = await db.query<Blocker>(
    `select b.pid, a.usename::text as user, a.application_name as application,
       extract(epoch from clock_timestamp() - coalesce(a.xact_start, a.backend_start))::float8 as "ageSeconds", a.query
     from unnest(pg_blocking_pids($1)) as b (pid) left join pg_stat_activity a on a.pid = b.pid`,
    [pid],
  );
  return rows;
}

/** drizzle wraps what Postgres said in twenty lines of the statement. */
function causeOf(error: unknown): unknown {
  let cause = error;
  while (cause instanceof Error && cause.cause instanceof Error) cause = cause.cause;
  return cause;
}

function refusalOf(error: unknown, blockers: readonly Blocker[]): unknown {
  const { code, message, hint } = error as { code?: string; message: string; hint?: string };
  if (code === '42501') return new MigrateError('denied', message, hint);
  if (code === '55P03') return new MigrateError('held_up', heldUp(blockers));
  return error;
}

const heldUp = (blockers: readonly Blocker[]): string =>
  `gave up waiting for a lock; nothing was changed. It is held by ${blockers.map(describe).join(' and by ') || 'a session that has just ended'}`;

const describe = ({ pid, user, application, ageSeconds, query }: Blocker): string =>
  pid === 0
    ? 'a prepared transaction (see pg_prepared_xacts)'
    : `pid ${pid} (user ${user ?? '?'}, application ${application ?? '?'}, open for ${Math.round(ageSeconds ?? 0)} s): ${withoutLiterals(query ?? '')}`;
