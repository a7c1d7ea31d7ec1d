import type { Queryable } from '../../db/client.ts';
import type { Bucket } from '../wechat/bucket.ts';

export type StoredBucket = { bucket: Bucket; nowMs: number };

const nowMs = 'extract(epoch from clock_timestamp())::float8 * 1000 as "nowMs"';

export async function readBucket(db: Queryable, appid: string): Promise<StoredBucket | null> {
  const { rows } = await db.query<StoredBucket>(
    `select bucket, ${nowMs} from fahuo.budget where appid = $1`,
    [appid],
  );
  return rows[0] ?? null;
}

/** Makes the row if there is none, and holds its lock until the transaction ends. */
export async function lockBucket(db: Queryable, appid: string, fresh: Bucket): Promise<StoredBucket> {
  await db.query('insert into fahuo.budget (appid, bucket) values ($1, $2) on conflict do nothing', [
    appid,
    JSON.stringify(fresh),
  ]);
  await db.query('select 1 from fahuo.budget where appid = $1 for update', [appid]);
  return (await readBucket(db, appid)) ?? { bucket: fresh, nowMs: 0 };
}

export async function saveBucket(db: Queryable, appid: string, bucket: Bucket): Promise<void> {
  await db.query('update fahuo.budget set bucket = $2 where appid = $1', [appid, JSON.stringify(bucket)]);
}
