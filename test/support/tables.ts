import type { Queryable } from '../../db/client.ts';

/** The tables of the schema, a partitioned one as one. */
async function tablesOf(db: Queryable): Promise<string[]> {
  const { rows } = await db.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = 'fahuo'::regnamespace and relkind in ('r', 'p')
       and not relispartition and relname <> 'migrations' order by 1`,
  );
  return rows.map((row) => row.name);
}

/** Rows by table. */
export async function countTables(db: Queryable): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of await tablesOf(db)) {
    const { rows } = await db.query<{ n: number }>(`select count(*) as n from fahuo.${name}`);
    counts[name] = rows[0]?.n ?? 0;
  }
  return counts;
}

/** Bytes by table, with indexes and what is stored aside. */
export async function weighTables(db: Queryable): Promise<Record<string, number>> {
  const bytes: Record<string, number> = {};
  for (const name of await tablesOf(db)) {
    const { rows } = await db.query<{ n: number }>(
      `select pg_total_relation_size('fahuo.${name}'::regclass) + coalesce((
         select sum(pg_total_relation_size(relid))::bigint from pg_partition_tree('fahuo.${name}'::regclass) where level > 0
       ), 0) as n`,
    );
    bytes[name] = rows[0]?.n ?? 0;
  }
  return bytes;
}
