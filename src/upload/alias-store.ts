import type { Queryable } from '../../db/client.ts';
import { finishedCodes, type SiblingRow } from './siblings.ts';

/** One payment under its two keys, as reads have told. A table that is empty for apps that never use type 1. */

export const appHasAliases = (appid: string): string =>
  `exists (select 1 from fahuo.payment_alias a where a.appid = ${appid})`;

/** A payment was written to whose transaction no read told. */
export const appHasLoosePayments = (appid: string): string =>
  `exists (select 1 from fahuo.payment_alias a where a.appid = ${appid} and a.transaction_id is null)`;

/** Every key of the payment that `row` names by `appid` and `payment`, its own first. */
export const keysOf = (row: string): string => `array(
  select ${row}.payment
  union all
  select a.transaction_id from fahuo.payment_alias a
  where a.appid = ${row}.appid and a.payment = ${row}.payment and a.transaction_id is not null
  union all
  select b.payment from fahuo.payment_alias b
  where b.appid = ${row}.appid and b.payment <> ${row}.payment and b.transaction_id = coalesce(
    (select a.transaction_id from fahuo.payment_alias a where a.appid = ${row}.appid and a.payment = ${row}.payment),
    ${row}.payment)
)`;

export type Alias = {
  appid: string;
  /** `mchid:out_trade_no`; several where a read named two merchants. */
  payments: readonly string[];
  transactionId: string | null;
  /** Also where no row has such a key yet. */
  always: boolean;
};

/** Puts on record that these keys name one payment; true when it was not known. What is known stays. */
export async function insertAliases(db: Queryable, alias: Alias): Promise<boolean> {
  const { rowCount } = await db.query(
    `insert into fahuo.payment_alias (appid, payment, transaction_id)
     select $1, k.payment, $3 from unnest($2::text[]) k(payment)
     where $4 or exists (select 1 from fahuo.upload o where o.appid = $1 and o.payment = k.payment)
     on conflict (appid, payment) do update set transaction_id = excluded.transaction_id
       where payment_alias.transaction_id is null and excluded.transaction_id is not null`,
    [alias.appid, alias.payments, alias.transactionId, alias.always],
  );
  return (rowCount ?? 0) > 0;
}

/**
 * Keeps rows of the payment's other key from a claim that looked before their alias was on record: it finds them no
 * longer due. One that has them already is waited for. Later claims see the alias.
 */
export async function putOffOtherKeys(db: Queryable, row: { appid: string; payment: string }): Promise<void> {
  await db.query(
    `update fahuo.upload o
     set next_attempt_at = greatest(o.next_attempt_at, clock_timestamp() + interval '1 second')
     from (select $1::text as appid, $2::text as payment) r
     where o.appid = r.appid and o.payment = any(${keysOf('r')}) and o.payment <> r.payment and o.state = 'pending'`,
    [row.appid, row.payment],
  );
}

/**
 * All rows of a payment, under both its keys. `lock` waits for a claim of the other key that is not committed yet: a
 * row that has made its own claim and alias visible before sees every other one that may be on the wire, and the other
 * one sees it. So of two that meet at most one is sent (P3).
 */
export async function readSiblingRows(
  db: Queryable,
  row: { appid: string; payment: string },
  lock: boolean,
): Promise<SiblingRow[]> {
  const { rows } = await db.query<SiblingRow>({
    name: lock ? 'upload_siblings_locked' : 'upload_siblings',
    text: `select o.id, o.version, o.kind, o.state, (date_part('epoch', o.upload_time) * 1000)::bigint as "uploadTimeMs",
       case when o.state = 'acknowledged' then o.body end as body,
       array(select distinct a.errcode from fahuo.attempt a
         where a.upload_id = o.id and a.kind = 'send' and a.errcode = any($3::int[])) as "finishedCodes"
     from (select $1::text as appid, $2::text as payment) r
     join fahuo.upload o on o.appid = r.appid and o.payment = any(${keysOf('r')})
     ${lock ? 'order by o.id for update of o' : ''}`,
    values: [row.appid, row.payment, finishedCodes],
  });
  return rows;
}
