import type { Queryable } from '../../db/client.ts';
import type { FindingKind, Sweep } from '../../db/states.ts';

/** How long ago each app's listing last ended; since its first began where none has. */
export async function readPassAges(
  db: Queryable,
): Promise<{ appid: string; sweep: Sweep; ageSeconds: number; failure: string | null }[]> {
  const { rows } = await db.query<{
    appid: string;
    sweep: Sweep;
    ageSeconds: number;
    failure: string | null;
  }>(
    `select appid, sweep, failure,
       greatest(0, extract(epoch from clock_timestamp() - coalesce(finished_at, started_at, next_at)))::float8 as "ageSeconds"
     from fahuo.reconcile_sweep order by 1, 2`,
  );
  return rows;
}

/** When a listing of each app last ended: of what is to ship, and of all states. Null where none has. */
export type Listed = { appid: string; recent: Date | null; whole: Date | null };

export async function readListed(db: Queryable, appid: string | null): Promise<Listed[]> {
  const { rows } = await db.query<Listed>(
    `select appid, max(finished_at) filter (where sweep = 'recent') as recent,
       max(finished_at) filter (where sweep = 'whole') as whole
     from fahuo.reconcile_sweep where $1::text is null or appid = $1 group by 1 order by 1`,
    [appid],
  );
  return rows;
}

/** Contradictions that stand now and that a second read has shown; suspicions are no part of it. */
export async function readOpenFindings(db: Queryable): Promise<{ kind: FindingKind; payments: number }[]> {
  const { rows } = await db.query<{ kind: FindingKind; payments: number }>(
    `select k.kind, count(f.kind)::int as payments from unnest(enum_range(null::fahuo.finding_kind)) k(kind)
     left join fahuo.reconcile_finding f on f.kind = k.kind and f.ended_at is null and f.confirmed_at is not null group by 1`,
  );
  return rows;
}
