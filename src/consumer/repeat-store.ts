import type { Queryable } from '../../db/client.ts';
import type { NewUpload } from '../upload/insert-store.ts';

/** Notes that these events repeat an upload of another event id, so that their writers find its answer under their own. */
export async function insertRepeats(db: Queryable, repeats: readonly NewUpload[]): Promise<void> {
  await db.query(
    `insert into fahuo.upload_repeat (event_id, source, upload_id)
     select r.event_id, r.source, u.id
     from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int4[]) as r(event_id, source, appid, payment, version)
       cross join lateral (
         select u.id from fahuo.upload u
         where u.payment = r.payment and u.appid = r.appid and u.version = r.version limit 1
       ) u
     on conflict do nothing`,
    [
      repeats.map((one) => one.event_id),
      repeats.map((one) => one.source),
      repeats.map((one) => one.appid),
      repeats.map((one) => one.payment),
      repeats.map((one) => one.version),
    ],
  );
}
