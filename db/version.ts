import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import type { Queryable } from './client.ts';

export const migrationsFolder = fileURLToPath(new URL('migrations', import.meta.url));

export type Migration = { tag: string; hash: string };

/** The migrations of this program, in order. */
export function bundledMigrations(): Migration[] {
  const journal = JSON.parse(readFileSync(join(migrationsFolder, 'meta', '_journal.json'), 'utf8')) as {
    entries: { tag: string }[];
  };
  return readMigrationFiles({ migrationsFolder }).map(({ hash }, index) => ({
    tag: journal.entries[index]?.tag ?? String(index),
    hash,
  }));
}

/** How a database's schema stands to this program. */
export type SchemaState =
  | { kind: 'current' }
  | { kind: 'missing' }
  /** Older: `pending` are the tags that are to be applied. */
  | { kind: 'behind'; pending: string[] }
  /** Newer, by so many migrations. */
  | { kind: 'ahead'; by: number }
  /** It took another way than this program's migrations: an unreleased build made it. */
  | { kind: 'foreign' };

/** `applied` are the hashes in order; null where there is no table of them. Pure. */
export function compareSchema(applied: readonly string[] | null, bundled: readonly Migration[]): SchemaState {
  if (applied === null || applied.length === 0) return { kind: 'missing' };
  if (applied.some((hash, index) => (bundled[index]?.hash ?? hash) !== hash)) return { kind: 'foreign' };
  if (applied.length > bundled.length) return { kind: 'ahead', by: applied.length - bundled.length };
  const pending = bundled.slice(applied.length).map(({ tag }) => tag);
  return pending.length === 0 ? { kind: 'current' } : { kind: 'behind', pending };
}

/** Rejects with 42501 where the login has no rights in the schema. */
export async function readSchemaState(db: Queryable): Promise<SchemaState> {
  const { rows: tables } = await db.query<{ found: boolean }>(
    `select to_regclass('fahuo.migrations') is not null as found`,
  );
  if (tables[0]?.found !== true) return { kind: 'missing' };
  const { rows } = await db.query<{ hash: string }>('select hash from fahuo.migrations order by id');
  return compareSchema(
    rows.map(({ hash }) => hash),
    bundledMigrations(),
  );
}
