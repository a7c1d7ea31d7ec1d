import type { Queryable } from '../../db/client.ts';
import type { UploadState } from '../../db/states.ts';

export type StateCount = { state: UploadState; rows: number };

/** Exact, by the partial indexes over states that are not final. */
export async function countUnfinished(db: Queryable): Promise<StateCount[]> {
  const { rows } = await db.query<StateCount>(
    `select state, count(*) as rows from fahuo.upload
     where state in ('pending', 'uploading', 'unknown', 'parked') group by state`,
  );
  return rows;
}

/** Reads the table: for commands, not for a scrape. */
export async function countAll(db: Queryable): Promise<StateCount[]> {
  const { rows } = await db.query<StateCount>(
    'select state, count(*) as rows from fahuo.upload group by state',
  );
  return rows;
}

/** Seconds since the oldest row arrived that is not final; 0 when there is none. */
export async function oldestUnfinishedSeconds(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ seconds: number | null }>(
    `select extract(epoch from clock_timestamp() - min(received_at))::float8 as seconds from fahuo.upload
     where state in ('pending', 'uploading', 'unknown', 'parked')`,
  );
  return rows[0]?.seconds ?? 0;
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

export async function hasSchema(db: Queryable): Promise<boolean> {
  const { rows } = await db.query<{ found: boolean }>(
    `select to_regclass('fahuo.upload') is not null as found`,
  );
  return rows[0]?.found === true;
}
