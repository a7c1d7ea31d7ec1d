import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { connectAlone, createPool, type Pool } from '../../db/client.ts';
import { migrate } from '../../db/migrate.ts';

export type TestDatabase = { url: string; pool: Pool; drop: () => Promise<void> };

/** A migrated database of the test's own, on the run's Postgres. */
export async function createDatabase(server: string = inject('databaseUrl')): Promise<TestDatabase> {
  const name = `fahuo_test_${randomBytes(5).toString('hex')}`;
  await onServer(server, `create database ${name}`);
  const url = Object.assign(new URL(server), { pathname: `/${name}` }).toString();
  await migrate(url);
  const pool = createPool({
    databaseUrl: url,
    max: 20,
    applicationName: 'fahuo-test',
    onError: () => undefined,
  });
  return {
    url,
    pool,
    drop: async () => {
      await pool.end();
      await onServer(server, `drop database ${name} with (force)`);
    },
  };
}

async function onServer(url: string, statement: string): Promise<void> {
  const client = await connectAlone(url, 'fahuo-test');
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
