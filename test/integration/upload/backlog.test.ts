import { afterEach, beforeEach, expect, it } from 'vitest';
import { createPool, type Pool } from '../../../db/client.ts';
import { claimPending } from '../../../src/upload/claim-store.ts';
import { record } from '../../../src/upload/record-store.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { accepted } from '../../support/decided.ts';
import { appid } from '../../support/events.ts';

const backlog = 20_000;
let database: TestDatabase;
let uploader: Pool;

beforeEach(async () => {
  database = await createDatabase();
  const applicationName = 'fahuo-test';
  const onError = () => undefined;
  uploader = createPool({ databaseUrl: database.url, max: 1, applicationName, keyLookups: true, onError });
});
afterEach(async () => {
  await uploader.end();
  await database.drop();
});

const fill = (prefix: string, count: number, state: string): Promise<unknown> =>
  database.pool.query(
    `insert into fahuo.upload (appid, payment, version, kind, event_id, source, event_time, topic, partition, "offset",
       body, body_hash, state, finished_at)
     select $1, $2 || n, 1, 'shipped', $2 || n, '/orders', '2026-11-23T10:00:00+08:00', $2, 0, n, '{}', md5(n::text),
       $4::fahuo.upload_state, case when $4 = 'acknowledged' then now() end
     from generate_series(1, $3::int) n`,
    [appid, prefix, count, state],
  );

/** Entries of the index of pending rows that were read so far. */
async function pendingRead(): Promise<number> {
  await uploader.query('select pg_stat_force_next_flush()');
  const { rows } = await uploader.query<{ n: number }>(
    `select idx_tup_read as n from pg_stat_user_indexes where indexrelname = 'upload_due_by_app'`,
  );
  return rows[0]!.n;
}

it('acknowledges without reading the backlog, though its plan was made while nothing was pending', async () => {
  await fill('old', 5_000, 'acknowledged');
  await database.pool.query('analyze fahuo.upload');
  await fill('new', backlog, 'pending');
  const claimed = await claimPending(uploader, {
    appid,
    owner: 'test',
    leaseMs: 60_000,
    limit: 50,
    acknowledgements: true,
    dueSinceMs: null,
  });
  expect(claimed).toHaveLength(50);
  const before = await pendingRead();
  const { moved } = await record(uploader, 'acknowledge', claimed.map(accepted), {
    owner: 'test',
    acknowledgements: true,
  });
  expect(moved).toHaveLength(50);
  expect((await pendingRead()) - before).toBeLessThan(backlog / 10);
});
