import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connectAlone, createPool, inTransaction, type Pool } from '../../../db/client.ts';
import { monotonicMs } from '../../../src/clock.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { createTcpProxy, type TcpProxy } from '../../support/proxy.ts';

const queryTimeoutMs = 2_000;
let database: TestDatabase;
let proxy: TcpProxy;
let pool: Pool;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());
afterEach(() => proxy.close());

async function openPool(): Promise<void> {
  const { hostname, port } = new URL(database.url);
  proxy = await createTcpProxy({ host: hostname, port: Number(port) });
  const url = Object.assign(new URL(database.url), { hostname: '127.0.0.1', port: String(proxy.port) });
  pool = createPool({
    databaseUrl: url.toString(),
    max: 6,
    applicationName: 'deadlines',
    onError: () => undefined,
    queryTimeoutMs,
  });
}

describe('a pool whose host falls silent', () => {
  it('gives up one statement and has no dead connection left for the next', async () => {
    await openPool();
    await Promise.all(Array.from({ length: 6 }, () => pool.query('select pg_sleep(0.1)')));
    expect(pool.idleCount).toBe(6);
    proxy.silence();
    const fromMs = monotonicMs();
    await expect(pool.query('select 1')).rejects.toThrow('Query read timeout');
    expect(monotonicMs() - fromMs).toBeGreaterThanOrEqual(queryTimeoutMs - 50);
    for (let time = 0; time < 6; time++) expect((await pool.query('select 1')).rowCount).toBe(1);
  });

  it('gives up a transaction once, not once more for its rollback', async () => {
    await openPool();
    const fromMs = monotonicMs();
    const broken = inTransaction(pool, async (tx) => {
      await tx.query('select 1');
      proxy.silence();
      await tx.query('select 2');
    });
    await expect(broken).rejects.toThrow('Query read timeout');
    expect(monotonicMs() - fromMs).toBeLessThan(2 * queryTimeoutMs);
    expect(pool.totalCount).toBe(0);
  });

  it('leaves no lock behind: Postgres ends a transaction that says nothing more', async () => {
    await openPool();
    const silent = inTransaction(pool, async (tx) => {
      await tx.query('lock table fahuo.budget in access exclusive mode');
      proxy.silence();
      await tx.query('select 1');
    }).catch(() => undefined);
    await eventually(async () => {
      const { rows } = await database.pool.query(
        `select 1 from pg_locks where relation = 'fahuo.budget'::regclass and mode = 'AccessExclusiveLock' and granted`,
      );
      expect(rows).toEqual([]);
    }, 30_000);
    await silent;
  });
});

describe('a pool whose server answers', () => {
  it('lets Postgres end a statement that takes too long, and say so', async () => {
    await openPool();
    await expect(pool.query('select pg_sleep(30)')).rejects.toMatchObject({ code: '57014' });
  });

  it('lets Postgres end a wait for a lock before that', async () => {
    await openPool();
    const holder = await connectAlone(database.url, 'holder');
    await holder.query('begin; lock table fahuo.budget in access exclusive mode');
    await expect(pool.query('select * from fahuo.budget')).rejects.toMatchObject({ code: '55P03' });
    await holder.end();
  });

  it('gives the settings of DATABASE_URL itself the last word', async () => {
    const url = `${database.url}?options=${encodeURIComponent('-c lock_timeout=7s -c work_mem=9MB')}`;
    await openPool();
    const own = createPool({
      databaseUrl: url,
      max: 1,
      applicationName: 'own',
      onError: () => undefined,
      settings: { work_mem: '5MB', search_path: 'pg_catalog,pg_temp' },
    });
    const { rows } = await own.query(
      `select current_setting('lock_timeout') as lock, current_setting('work_mem') as mem, current_setting('search_path') as path`,
    );
    expect(rows).toEqual([{ lock: '7s', mem: '9MB', path: 'pg_catalog,pg_temp' }]);
    await own.end();
  });
});
