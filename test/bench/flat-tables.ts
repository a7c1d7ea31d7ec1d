import { connectAlone, createPool, type Pool } from '../../db/client.ts';
import { migrate } from '../../db/migrate.ts';
import { missingPartitions } from '../../src/relay/partitions/decide.ts';
import { makePartition, readPartitions } from '../../src/relay/partitions/store.ts';
import { appid } from '../support/events.ts';
import type { Bench } from './bench-parts.ts';

const chunk = 250_000;

/** The topic that the old rows say they came from, and were consumed from whole. */
export const oldTopic = 'old';

/** A migrated database with `size` published outbox rows and acknowledged uploads with their attempts: whole thousands. */
export async function fillDatabase(bench: Bench, name: string, size: number): Promise<Bench> {
  await bench.pool.query(`create database ${name}`);
  const databaseUrl = Object.assign(new URL(bench.databaseUrl), { pathname: `/${name}` }).toString();
  await migrate(databaseUrl);
  const pool = createPool({
    databaseUrl,
    max: 16,
    applicationName: 'bench',
    keyLookups: true,
    queryTimeoutMs: 7_200_000, // an index over twenty million rows
    onError: () => undefined,
  });
  for (const partition of missingPartitions(await readPartitions(pool), size))
    await makePartition(pool, partition);
  const indexes = await dropIndexes(pool);
  for (let from = 1; from <= size; from += chunk)
    await fillChunk(pool, from, Math.min(size, from + chunk - 1));
  for (const definition of indexes) await pool.query(definition);
  await pool.query(
    `insert into fahuo.relay_journal (shard, first_id, last_id, topic, partition, partition_count, base_offset, count)
     select 0, n * 1000 + 1, n * 1000 + 1000, $2, p, 8, n * 125, 125
     from generate_series(0, $1::int / 1000 - 1) n, generate_series(0, 7) p`,
    [size, oldTopic],
  );
  await pool.query(
    `insert into fahuo.consumer_offset (consumer_group, topic, partition, next_offset)
     select 'old', $2, p, $1::int / 8 from generate_series(0, 7) p`,
    [size, oldTopic],
  );
  await pool.query(
    'update fahuo.relay_cursor set cursor = (select last_value from fahuo.outbox_id_seq) where shard = 0',
  );
  const client = await connectAlone(databaseUrl, 'bench');
  await client.query('vacuum analyze');
  await client.end();
  return { ...bench, databaseUrl, pool };
}

/** Those of the uploads, but for the primary key: made at once they cost a fraction. Returns what makes them again. */
async function dropIndexes(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ name: string; definition: string }>(
    `select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition
     from pg_index where indrelid = 'fahuo.upload'::regclass and not indisprimary`,
  );
  for (const { name } of rows) await pool.query(`drop index ${name}`);
  return rows.map(({ definition }) => definition);
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
         select $1, 'old' || n, 1, 'shipped', 'old-' || n, '/orders', '2026-11-23T10:00:00+08:00', $4, (n - 1) % 8, (n - 1) / 8,
           rpad('{', 99) || '}', md5(n::text), 'acknowledged', 1, 1, now(), 0, 'rid', now()
         from generate_series($2::int, $3::int) n`,
        [appid, from, to, oldTopic],
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
