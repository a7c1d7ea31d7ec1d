import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectAlone } from '../../../db/client.ts';
import { migrate } from '../../../db/migrate.ts';
import { functionFiles } from '../../../db/squash.ts';
import { openPool } from '../../../src/roles/services.ts';
import { readConfig } from '../../../src/roles/config.ts';
import { startPostgres } from '../../../src/parts/postgres.ts';
import { FahuoError } from '../../../src/errors.ts';
import { createLog } from '../../../src/log.ts';
import { createDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { runFahuo } from '../../support/fahuo-process.ts';
import { createOwnedDatabase, type OwnedDatabase } from '../../support/roles.ts';

const tags = ['0000_create_tables', '0001_functions_and_roles'];
let database: OwnedDatabase;
beforeAll(async () => {
  await (await createDatabase()).drop(); // the roles stand, as where an administrator made them
  database = await createOwnedDatabase({ migrated: false });
});
afterAll(() => database.drop());

/** Opens the pool of a command and closes it; the code and text of the refusal, or null. */
async function open(url: string): Promise<{ code: string; message: string } | null> {
  const log = createLog({ level: 'silent' });
  try {
    await (await openPool(readConfig({ DATABASE_URL: url }), log)).end();
    return null;
  } catch (error) {
    if (!(error instanceof FahuoError)) throw error;
    return { code: error.code, message: error.message };
  }
}

describe('migrate', () => {
  it('works for an owner who may not make roles, and says what it applied', async () => {
    expect(await open(database.ownerUrl)).toMatchObject({ code: 'SCHEMA_MISSING' });
    const first = await migrate(database.ownerUrl);
    expect(first.applied).toEqual(tags);
    expect((await migrate(database.ownerUrl)).applied).toEqual([]);
    expect(await open(database.ownerUrl)).toBeNull();
  });

  it('names the statements that an administrator must run first, and what may not be granted', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fahuo-migrate-'));
    await chmod(folder, 0o755); // Postgres runs as another user
    const postgres = await startPostgres(folder);
    const fresh = await createOwnedDatabase({ migrated: false, server: postgres.url });
    try {
      const env = { DATABASE_URL: fresh.ownerUrl };
      const refused = await runFahuo(['migrate'], env);
      expect(refused.code).toBe(1);
      expect(refused.stderr.trim().split('\n')).toEqual([
        `fahuo: migrate: ${fresh.owner} may not create roles, and two are missing (RIGHTS_MISSING)`,
        'Let an administrator run `CREATE ROLE fahuo_writer NOLOGIN; CREATE ROLE fahuo_service NOLOGIN;` once, then migrate again.',
      ]);
      await fresh.admin.query('create role fahuo_writer nologin; create role fahuo_service nologin');
      const done = await migrate(fresh.ownerUrl);
      expect(done.applied).toEqual(tags);
      expect(done.notices).toEqual([
        expect.stringMatching(/^pg_read_all_stats was not granted to fahuo_service.*GRANT pg_read_all_stats/),
      ]);
      expect(await open(fresh.ownerUrl)).toBeNull();
    } finally {
      await fresh.drop();
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    }
  }, 180_000);

  it('is refused in one line where the login does not own the database', async () => {
    const other = await createOwnedDatabase({ migrated: false });
    const { code, stderr } = await runFahuo(['migrate'], { DATABASE_URL: await other.login() });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^fahuo: migrate: permission denied for database \S+ \(RIGHTS_MISSING\)\nGrant this login .*\n$/,
    );
    await other.drop();
  });

  it('gives up a lock that it does not get, changes nothing, and says who holds it', async () => {
    const other = await createOwnedDatabase({ migrated: false });
    const holder = await connectAlone(other.ownerUrl, 'somebody-s-psql');
    await holder.query('create schema fahuo');
    await holder.query('begin; create table fahuo.migrations (id serial, hash text, created_at bigint)');
    await holder.query('commit; begin; lock table fahuo.migrations in access exclusive mode');
    await holder.query(`select 'a secret'`);
    await expect(migrate(other.ownerUrl, { lockTimeoutMs: 600 })).rejects.toThrow(
      /nothing was changed. It is held by pid \d+ \(user \w+, application somebody-s-psql, open for \d+ s\): select '…'$/,
    );
    await holder.end();
    await other.drop();
  });

  it('takes its turn when two run at once', async () => {
    const other = await createOwnedDatabase({ migrated: false });
    const done = await Promise.all([migrate(other.ownerUrl), migrate(other.ownerUrl)]);
    expect(done.map(({ applied }) => applied.length).sort()).toEqual([0, 2]);
    await other.drop();
  });

  it('waits for another one under a bound, and says which', async () => {
    const other = await connectAlone(database.ownerUrl, 'fahuo-migrate');
    await other.query('select pg_advisory_lock($1)', [0x66_61_68_75]);
    await expect(migrate(database.ownerUrl, { turnTimeoutMs: 600 })).rejects.toThrow(
      /held by pid \d+ \(user \w+, application fahuo-migrate/,
    );
    const third = migrate(database.ownerUrl);
    await eventually(async () => {
      const { rows } = await database.admin.query(
        `select 1 from pg_locks where locktype = 'advisory' and not granted
         and database = (select oid from pg_database where datname = current_database())`,
      );
      expect(rows).toHaveLength(1);
    });
    await other.end();
    expect((await third).applied).toEqual([]);
  });
});

describe('the functions of a migrated database', () => {
  it('are those of db/functions', async () => {
    const other = await createDatabase();
    const read = async () =>
      (
        await other.pool.query<{ name: string; text: string }>(
          `select p.proname as name, pg_get_functiondef(p.oid) as text from pg_proc p
           where p.pronamespace = 'fahuo'::regnamespace
           union all select 'acknowledgements', pg_get_viewdef('fahuo.acknowledgements') order by 1`,
        )
      ).rows;
    const before = await read();
    const files = functionFiles.filter((name) => !['roles', 'tables', 'carriers'].includes(name));
    expect(before.map(({ name }) => name)).toEqual(expect.arrayContaining(['enqueue']));
    for (const name of files)
      await other.pool.query(
        readFileSync(new URL(`../../../db/functions/${name}.sql`, import.meta.url), 'utf8'),
      );
    expect(await read()).toEqual(before);
    await other.drop();
  });
});

describe('a command on another schema than its own', () => {
  const withMigrations = async (statement: string, code: string, message: RegExp): Promise<void> => {
    const other = await createDatabase();
    await other.pool.query(statement);
    expect(await open(other.url)).toEqual({ code, message: expect.stringMatching(message) as string });
    await other.drop();
  };

  it('refuses to start on an older one', () =>
    withMigrations(
      'delete from fahuo.migrations where id = 2',
      'SCHEMA_OUTDATED',
      /^this database is 1 migration behind this fahuo: run fahuo migrate$/,
    ));

  it('refuses to start on a newer one', () =>
    withMigrations(
      `insert into fahuo.migrations (hash, created_at) values ('x', 9e12), ('y', 9.1e12)`,
      'SCHEMA_NEWER',
      /^this database is 2 migrations ahead/,
    ));

  it('refuses to start on one that an unreleased build made', () =>
    withMigrations(
      `update fahuo.migrations set hash = 'x' where id = 1`,
      'SCHEMA_FOREIGN',
      /never released$/,
    ));

  it('refuses it as migrate too', async () => {
    const other = await createDatabase();
    await other.pool.query(`update fahuo.migrations set hash = 'x' where id = 1`);
    await expect(migrate(other.url)).rejects.toThrow(/never released$/);
    await other.drop();
  });

  it.each(['run', 'doctor'])('says so in one line: %s', async (command) => {
    const other = await createDatabase();
    await other.pool.query('delete from fahuo.migrations where id = 2');
    const { code, stdout, stderr } = await runFahuo([command], {
      DATABASE_URL: other.url,
      FAHUO_LOG_LEVEL: 'warn',
      KAFKA_BROKERS: '127.0.0.1:1',
      WECHAT_APPID: 'wx1',
      WECHAT_SECRET: 'secret',
    });
    expect(code).toBe(1);
    const said = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('1 migration behind'));
    expect(said).toHaveLength(1);
    await other.drop();
  });

  it('is refused for want of rights in one line', async () => {
    expect(await open(await database.login())).toEqual({
      code: 'RIGHTS_MISSING',
      message: 'Postgres: permission denied for schema fahuo',
    });
  });
});
