import type { Queryable } from '../../db/client.ts';
import type { UploadState } from '../../db/states.ts';

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

/** Reads the table: for commands, not for a scrape. */
export async function countAll(db: Queryable): Promise<StateCount[]> {
  const { rows } = await db.query<StateCount>(
    'select state, count(*) as rows from fahuo.upload group by state',
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
