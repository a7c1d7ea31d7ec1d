import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate as applyMigrations } from 'drizzle-orm/node-postgres/migrator';
import { fileURLToPath } from 'node:url';
import { connectAlone } from './client.ts';

/** 'fahuo' in ASCII: two migrations at once wait for each other. */
const MIGRATION_LOCK = 0x66_61_68_75;

/** Brings the schema `fahuo` of one database up to date; safe to run from several instances at once. */
export async function migrate(databaseUrl: string): Promise<void> {
  const client = await connectAlone(databaseUrl, 'fahuo-migrate');
  try {
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await applyMigrations(drizzle(client), {
      migrationsFolder: fileURLToPath(new URL('migrations', import.meta.url)),
      migrationsSchema: 'fahuo',
      migrationsTable: 'migrations',
    });
  } finally {
    await client.end();
  }
}
