import type { Queryable } from '../../db/client.ts';
import { acknowledgementColumns, acknowledgementInsert } from './acknowledgement-store.ts';

/** As the index upload_older_waiting has it. */
const waitingOlder = `caution = 'older' and state = 'pending' and next_attempt_at = 'infinity'`;

/** Whether some wait, and none has come for `quietMs`. A statement of its own: the release counts as a writer of the outbox. */
export async function olderIsQuiet(db: Queryable, quietMs: number): Promise<boolean> {
  const { rows } = await db.query<{ quiet: boolean }>(
    `select received_at < clock_timestamp() - $1 * interval '1 millisecond' as quiet
     from fahuo.upload where ${waitingOlder} order by id desc limit 1`,
    [quietMs],
  );
  return rows[0]?.quiet === true;
}

/**
 * Decides about events that are older than the database and wait: of a payment the newest may be tried, which reads
 * first; the others are superseded, and an event of their payment that came since is read first, too. In their order,
 * `limit` rows a call.
 */
export async function releaseOlder(
  db: Queryable,
  { limit, acknowledgements }: { limit: number; acknowledgements: boolean },
): Promise<{ rows: number; superseded: number }> {
  const { rows } = await db.query<{ rows: number; superseded: number }>(
    `with due as materialized (
      select id, appid, payment, version from fahuo.upload
      where ${waitingOlder} order by id limit $1
      for update skip locked
    ), judged as materialized (
      select d.*, n.id as newer from due d left join lateral (
        select o.id from fahuo.upload o
        where o.appid = d.appid and o.payment = d.payment and o.version > d.version and o.state <> 'rejected'
        order by o.version desc limit 1
      ) n on true
    ), superseded as (
      update fahuo.upload u set state = 'superseded', finished_at = clock_timestamp(),
        detail = 'older than this database, and a newer version came'
      from judged j where u.id = j.id and j.newer is not null
      returning ${acknowledgementColumns('u')}
    ), acknowledged as (
      ${acknowledgementInsert('superseded')} where $2::boolean
    ), warned as (
      update fahuo.upload u set caution = 'forgotten'
      from (select distinct newer as id from judged where newer is not null) j
      where u.id = j.id and u.caution is null and u.state = 'pending'
    ), released as (
      update fahuo.upload u set next_attempt_at = clock_timestamp()
      from judged j where u.id = j.id and j.newer is null
    )
    select (select count(*) from due) as rows, (select count(*) from superseded) as superseded`,
    [limit, acknowledgements],
  );
  return rows[0] ?? { rows: 0, superseded: 0 };
}

const parkedOlder = `caution = 'older' and state = 'parked' and park_reason = 'older_event'`;

export type OlderCount = { waiting: number; parked: number };

/** Of one payment, or of all. */
export async function countOlder(db: Queryable, payment: string | null): Promise<OlderCount> {
  const { rows } = await db.query<OlderCount>(
    `select (select count(*) from fahuo.upload where ${waitingOlder} and payment = coalesce($1, payment)) as waiting,
       (select count(*) from fahuo.upload where ${parkedOlder} and payment = coalesce($1, payment)) as parked`,
    [payment],
  );
  return rows[0] ?? { waiting: 0, parked: 0 };
}

/** `parked → pending` by a person's word, who has seen what WeChat shows; what waits is tried as well, in order. */
export async function acceptOlder(db: Queryable, payment: string | null): Promise<void> {
  for (const which of [parkedOlder, waitingOlder])
    await db.query(
      `update fahuo.upload set caution = 'forgotten', state = 'pending', park_reason = null,
         next_attempt_at = clock_timestamp()
       where ${which} and payment = coalesce($1, payment)`,
      [payment],
    );
}
