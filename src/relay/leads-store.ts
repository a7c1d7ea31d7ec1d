import type { Queryable } from '../../db/client.ts';
import { lockSpace } from './leader-store.ts';

/** Whether a session leads the shard now: the cursor keeps the name of the last one that did. */
export async function isLed(db: Queryable, shard: number): Promise<boolean> {
  const { rowCount } = await db.query(
    `select from pg_locks where locktype = 'advisory' and granted and classid = $1 and objid = $2
       and database = (select oid from pg_database where datname = current_database())`,
    [lockSpace, shard],
  );
  return (rowCount ?? 0) > 0;
}
