import type { Queryable } from '../../db/client.ts';
import type { UploadState } from '../../db/states.ts';
import { acknowledgementColumns, acknowledgementInsert } from './acknowledgement-store.ts';

/** The app's rows that are not final, by state. */
export async function countUnfinished(
  db: Queryable,
  appid: string,
): Promise<{ state: UploadState; rows: number }[]> {
  const { rows } = await db.query<{ state: UploadState; rows: number }>(
    `select state::text as state, count(*) as rows from fahuo.upload
     where appid = $1 and state in ('pending', 'uploading', 'unknown', 'parked') group by 1 order by 1`,
    [appid],
  );
  return rows;
}

/** The instances that have said within half a minute that they serve the app. */
export async function readServers(db: Queryable, appid: string): Promise<string[]> {
  const { rows } = await db.query<{ instance: string }>(
    `select instance from fahuo.serving
     where appid = $1 and seen_at > clock_timestamp() - interval '30 seconds' order by 1`,
    [appid],
  );
  return rows.map((row) => row.instance);
}

/**
 * Whatever is not final → `rejected`, for an app that is served no more: at most `limit` rows, acknowledged in the same
 * statement. Rows that somebody has locked, or whose lease has not run out yet, are left. Returns the count.
 */
export async function retire(
  db: Queryable,
  {
    appid,
    detail,
    limit,
    acknowledgements,
  }: { appid: string; detail: string; limit: number; acknowledgements: boolean },
): Promise<number> {
  const acknowledging = `, acknowledged as (${acknowledgementInsert('moved')})`;
  const { rows } = await db.query<{ rows: number }>(
    `with due as (
      select id from fahuo.upload
      where appid = $1 and state in ('pending', 'uploading', 'unknown', 'parked')
        and (lease_until is null or lease_until < clock_timestamp())
      limit $3 for update skip locked
    ), moved as (
      update fahuo.upload u set state = 'rejected', park_reason = null, lease_owner = null, lease_until = null,
        lease_epoch = u.lease_epoch + 1, finished_at = clock_timestamp(),
        detail = $2 || case when u.attempts > 0 then '; WeChat may hold it: it was sent before' else '' end
      from due where u.id = due.id
      returning ${acknowledgementColumns('u')}
    )${acknowledgements ? acknowledging : ''}
    select count(*) as rows from moved`,
    [appid, detail, limit],
  );
  return rows[0]?.rows ?? 0;
}

/** What the instances shared about the app, and how far its listings came: nobody goes on with them. */
export async function forgetApp(db: Queryable, appid: string): Promise<void> {
  await db.query(
    `with token as (delete from fahuo.token where appid = $1), pause as (delete from fahuo.pause where appid = $1),
       serving as (delete from fahuo.serving where appid = $1),
       sweeps as (delete from fahuo.reconcile_sweep where appid = $1),
       wishes as (delete from fahuo.reconcile_wish where appid = $1)
     delete from fahuo.budget where appid = $1`,
    [appid],
  );
}
