import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPool } from '../../../db/client.ts';
import { migrate } from '../../../db/migrate.ts';
import { findPooler } from '../../../db/pooler.ts';
import { openPool } from '../../../src/roles/services.ts';
import { readConfig } from '../../../src/roles/config.ts';
import { createLog } from '../../../src/log.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { runFahuo } from '../../support/fahuo-process.ts';
import { createMovingPooler, hasPgBouncer, startPgBouncer, type Pooler } from '../../support/pooler.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

/** PgBouncer where it is installed; a pooler that takes turns in its place. */
const poolers: [string, (url: string) => Promise<Pooler>][] = [
  ['one that gives out the latest session', (url) => createMovingPooler(url, 'latest')],
  ['one that gives out the oldest session', (url) => createMovingPooler(url, 'oldest')],
  hasPgBouncer()
    ? ['PgBouncer in transaction mode', startPgBouncer]
    : ['one that stands in for PgBouncer', (url) => createMovingPooler(url, 'latest')],
];

describe.each(poolers)('a pooler that moves sessions: %s', (_name, start) => {
  let pooler: Pooler;
  beforeAll(async () => {
    pooler = await start(database.url);
  });
  afterAll(() => pooler.close());

  it('is seen every time, also while others use it', async () => {
    const others = createPool({
      databaseUrl: pooler.url,
      max: 4,
      applicationName: 'order-service',
      onError: () => undefined,
    });
    let over = false;
    const busy = Array.from({ length: 4 }, async () => {
      while (!over) await others.query('select pg_sleep(0.001)');
    });
    for (let time = 0; time < 10; time++) expect(await findPooler(pooler.url)).toMatch(/session/);
    over = true;
    await Promise.all(busy);
    await others.end();
  });

  it('is refused by migrate', async () => {
    await expect(migrate(pooler.url)).rejects.toThrow(/a pooler stands before Postgres/);
  });

  it('is refused by a start in one line with its remedy', async () => {
    const log = createLog({ level: 'silent' });
    await expect(openPool(readConfig({ DATABASE_URL: pooler.url }), log)).rejects.toMatchObject({
      code: 'POOLED_CONNECTION',
      message: expect.stringMatching(/^DATABASE_URL leads through a pooler: .*$/) as string,
      remedy: 'Let DATABASE_URL name Postgres itself: fahuo keeps sessions of its own.',
    });
  });
});

describe('doctor', () => {
  it('names a pooler', async () => {
    const pooler = await createMovingPooler(database.url, 'latest');
    const { code, stdout } = await runFahuo(['doctor'], {
      DATABASE_URL: pooler.url,
      FAHUO_LOG_LEVEL: 'silent',
    });
    expect(code).toBe(1);
    expect(stdout).toMatch(/FAILED\s+postgres\s+DATABASE_URL leads through a pooler/);
    await pooler.close();
  });
});

describe('Postgres itself', () => {
  it('is never taken for a pooler', async () => {
    const busy = Array.from({ length: 4 }, async () => {
      for (let time = 0; time < 50; time++) await database.pool.query('select pg_sleep(0.001)');
    });
    for (let time = 0; time < 10; time++) expect(await findPooler(database.url)).toBeNull();
    await Promise.all(busy);
  });
});
