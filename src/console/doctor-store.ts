import type { Queryable } from '../../db/client.ts';

/** CACHE of the outbox's sequence: above 1, ids are drawn outside the insert, and the frontier's argument falls. */
export async function prefetchedIds(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ cached: number }>(
    `select seqcache as cached from pg_sequence where seqrelid = 'fahuo.outbox_id_seq'::regclass`,
  );
  return rows[0]?.cached ?? 0;
}
