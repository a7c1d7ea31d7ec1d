import { connectAlone, createPool, type Pool } from '../../db/client.ts';
import { migrate } from '../../db/migrate.ts';
import { missingPartitions } from '../../src/relay/partitions.ts';
import { makePartition, readPartitions } from '../../src/relay/partition-store.ts';
import { appid } from '../support/events.ts';
import type { Bench } from './bench-parts.ts';

export const million = 1_000_000;
const chunk = 250_000;

/** A migrated database with `millions` of published outbox rows and of acknowledged uploads with their attempts. */
export async function fillDatabase(bench: Bench, name: string, millions: number): Promise<Bench> {
  await bench.pool.query(`create database ${name}`);
  const databaseUrl = Object.assign(new URL(bench.databaseUrl), { pathname: `/${name}` }).toString();
  await migrate(databaseUrl);
  const pool = createPool({
    databaseUrl,
    max: 16,
    applicationName: 'bench',
    keyLookups: true,
    onError: () => undefined,
  });
  for (const partition of missingPartitions(await readPartitions(pool), millions * million))
    await makePartition(pool, partition);
  for (let from = 1; from <= millions * million; from += chunk) await fillChunk(pool, from, from + chunk - 1);
  await pool.query(
    `insert into fahuo.relay_journal (shard, first_id, last_id, topic, partition, partition_count, base_offset, count)
     select 0, n * 1000 + 1, n * 1000 + 1000, 'old', p, 8, n * 125, 125
     from generate_series(0, $1::int * 1000 - 1) n, generate_series(0, 7) p`,
    [millions],
  );
  await pool.query(
    'update fahuo.relay_cursor set cursor = (select last_value from fahuo.outbox_id_seq) where shard = 0',
  );
  const client = await connectAlone(databaseUrl, 'bench');
  await client.query('vacuum analyze');
  await client.end();
  return { ...bench, databaseUrl, pool };
}

/** Bodies of a hundred bytes, so that 20 million rows fit a small disk; every index is as deep as with larger ones. */
async function fillChunk(pool: Pool, from: number, to: number): Promise<void> {
  await Promise.all([
    pool.query(
      `insert into fahuo.outbox (event_id, type, source, event_time, appid, payment, version, data)
       select 'old-' || n, 'fahuo.shipment.shipped.v1', '/orders', '2026-11-23T10:00:00+08:00', $1, 'old' || n, 1,
         rpad('{', 99) || '}' from generate_series($2::int, $3::int) n`,
      [appid, from, to],
    ),
    pool
      .query(
        `insert into fahuo.upload (appid, payment, version, kind, event_id, source, event_time, topic, partition, "offset",
           body, body_hash, state, attempts, lease_epoch, upload_time, errcode, rid, finished_at)
         select $1, 'old' || n, 1, 'shipped', 'old-' || n, '/orders', '2026-11-23T10:00:00+08:00', 'old', n % 8, n / 8,
           rpad('{', 99) || '}', md5(n::text), 'acknowledged', 1, 1, now(), 0, 'rid', now()
         from generate_series($2::int, $3::int) n`,
        [appid, from, to],
      )
      .then(() =>
        pool.query(
          `insert into fahuo.attempt (upload_id, number, kind, outcome, upload_time, http_status, errcode, rid, duration_ms, owner)
           select n, 1, 'send', 'accepted', now(), 200, 0, 'rid', 50, 'old' from generate_series($1::int, $2::int) n`,
          [from, to],
        ),
      ),
  ]);
}

export async function sizeOf({ pool }: Bench): Promise<string> {
  const { rows } = await pool.query<{ size: string }>(
    'select pg_size_pretty(pg_database_size(current_database())) as size',
  );
  return rows[0]?.size ?? '';
}
