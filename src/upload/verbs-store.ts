import type { Queryable } from '../../db/client.ts';
import type { ParkReason, UploadState } from '../../db/states.ts';
import { acknowledgementColumns, acknowledgementInsert } from './acknowledgement-store.ts';

/**
 * `parked → pending` by an operator's wish, with new clocks. It counts as sent once at least, so that whatever parked it
 * the state machine reads before it writes: no retry spends the chance (P5). Returns the count.
 */
export async function retryParked(db: Queryable, ids: readonly number[]): Promise<number> {
  const { rowCount } = await db.query(
    `update fahuo.upload set state = 'pending', park_reason = null, next_attempt_at = clock_timestamp(),
       attempts = greatest(attempts, 1), first_sent_at = null, failed_reads = 0, unread_since = null
     where id = any($1::bigint[]) and state = 'parked'`,
    [ids],
  );
  return rowCount ?? 0;
}

/**
 * `acknowledged → unknown`: two reads apart showed the payment as to ship, so nobody knows what became of the row. From here
 * on it is as any other unknown outcome: read twice, and sent only where WeChat does not hold it (P4, P5). What a person
 * resolved stays, and so does a row that a newer one of its payment has followed. Returns the count.
 */
export async function offerAgain(db: Queryable, ids: readonly number[]): Promise<number> {
  const { rowCount } = await db.query(
    `with free as (
      select u.id from fahuo.upload u
      where u.id = any($1::bigint[]) and u.state = 'acknowledged' and u.resolved_by is null and not exists (
        select from fahuo.upload o where o.appid = u.appid and o.payment = u.payment and o.id <> u.id
          and (o.version > u.version or o.state in ('uploading', 'unknown'))
      ) for update skip locked
    )
    update fahuo.upload u set state = 'unknown', finished_at = null, next_attempt_at = clock_timestamp(),
      attempts = greatest(u.attempts, 1), absent_reads = 0, failed_reads = 0, unread_since = null, first_sent_at = null,
      errcode = null, lease_owner = null, lease_until = null, lease_epoch = u.lease_epoch + 1,
      detail = 'it was acknowledged, and two reads apart show that WeChat waits for the shipment'
    from free where u.id = free.id`,
    [ids],
  );
  return rowCount ?? 0;
}

/** A row of a payment, as a person must know it who decides about it. */
export type PaymentRow = {
  id: number;
  appid: string;
  version: number;
  eventId: string;
  state: UploadState;
  parkReason: ParkReason | null;
  detail: string | null;
};

export async function readPaymentRows(db: Queryable, payment: string): Promise<PaymentRow[]> {
  const { rows } = await db.query<PaymentRow>(
    `select id, appid, version, event_id as "eventId", state, park_reason as "parkReason", detail
     from fahuo.upload where payment = $1 order by appid, version`,
    [payment],
  );
  return rows;
}

export type Resolution = {
  id: number;
  as: 'acknowledged' | 'rejected';
  by: string;
  reason: string;
  acknowledgements: boolean;
};

/**
 * `parked → acknowledged` or `parked → rejected`, by the word of a person who has seen what WeChat shows. Sends nothing. The
 * row counts as sent once at least, so that whatever version comes next is read before it is written: no resolution lets
 * the chance be spent (P5). The acknowledgement is written in the same statement. `stale`: the row left `parked`
 * meanwhile, or somebody has it locked.
 */
export async function resolveParked(
  db: Queryable,
  { id, as, by, reason, acknowledgements }: Resolution,
): Promise<'done' | 'stale'> {
  const acknowledging = `, acknowledged as (${acknowledgementInsert('moved')})`;
  const { rows } = await db.query<{ rows: number }>(
    `with free as (
      select id from fahuo.upload where id = $1 and state = 'parked' for update skip locked
    ), moved as (
      update fahuo.upload u set state = $2::fahuo.upload_state, park_reason = null, finished_at = clock_timestamp(),
        attempts = greatest(u.attempts, 1), resolved_by = $3, lease_epoch = u.lease_epoch + 1,
        detail = 'resolved as ' || $2 || ' by ' || $3 || ': ' || $4 || '; it was parked as ' || u.park_reason
          || coalesce(': ' || u.detail, '')
      from free where u.id = free.id
      returning ${acknowledgementColumns('u')}
    )${acknowledgements ? acknowledging : ''}
    select count(*) as rows from moved`,
    [id, as, by, reason],
  );
  return rows[0]?.rows === 1 ? 'done' : 'stale';
}
