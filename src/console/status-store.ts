import type { Queryable } from '../../db/client.ts';
import { finalUploadStates, type UploadState } from '../../db/states.ts';

export type StateCount = { state: UploadState; rows: number };

/** How many rows are in a state that is not final, and how long ago the oldest of them arrived. */
export type Unfinished = StateCount & { ageSeconds: number | null };

/** One branch a state, because each has a partial index: `state in (…)` would read the whole table. */
const unfinished = (['pending', 'uploading', 'unknown', 'parked'] satisfies UploadState[])
  .map(
    (state) => `select '${state}' as state, count(*) as rows,
      extract(epoch from clock_timestamp() - min(received_at))::float8 as "ageSeconds" from fahuo.upload where state = '${state}'`,
  )
  .join(' union all ');

export async function readUnfinished(db: Queryable): Promise<Unfinished[]> {
  const { rows } = await db.query<Unfinished>(unfinished);
  return rows;
}

/** Beyond this a count of final rows takes seconds. */
const countedBytes = 104_857_600;

/**
 * Final rows by state: counted while the table is small, else from what Postgres has gathered of it (`analyze`), which
 * is exact to some percent. Unfinished rows are always counted, see {@link readUnfinished}.
 */
export async function countFinal(
  db: Queryable,
  upToBytes = countedBytes,
): Promise<{ estimated: boolean; counts: StateCount[] }> {
  const { rows: table } = await db.query<{
    bytes: number;
    rows: number;
    shares: Record<string, number> | null;
  }>(
    `select pg_relation_size(c.oid) as bytes, c.reltuples::float8 as rows,
       (select json_object_agg(s.state, s.share)
        from pg_stats t, unnest(t.most_common_vals::text::text[], t.most_common_freqs::float8[]) as s(state, share)
        where t.schemaname = 'fahuo' and t.tablename = 'upload' and t.attname = 'state') as shares
     from pg_class c where c.oid = 'fahuo.upload'::regclass`,
  );
  const { bytes = 0, rows = 0, shares = null } = table[0] ?? {};
  if (bytes <= upToBytes || shares === null) return { estimated: false, counts: await countFinalRows(db) };
  const counts = finalUploadStates.map((state) => ({ state, rows: Math.round(rows * (shares[state] ?? 0)) }));
  return { estimated: true, counts };
}

async function countFinalRows(db: Queryable): Promise<StateCount[]> {
  const { rows } = await db.query<StateCount>(
    `select state, count(*) as rows from fahuo.upload where state in ('acknowledged', 'rejected', 'superseded') group by 1`,
  );
  return rows;
}

export async function countParked(db: Queryable): Promise<{ reason: string; rows: number }[]> {
  const { rows } = await db.query<{ reason: string; rows: number }>(
    `select park_reason::text as reason, count(*) as rows from fahuo.upload where state = 'parked' group by 1`,
  );
  return rows;
}

export async function countDeadLetters(db: Queryable): Promise<{ reason: string; rows: number }[]> {
  const { rows } = await db.query<{ reason: string; rows: number }>(
    'select reason::text, count(*) as rows from fahuo.dead_letter group by 1',
  );
  return rows;
}

export async function ping(db: Queryable): Promise<void> {
  await db.query('select 1 from fahuo.relay_cursor limit 1');
}
