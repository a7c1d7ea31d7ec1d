import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate as applyMigrations } from 'drizzle-orm/node-postgres/migrator';
import type pg from 'pg';
import { HeldUpError, namingBlockers } from './blockers.ts';
import { connectAlone, trustedPath } from './client.ts';
import { findPooler } from './pooler.ts';
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
    return await namingBlockers(databaseUrl, client, 'fahuo-migrate', async () => {
      await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
      await client.query(`select set_config('lock_timeout', $1, false)`, [String(lockTimeoutMs)]);
      return { applied: await apply(client), notices };
    });
  } catch (error) {
    throw refusalOf(error);
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

function refusalOf(error: unknown): unknown {
  if (error instanceof HeldUpError) return new MigrateError('held_up', error.message);
  const { code, message, hint } = error as { code?: string; message: string; hint?: string };
  return code === '42501' ? new MigrateError('denied', message, hint) : error;
}
