import { dueNow } from '../../db/due.ts';
import type { Queryable } from '../../db/client.ts';
import type { PushEvent } from './event.ts';
import { merchantName, type MerchantName, type Named, type WaitingRow } from './row.ts';

/** Keeps an event that was verified. `repeated`: it is there already. */
export async function keepEvent(
  db: Queryable,
  appid: string,
  event: PushEvent,
): Promise<'kept' | 'repeated'> {
  const { rowCount } = await db.query(
    `insert into fahuo.push_event (appid, key, event, phase, transaction_id, mchid, out_trade_no, body, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (appid, key) do nothing`,
    [
      appid,
      event.key,
      event.event,
      event.phase,
      event.transactionId,
      event.mchid,
      event.outTradeNo,
      event.body,
      event.createdAt,
    ],
  );
  return rowCount === 1 ? 'kept' : 'repeated';
}

/** Locks what is due, the oldest first; what another instance holds is left to it. */
export async function takeWaiting(tx: Queryable, limit: number): Promise<WaitingRow[]> {
  const { rows } = await tx.query<WaitingRow>(
    `select id, appid, event, phase, transaction_id as "transactionId", mchid, out_trade_no as "outTradeNo", body,
       created_at as "createdAt", received_at as "receivedAt"
     from fahuo.push_event where applied_at is null and next_try_at <= ${dueNow}
     order by next_try_at, id limit $1 for update skip locked`,
    [limit],
  );
  return rows;
}

/** The transactions of payments that are named by the merchant's numbers, by {@link merchantName}; unknown ones are left out. */
export async function findTransactions(
  db: Queryable,
  names: readonly MerchantName[],
): Promise<Map<string, string>> {
  if (names.length === 0) return new Map();
  const { rows } = await db.query<MerchantName & { transactionId: string }>(
    `select n.appid, n.mchid, n.out_trade_no as "outTradeNo", p.transaction_id as "transactionId"
     from unnest($1::text[], $2::text[], $3::text[]) n(appid, mchid, out_trade_no), lateral (
       select p.transaction_id from fahuo.payment p
       where p.mchid = n.mchid and p.out_trade_no = n.out_trade_no and p.appid = n.appid limit 1
     ) p`,
    [
      names.map(({ appid }) => appid),
      names.map(({ mchid }) => mchid),
      names.map(({ outTradeNo }) => outTradeNo),
    ],
  );
  return new Map(rows.map((row) => [merchantName(row), row.transactionId]));
}

/** `failure`: why nothing of it was put on record. */
export async function markApplied(
  db: Queryable,
  rows: readonly { id: number; failure: string | null }[],
): Promise<void> {
  await db.query(
    `update fahuo.push_event e set applied_at = clock_timestamp(), failure = a.failure
     from unnest($1::bigint[], $2::text[]) a(id, failure) where e.id = a.id and e.applied_at is null`,
    [rows.map(({ id }) => id), rows.map(({ failure }) => failure)],
  );
}

/** Waits: 15 s, then four times as long each time, an hour at most. */
export async function delayEvents(
  db: Queryable,
  rows: readonly { id: number; failure: string }[],
): Promise<void> {
  await db.query(
    `update fahuo.push_event e set failure = a.failure, tries = least(e.tries + 1, 100),
       next_try_at = clock_timestamp() + least(interval '1 hour', interval '15 seconds' * power(4, least(e.tries, 4)))
     from unnest($1::bigint[], $2::text[]) a(id, failure) where e.id = a.id and e.applied_at is null`,
    [rows.map(({ id }) => id), rows.map(({ failure }) => failure)],
  );
}

/** Wants these payments compared with WeChat; a wish that is there is one of now: a look that began before misses it. */
export async function wishReconcile(db: Queryable, payments: readonly Named[]): Promise<void> {
  await db.query(
    `insert into fahuo.reconcile_wish (appid, transaction_id) select * from unnest($1::text[], $2::text[]) order by 1, 2
     on conflict (appid, transaction_id) do update set asked_at = excluded.asked_at, odd_answers = 0`,
    [payments.map(({ appid }) => appid), payments.map(({ transactionId }) => transactionId)],
  );
}

/**
 * A message for the ack topic on each payment whose settlement was just put on record, under the name by which its events
 * know it. Locks the outbox when there is one, so it comes last in its transaction (insert_acknowledgements.sql).
 */
export async function tellSettled(tx: Queryable, payments: readonly Named[]): Promise<void> {
  await tx.query(
    `select fahuo.insert_acknowledgements(json_agg(m)) from (
       select 'settled-' || p.appid || '-' || p.transaction_id as event_id, 'fahuo.payment.settled.v1' as type,
         'fahuo' as source, to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as event_time,
         p.appid, coalesce(u.payment, p.transaction_id) as payment, coalesce(u.version, 1) as version,
         json_build_object('appid', p.appid, 'payment', coalesce(u.payment, p.transaction_id),
           'transaction_id', p.transaction_id, 'mchid', p.mchid, 'sub_mchid', p.sub_mchid, 'out_trade_no', p.out_trade_no,
           'amount_fen', p.amount_fen, 'shipped_at', p.shipped_at, 'expected_settlement_at', p.expected_settlement_at,
           'confirm_method', p.confirm_method, 'confirmed_at', p.confirmed_at, 'settled_at', p.settled_at)::text as data
       from unnest($1::text[], $2::text[]) n(appid, transaction_id)
       join fahuo.payment p on p.transaction_id = n.transaction_id and p.appid = n.appid
       left join lateral (
         select u.payment, u.version from fahuo.upload u
         where u.appid = p.appid and u.payment = any (array[p.transaction_id, p.mchid || ':' || p.out_trade_no,
           p.sub_mchid || ':' || p.out_trade_no]) order by u.version desc limit 1
       ) u on true
       where p.settled_at is not null
     ) m`,
    [payments.map(({ appid }) => appid), payments.map(({ transactionId }) => transactionId)],
  );
}
