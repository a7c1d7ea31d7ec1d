import type { Queryable } from '../../db/client.ts';
import type { Order } from './shipments.ts';

export async function createOrders(db: Queryable): Promise<void> {
  await db.query('create schema if not exists demo_shop');
  await db.query(`create table if not exists demo_shop.orders (
    id bigserial primary key,
    transaction_id text not null unique,
    openid text not null,
    logistics_type smallint not null,
    state text not null default 'paid'
  )`);
}

export async function insertOrder(db: Queryable, order: Omit<Order, 'id'>): Promise<number> {
  const { rows } = await db.query<{ id: number }>(
    'insert into demo_shop.orders (transaction_id, openid, logistics_type) values ($1, $2, $3) returning id',
    [order.transactionId, order.openid, order.logisticsType],
  );
  return rows[0]?.id ?? 0;
}

/** Null when the order is not there, or not paid. */
export async function markShipped(db: Queryable, id: number): Promise<Order | null> {
  const { rows } = await db.query<Order>(
    `update demo_shop.orders set state = 'shipped' where id = $1 and state = 'paid'
     returning id, transaction_id as "transactionId", openid, logistics_type as "logisticsType"`,
    [id],
  );
  return rows[0] ?? null;
}

/** As a service in another language does it that would rather ship than be told: what is wrong is kept and answered. */
export async function offerText(db: Queryable, event: object): Promise<void> {
  await db.query('select fahuo.offer($1::text)', [JSON.stringify(event)]);
}

export type Outcome = { state: string; rows: number };

/** What became of one run's events. */
export async function countOutcomes(db: Queryable, prefix: string): Promise<Outcome[]> {
  const { rows } = await db.query<Outcome>(
    `select coalesce(u.state::text, case when d.id is not null then 'dead_lettered' else 'on its way' end) as state,
       count(*) as rows
     from fahuo.outbox o
       left join fahuo.upload u on u.event_id = o.event_id and u.source = o.source
       left join fahuo.dead_letter d on d.event_id = o.event_id and d.source = o.source
     where o.payment like $1 || '%' and o.type <> 'fahuo.shipment.acknowledged.v1'
     group by 1
     union all
     select 'rejected', count(*) from fahuo.refused_offer where payment like $1 || '%' having count(*) > 0`,
    [prefix],
  );
  return rows;
}

/** From the event's row to its acknowledgement, in milliseconds. */
export async function readLatencies(db: Queryable, prefix: string): Promise<number[]> {
  const { rows } = await db.query<{ ms: number }>(
    `select (extract(epoch from u.finished_at - o.created_at) * 1000)::float8 as ms
     from fahuo.outbox o join fahuo.upload u on u.event_id = o.event_id and u.source = o.source
     where o.payment like $1 || '%' and u.state = 'acknowledged' order by 1`,
    [prefix],
  );
  return rows.map((row) => row.ms);
}
