import { dueNow } from '../../db/due.ts';
import type { Queryable } from '../../db/client.ts';
import { acknowledgementColumns, acknowledgementInsert } from './acknowledgement-store.ts';
import { appHasAliases, appHasLoosePayments, keysOf } from './alias-store.ts';
import type { LeasedRow } from './row.ts';
import { isForgottenUnderOtherKey } from './tombstone-store.ts';

const leasedColumns = `
  u.id, u.lease_epoch as epoch, u.appid, u.payment, u.version, u.kind, u.event_id as "eventId", u.traceparent,
  u.body, u.body_hash as "bodyHash", u.delta_body as "deltaBody", u.attempts, u.absent_reads as "absentReads", u.errcode,
  u.failed_reads as "failedReads", (date_part('epoch', u.unread_since) * 1000)::bigint as "unreadSinceMs",
  (date_part('epoch', coalesce(u.first_sent_at, u.upload_time)) * 1000)::bigint as "firstSentAtMs",
  u.caution, (date_part('epoch', u.received_at) * 1000)::bigint as "receivedAtMs",
  (date_part('epoch', u.upload_time) * 1000)::bigint as "uploadTimeMs"`;

const judgedColumns = 'k.id, k.payment, k.version, k.state, k.attempts, k.upload_time';

export type Claim = { appid: string; owner: string; leaseMs: number; limit: number };
export type PendingClaim = Claim & {
  acknowledgements: boolean;
  /** Rows that were due before this are left to a claim without it; null looks at all. See claim-lower-bound.ts. */
  dueSinceMs: number | null;
};
/** `othersTimeMs` is the last upload_time of the payment's other rows under its key, as the claim saw them. */
export type Claimed = LeasedRow & { dueAtMs: number; othersTimeMs: number | null };

/**
 * `pending → uploading`: the intent, on record before a byte is sent. Takes due rows of one app whose payment has
 * nothing in flight and no older row waiting (P3), skipping what another instance is claiming. The new `upload_time`
 * is the database's now, and strictly later than every earlier one of the payment (wechat.md §6.6).
 *
 * `history` asks for a read before the write: another row of the payment, or this one, was sent before (P5), also one
 * that was forgotten under the payment's other key (P12), or its caution says that another may have been; or WeChat was
 * seen to hold the payment as shipped, by a list or a push. A parked conflict that somebody retries is read again, never
 * sent blindly. A row under `mchid:out_trade_no` is always read, since only a read tells which transaction it is; and so
 * is every transaction of an app that has a `loose` payment. Rows of both keys of a payment are judged together, by version and
 * then by arrival; an app without aliases does not look for them.
 *
 * A blocked row is put off by a second, so that a payment with a thousand versions is not looked at in every claim;
 * its predecessor's end wakes it. A claim that meets another one on a payment takes nothing: claim again.
 * {@link dueNow} and not clock_timestamp(): only a stable function can bound the index scan.
 */
export async function claimPending(db: Queryable, claim: PendingClaim): Promise<Claimed[]> {
  const found = await findAndClaim(db, claim);
  const outdatedIds = found[0]?.outdatedIds ?? null;
  if (outdatedIds !== null) await supersedeOutdated(db, outdatedIds, claim);
  const claimed = found.filter((row): row is Found & { id: number } => row.id !== null);
  return claimed.sort((left, right) => left.dueAtMs - right.dueAtMs || left.id - right.id);
}

/** A claimed row, or none, and in each line the rows that a newer version has made needless. */
type Found = Omit<Claimed, 'id'> & { id: number | null; outdatedIds: number[] | null };

/** Two claims met on one payment: the index let the other one through, and the next claim sees what it took. */
const metAnother = (error: unknown): boolean =>
  (error as { constraint?: unknown } | null)?.constraint === 'upload_one_in_flight';

async function findAndClaim(db: Queryable, claim: PendingClaim): Promise<Found[]> {
  const values = [claim.appid, claim.limit, claim.owner, claim.leaseMs, claim.dueSinceMs];
  try {
    return (await db.query<Found>({ name: 'claim_pending', text: claimText, values })).rows;
  } catch (error) {
    if (metAnother(error)) return [];
    throw error;
  }
}

const claimText = `with app as materialized (
      select ${appHasAliases('$1')} as joins, ${appHasLoosePayments('$1')} as loose
    ), candidate as (
      select id, appid, payment, version from fahuo.upload
      where appid = $1 and state = 'pending' and next_attempt_at <= ${dueNow}
        and next_attempt_at >= coalesce(to_timestamp($5::float8 / 1000), '-infinity')
      order by next_attempt_at, id limit $2
      for update skip locked
    ), judged as (
      select c.id, app.loose, s.* from candidate c cross join app cross join lateral (
        select max(o.upload_time) as last_time,
          max(o.upload_time) filter (where o.id <> c.id and o.payment = c.payment) as others_time,
          coalesce(bool_or(o.attempts > 0) filter (where o.id <> c.id), false)
            or case when app.joins then ${isForgottenUnderOtherKey('c')} else false end as history,
          coalesce(bool_or(o.state in ('uploading', 'unknown') or (o.state = 'pending' and (o.version, o.id) < (c.version, c.id)))
            filter (where o.id <> c.id), false) as blocked,
          coalesce(bool_or(o.state = 'acknowledged' and o.version > c.version), false) as outdated
        from (
          select ${judgedColumns} from fahuo.upload k where k.appid = c.appid and k.payment = c.payment
          union all
          select ${judgedColumns} from fahuo.upload k
          where app.joins and k.appid = c.appid and k.payment = any(${keysOf('c')}) and k.payment <> c.payment
        ) o
      ) s
    ), put_off as (
      update fahuo.upload u set next_attempt_at = now() + interval '1 second'
      from judged j where u.id = j.id and (j.blocked or j.outdated)
    ), claimed as (
    update fahuo.upload u set state = 'uploading', attempts = u.attempts + 1, lease_owner = $3,
      lease_epoch = u.lease_epoch + 1, lease_until = clock_timestamp() + $4 * interval '1 millisecond',
      upload_time = greatest(date_trunc('milliseconds', clock_timestamp()), j.last_time + interval '1 millisecond'),
      first_sent_at = coalesce(u.first_sent_at, clock_timestamp())
    from judged j where u.id = j.id and not j.blocked and not j.outdated
    returning ${leasedColumns}, j.loose, j.history or u.attempts > 1 or u.kind = 'corrected' or u.caution is not null
        or j.loose or strpos(u.payment, ':') > 0 or exists (
          select from fahuo.payment p where p.transaction_id = u.payment and p.appid = u.appid and not p.unshipped
        ) as history,
      (date_part('epoch', u.next_attempt_at) * 1000)::bigint as "dueAtMs",
      (date_part('epoch', j.others_time) * 1000)::bigint as "othersTimeMs"
    )
    select c.*, o.ids as "outdatedIds" from (select array_agg(id) as ids from judged where outdated) o
    left join claimed c on true`;

/**
 * The claimed rows that were judged by what is no longer so: another row of the payment was claimed, and ended, between
 * the claim's snapshot and its own write, which upload_one_in_flight lets through then. Asked when the claim is
 * committed, so that nothing can come between any more. They must go back unsent (P3, P5).
 */
export async function findOvertaken(
  db: Queryable,
  appid: string,
  rows: readonly Claimed[],
): Promise<ReadonlySet<number>> {
  if (rows.length === 0) return new Set();
  const found = await db.query<{ id: number }>({
    name: 'claim_overtaken',
    text: `select c.id from unnest($2::bigint[], $3::text[], $4::bigint[]) c(id, payment, others_ms) cross join lateral (
        select max(o.upload_time) as others_time from fahuo.upload o
        where o.payment = c.payment and o.appid = $1 and o.id <> c.id
      ) o where (date_part('epoch', o.others_time) * 1000)::bigint is distinct from c.others_ms`,
    values: [
      appid,
      rows.map((row) => row.id),
      rows.map((row) => row.payment),
      rows.map((row) => row.othersTimeMs),
    ],
  });
  return new Set(found.rows.map(({ id }) => id));
}

/**
 * `pending → superseded`. A statement of its own, since it is a writer of the outbox: the claim may wait for another
 * claim of the same payment, and the relay would wait with it. Rows that somebody has locked are found by a later claim.
 */
async function supersedeOutdated(
  db: Queryable,
  ids: readonly number[],
  { acknowledgements }: { acknowledgements: boolean },
): Promise<void> {
  const acknowledging = `, acknowledged as (${acknowledgementInsert('moved')})`;
  await db.query(
    `with outdated as (
      select id from fahuo.upload where id = any($1::bigint[]) and state = 'pending' for update skip locked
    ), moved as (
      update fahuo.upload u set state = 'superseded', finished_at = clock_timestamp(),
        detail = 'a newer version was acknowledged first'
      from outdated o where u.id = o.id
      returning ${acknowledgementColumns('u')}
    )${acknowledgements ? acknowledging : ''}
    select count(*) from moved`,
    [ids],
  );
}

/** Takes `unknown` rows whose next read is due; the state stays, the epoch and a lease make the read ours. */
export async function claimUnknown(db: Queryable, claim: Claim): Promise<LeasedRow[]> {
  const { rows } = await db.query<LeasedRow>({
    name: 'claim_unknown',
    text: `with due as (
      select id from fahuo.upload
      where appid = $1 and state = 'unknown' and next_attempt_at <= ${dueNow}
        and (lease_until is null or lease_until < now())
      order by next_attempt_at limit $2
      for update skip locked
    )
    update fahuo.upload u set lease_owner = $3, lease_epoch = u.lease_epoch + 1,
      lease_until = clock_timestamp() + $4 * interval '1 millisecond'
    from due where u.id = due.id
    returning ${leasedColumns}, true as history, false as loose`,
    values: [claim.appid, claim.limit, claim.owner, claim.leaseMs],
  });
  return rows;
}

/** `parked → pending` where the slow retry of an unseen payment is due. Returns the count. */
export async function wakeParked(db: Queryable): Promise<number> {
  const { rowCount } = await db.query(
    `with due as (
      select id from fahuo.upload
      where state = 'parked' and park_reason = 'payment_not_found' and next_attempt_at <= ${dueNow}
      limit 500 for update skip locked
    )
    update fahuo.upload u set state = 'pending', park_reason = null, next_attempt_at = clock_timestamp()
    from due where u.id = due.id`,
  );
  return rowCount ?? 0;
}
