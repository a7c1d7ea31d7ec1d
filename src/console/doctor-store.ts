import type { Queryable } from '../../db/client.ts';

/** CACHE of the outbox's sequence: above 1, ids are drawn outside the insert, and the frontier's argument falls. */
export async function prefetchedIds(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ cached: number }>(
    `select seqcache as cached from pg_sequence where seqrelid = 'fahuo.outbox_id_seq'::regclass`,
  );
  return rows[0]?.cached ?? 0;
}

/** What this login lacks of the rights that `fahuo run` uses: one text each, such as `INSERT on fahuo.upload`. */
export async function missingRights(db: Queryable): Promise<string[]> {
  const { rows } = await db.query<{ missing: string }>(
    `select privilege || ' on fahuo.' || relname as missing
     from pg_class c cross join unnest('{SELECT,INSERT,UPDATE,DELETE}'::text[]) with ordinality p(privilege, nth)
     where c.relnamespace = 'fahuo'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
       and c.relname not in ('migrations') and not has_table_privilege(c.oid, privilege)
     order by relname, nth`,
  );
  return rows.map((row) => row.missing);
}
