import type { Queryable } from '../../db/client.ts';

/** Why orders have no event, which is on record here and not in the shop's tables: reasons by order. */
export async function readSkipped(db: Queryable, source: string): Promise<ReadonlyMap<string, string>> {
  const { rows } = await db.query<{ ref: string; why: string }>(
    `select ref, coalesce(detail, '') as why from fahuo.adopt_key
     where source = $1 and kind = 'order_id' and state = 'skipped'`,
    [source],
  );
  return new Map(rows.map(({ ref, why }) => [ref, why]));
}

export type Waiting = { payment: string; state: 'held' | 'proposed'; refs: string[] };

/** The payments that wait for a person, with their orders. */
export async function readWaiting(db: Queryable, source: string): Promise<Waiting[]> {
  const { rows } = await db.query<Waiting>(
    `select p.payment, p.state, array_agg(k.ref order by k.ref) as refs
     from fahuo.adopt_payment p
       join fahuo.adopt_key k on k.source = p.source and k.appid = p.appid and k.payment = p.payment and k.kind = 'order_id'
     where p.source = $1 and p.state in ('held', 'proposed') group by p.id order by p.state, p.id`,
    [source],
  );
  return rows;
}
