import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectAlone } from '../../db/client.ts';
import { migrate } from '../../db/migrate.ts';
import { startPostgres } from '../../src/parts/postgres.ts';
import { parentOf } from './cpu.ts';

export function makeDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'fahuo-bench-'));
  chmodSync(dir, 0o755); // Postgres does not run as root
  return dir;
}

export type BenchDatabase = {
  /** A folder of the benchmark's own, which goes with the database. */
  dir: string;
  url: string;
  /** For the machine's line: what was measured on. */
  version: string;
  /** The postmaster, where it runs on this machine: its CPU is counted. */
  pid: number;
  drop: () => Promise<void>;
};

/**
 * A migrated database of the benchmark's own, on `DATABASE_URL`'s server or on a Postgres of its own. The one
 * that npm brings is built for size (-Os) and takes about half as much CPU again as a distribution's.
 */
export async function openBenchDatabase(): Promise<BenchDatabase> {
  const dir = makeDir();
  const given = process.env['DATABASE_URL'];
  const own = given === undefined ? await startPostgres(dir) : null;
  const server = given ?? own?.url ?? '';
  const name = `fahuo_bench_${randomBytes(4).toString('hex')}`;
  const ask = async (statement: string): Promise<unknown[]> => {
    const client = await connectAlone(server, 'fahuo-bench');
    return client
      .query<Record<string, unknown>>(statement)
      .then(({ rows }) => Object.values(rows[0] ?? {}))
      .finally(() => client.end());
  };
  await ask(`create database ${name}`);
  const url = Object.assign(new URL(server), { pathname: `/${name}` }).toString();
  await migrate(url);
  const client = await connectAlone(server, 'fahuo-bench');
  const { rows } = await client.query<{ pid: number; version: string }>(
    `select pg_backend_pid() as pid, 'Postgres ' || current_setting('server_version') as version`,
  );
  const pid = parentOf(rows[0]?.pid ?? 0);
  await client.end();
  return {
    dir,
    url,
    version: rows[0]?.version ?? 'Postgres',
    pid,
    drop: async () => {
      await ask(`drop database ${name} with (force)`);
      await own?.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
