import type { Queryable } from '../../db/client.ts';

/** How far the walk over the old orders of one kind is. */
export type Progress = {
  kind: string;
  /** The last key that was looked at; null at the beginning. */
  cursor: string | null;
  sinceMs: number | null;
  readFirst: boolean;
  looked: number;
  events: number;
  finished: boolean;
};

export async function readProgress(db: Queryable, source: string): Promise<Progress[]> {
  const { rows } = await db.query<Progress>(
    `select kind, cursor, (extract(epoch from since) * 1000)::float8 as "sinceMs", read_first as "readFirst", looked, events,
       finished_at is not null as finished
     from fahuo.adopt_backfill where source = $1 order by started_at, kind`,
    [source],
  );
  return rows;
}

/** Begins the walk, or begins it anew. */
export async function beginWalk(
  db: Queryable,
  source: string,
  { kind, sinceMs, readFirst }: Pick<Progress, 'kind' | 'sinceMs' | 'readFirst'>,
): Promise<void> {
  await db.query(
    `insert into fahuo.adopt_backfill (source, kind, since, read_first) values ($1, $2, to_timestamp($3::float8 / 1000), $4)
     on conflict (source, kind) do update set cursor = null, since = excluded.since, read_first = excluded.read_first, looked = 0,
       events = 0, started_at = clock_timestamp(), finished_at = null`,
    [source, kind, sinceMs, readFirst],
  );
}

/** In the transaction that writes them. */
export async function countEvents(
  tx: Queryable,
  source: string,
  { kind, events }: { kind: string; events: number },
): Promise<void> {
  await tx.query('update fahuo.adopt_backfill set events = events + $3 where source = $1 and kind = $2', [
    source,
    kind,
    events,
  ]);
}

export async function saveCursor(
  db: Queryable,
  source: string,
  { kind, cursor, looked }: { kind: string; cursor: string; looked: number },
): Promise<void> {
  await db.query(
    'update fahuo.adopt_backfill set cursor = $3, looked = looked + $4 where source = $1 and kind = $2',
    [source, kind, cursor, looked],
  );
}

export async function finishWalk(db: Queryable, source: string, kind: string): Promise<void> {
  await db.query(
    'update fahuo.adopt_backfill set finished_at = clock_timestamp() where source = $1 and kind = $2',
    [source, kind],
  );
}
