import type { Queryable } from '../../db/client.ts';
import { isToldOf } from './told.ts';
import type { DuePayment, MoneyGroup } from './money.ts';

/** For this transaction: one picture for all its statements, and memory for a group a payment. */
export async function holdPicture(tx: Queryable): Promise<void> {
  await tx.query('set transaction isolation level repeatable read, read only');
  await set(tx, { plan_cache_mode: 'force_custom_plan', work_mem: '64MB' });
}

const set = (tx: Queryable, settings: Readonly<Record<string, string>>): Promise<unknown> =>
  tx.query('select set_config(name, value, true) from json_each_text($1::json) s(name, value)', [
    JSON.stringify(settings),
  ]);

/** Uploads are found by key, whatever is estimated: their bodies make the table ten times as large as its indexes. */
const byKey = {
  enable_seqscan: 'off',
  enable_bitmapscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
};
/** A sum over nearly all payments reads the table from its beginning to its end. */
const wholeTable = { enable_seqscan: 'on' };

/** What makes the statements shorter where a deployment has none of it. */
export type Extent = {
  /** Uploads, or what may say where a payment's event is, are named by merchant numbers. */
  merchants: boolean;
  /** Uploads before this one are noticed, see src/reconcile/store.ts. */
  noticedUpTo: number;
  /** Rows of the outbox after this one may have no upload yet. */
  unseenAfter: number;
};

/** `unseenAfter` is the journal's: relay/journal/store.ts. */
export async function readExtent(tx: Queryable, unseenAfter: number): Promise<Extent> {
  const { rows } = await tx.query<Omit<Extent, 'unseenAfter'>>(
    `select exists (select from fahuo.upload where strpos(payment, ':') > 0)
         or exists (select from fahuo.dead_letter where strpos(payment, ':') > 0)
         or exists (select from fahuo.refused_offer where strpos(payment, ':') > 0)
         or exists (select from fahuo.outbox where strpos(payment, ':') > 0 and id > $1) as merchants,
       coalesce((select upload_id from fahuo.noticed), 0) as "noticedUpTo"`,
    [unseenAfter],
  );
  return { ...(rows[0] ?? { merchants: true, noticedUpTo: 0 }), unseenAfter };
}

export type Of = { appid: string | null; now: Date; limit: number };

const ofApp = (row: string): string => `($1::text is null or ${row}.appid = $1)`;

const isSettled = `(p.order_state = 4 or p.settled_at is not null)`;
/** T+10 for express, T+2 for what has no carrier, from the shipping on (wechat.md §6.13); by the days of Beijing. */
const dayOf = (at: string): string => `(${at} at time zone 'Asia/Shanghai')::date::text`;
const after = (type: string): string =>
  `case when ${type} is null then null when ${type} = 1 then interval '10 days' else interval '2 days' end`;

/** Shipped, and nobody told that it is confirmed, or more. */
const isShipped = `not p.unshipped and coalesce(p.order_state, 2) <= 2 and p.confirmed_at is null and p.settled_at is null`;

/**
 * What WeChat told to be shipped, or more. Two scans of the table, each by as many workers as Postgres has: the first
 * groups by three short columns, the second by the hour in which the shipped settle, since a day of Beijing is dear to
 * compute a million times.
 */
export async function readClosedGroups(tx: Queryable, { appid }: Of): Promise<MoneyGroup[]> {
  await set(tx, wholeTable);
  const sums = `count(*) as payments, count(*) - count(p.amount_fen) as unknown, coalesce(sum(p.amount_fen), 0)::bigint as fen`;
  const { rows: closed } = await tx.query<MoneyGroup>(
    `select case when refunded then 'refunded' when settled then 'settled' else 'confirmed' end as place,
       null as "settlesOn", null as due, payments, unknown, fen
     from (
       select coalesce(p.order_state = 5, false) as refunded, coalesce(${isSettled}, false) as settled, ${sums}
       from fahuo.payment p where ${ofApp('p')} and (p.order_state > 2 or p.confirmed_at is not null or p.settled_at is not null)
       group by 1, 2
     ) c`,
    [appid],
  );
  const { rows: shipped } = await tx.query<MoneyGroup>(
    `select 'shipped' as place, ${dayOf('hour')} as "settlesOn", null as due, sum(payments)::bigint as payments,
       sum(unknown)::bigint as unknown, sum(fen)::bigint as fen
     from (
       select date_bin('1 hour', coalesce(p.expected_settlement_at, p.shipped_at + ${after('p.logistics_type')}), timestamptz 'epoch')
         as hour, ${sums}
       from fahuo.payment p where ${ofApp('p')} and ${isShipped} group by 1
     ) hours group by 2`,
    [appid],
  );
  return [...closed, ...shipped];
}

/** The frozen body is JSON.stringify's own text, and a quote within a text is escaped: these can stand nowhere else. */
const isPart = `u.body like '%"delivery_mode":2%' and u.body not like '%"is_all_delivered":true%'`;
const isExpress = `u.body like '%"logistics_type":1,%'`;

/**
 * Which upload tells where a payment is, as one number: what is under way before what is acknowledged, and that before all
 * else; of these the newest version; and in the last digit what it tells. A maximum over a payment's few rows is a third
 * of the price of sorting them.
 */
const told = `case when u.state is null then null else case
    when u.state in ('pending', 'uploading', 'unknown') then 3000000000001
    when u.state = 'parked' then 3000000000002 + (u.park_reason = 'conflict')::int
    when u.state = 'acknowledged' then 2000000000000 + case when ${isPart} then 4 when ${isExpress} then 5 else 6 end
    else 1000000000007 end + u.version::bigint * 10 end`;
const toldPlace = `case told % 10 when 1 then 'waiting' when 2 then 'parked' when 3 then 'conflict' when 4 then 'part_shipped'
  when 5 then 'shipped' when 6 then 'shipped' when 7 then 'refused' end`;

/** Payments that no row of fahuo.payment names: of uploads that were not noticed yet, of merchant numbers, of the outbox. */
const unnamed = ({ merchants }: Extent): string => `
  select distinct u.appid, u.payment from fahuo.upload u
  where u.id > $4 and strpos(u.payment, ':') = 0
    and not exists (select from fahuo.payment p where p.transaction_id = u.payment and p.appid = u.appid)
  union
  select o.appid, o.payment from fahuo.outbox o
  where o.id > $5 and o.type not like '%.acknowledged.v1' and o.version is not null and strpos(o.payment, ':') = 0
    and not exists (select from fahuo.payment p where p.transaction_id = o.payment and p.appid = o.appid)
  ${merchants ? `union ${unnamedMerchants}` : ''}`;

const unnamedMerchants = `
  select n.appid, n.payment from (
    select l.appid, l.payment from fahuo.loose_payment l
    union select u.appid, u.payment from fahuo.upload u where u.id > $4 and strpos(u.payment, ':') > 0
    union select o.appid, o.payment from fahuo.outbox o where o.id > $5 and o.version is not null and strpos(o.payment, ':') > 0
  ) n where not ${isToldOf('n')}`;

const statement = (extent: Extent): string => `with open as (
    select p.appid, p.transaction_id as payment, p.mchid, p.sub_mchid, p.out_trade_no, p.amount_fen, p.paid_at
    from fahuo.payment p where ${ofApp('p')} and p.unshipped
    union all
    select n.appid, n.payment, null, null, null, null, null from (${unnamed(extent)}) n where ${ofApp('n')}
  ), ended as materialized (
    select appid, payment from fahuo.dead_letter where payment is not null and appid is not null and type is distinct from 'fahuo.shipment.received.v1'
    union select appid, payment from fahuo.refused_offer where payment is not null and appid is not null and type is distinct from 'fahuo.shipment.received.v1'
  ), coming as materialized (
    select appid, payment from fahuo.outbox where id > $5 and version is not null
    union select appid, transaction_id from fahuo.reconcile_finding where kind = 'lost' and ended_at is null
  ), pairs as materialized (
    select o.*, ${told} as told, case when u.state = 'acknowledged' then u.upload_time end as uploaded_at
    from open o ${extent.merchants ? joinedByAllNames : `left join fahuo.upload u on u.payment = o.payment and u.appid = o.appid`}
  ), matched as materialized (
    select appid, payment, mchid, sub_mchid, out_trade_no, amount_fen, paid_at, max(told) as told, max(uploaded_at) as uploaded_at
    from pairs group by 1, 2, 3, 4, 5, 6, 7
  ), judged as materialized (
    select o.appid, o.payment, o.amount_fen, o.paid_at,
      case
        when told is not null then ${toldPlace}
        when (o.appid, o.payment) in (select appid, payment from coming) ${extent.merchants ? byOthers('coming') : ''} then 'in_outbox'
        when (o.appid, o.payment) in (select appid, payment from ended) ${extent.merchants ? byOthers('ended') : ''} then 'refused'
        else 'no_event'
      end as place,
      case told % 10 when 5 then uploaded_at + interval '10 days' when 6 then uploaded_at + interval '2 days' end as settles_at
    from matched o
  ), dated as materialized (
    select judged.*, case
      when place = 'shipped' then null
      when paid_at is null then 'not_known'
      when paid_at <= $2::timestamptz - interval '48 hours' then 'passed'
      when paid_at <= $2::timestamptz - interval '47 hours' then 'hour'
      when paid_at <= $2::timestamptz - interval '42 hours' then 'six_hours'
      when paid_at <= $2::timestamptz - interval '24 hours' then 'day'
      else 'later' end as due
    from judged
  )
  select (
    select json_agg(g) from (
      select place, ${dayOf('settles_at')} as "settlesOn", due, count(*) as payments, count(*) - count(amount_fen) as unknown,
        coalesce(sum(amount_fen), 0) as fen
      from dated group by 1, 2, 3
    ) g
  ) as groups, (
    select json_agg(d) from (
      select appid, payment, amount_fen as fen, paid_at as "paidAt", place from dated
      where due in ('passed', 'hour', 'six_hours', 'day') order by amount_fen desc nulls last, paid_at, payment limit $3
    ) d
  ) as dearest`;

/** By an index each: with an `or` the whole table would be read for every payment. */
const joinedByAllNames = `left join lateral (
    select u.* from fahuo.upload u where u.payment = o.payment and u.appid = o.appid
    union all
    select u.* from (
      select m || ':' || o.out_trade_no as payment from unnest(array[o.mchid, o.sub_mchid]) m where m <> ''
      union select a.payment from fahuo.payment_alias a where a.appid = o.appid and a.transaction_id = o.payment
    ) n join fahuo.upload u on u.payment = n.payment and u.appid = o.appid
  ) u on true`;

const byOthers = (rows: string): string =>
  `or (o.appid, o.mchid || ':' || o.out_trade_no) in (select appid, payment from ${rows})
   or (o.appid, o.sub_mchid || ':' || o.out_trade_no) in (select appid, payment from ${rows})`;

/** What is to ship, by what it waits for; and the dearest of what is due within a day, or past it. */
export async function readOpenGroups(
  tx: Queryable,
  { appid, now, limit }: Of,
  extent: Extent,
): Promise<{ groups: MoneyGroup[]; dearest: DuePayment[] }> {
  type Row = {
    groups: MoneyGroup[] | null;
    dearest: (Omit<DuePayment, 'paidAt'> & { paidAt: string })[] | null;
  };
  await set(tx, byKey);
  const values = [appid, now, limit, extent.noticedUpTo, extent.unseenAfter];
  const { rows } = await tx.query<Row>(statement(extent), values);
  const { groups, dearest } = rows[0] ?? { groups: null, dearest: null };
  return {
    groups: groups ?? [],
    dearest: (dearest ?? []).map((one) => ({ ...one, paidAt: new Date(one.paidAt) })),
  };
}
