import type { Queryable } from '../../db/client.ts';

/** Each by the first entry of its primary key, which is the oldest row, or nearly; the small tables whole. */
const oldest: Record<string, string> = {
  outbox: 'select created_at from fahuo.outbox order by id limit 1',
  relay_journal: 'select published_at from fahuo.relay_journal order by shard, first_id limit 1',
  relay_parked: 'select min(parked_at) from fahuo.relay_parked',
  upload: 'select received_at from fahuo.upload order by id limit 1',
  attempt: 'select finished_at from fahuo.attempt order by upload_id, id limit 1',
  dead_letter: 'select received_at from fahuo.dead_letter order by id limit 1',
  refused_offer: 'select offered_at from fahuo.refused_offer order by id limit 1',
  drawn_version: 'select drawn_at from fahuo.drawn_version order by drawn_at limit 1',
  push_event: 'select received_at from fahuo.push_event order by id limit 1',
  webhook_delivery: 'select received_at from fahuo.webhook_delivery order by id limit 1',
  reconcile_wish: 'select min(asked_at) from fahuo.reconcile_wish',
  receipt_event: 'select arrived_at from fahuo.receipt_event order by id limit 1',
  receipt_call: 'select called_at from fahuo.receipt_call order by id limit 1',
  trace: 'select created_at from fahuo.trace order by id limit 1',
  replay: 'select started_at from fahuo.replay order by id limit 1',
  adopt_payment: 'select updated_at from fahuo.adopt_payment order by updated_at limit 1',
  adopt_key: 'select updated_at from fahuo.adopt_key order by updated_at limit 1',
  payment: 'select first_seen_at from fahuo.payment order by first_seen_at limit 1',
  reconcile_finding: 'select seen_at from fahuo.reconcile_finding order by seen_at limit 1',
  pause: 'select min(paused_at) from fahuo.pause',
};

/** How far back each table goes that has a retention. */
export async function readOldestRows(db: Queryable): Promise<{ table: string; ageSeconds: number }[]> {
  const ages = Object.entries(oldest).map(
    ([table, sql]) =>
      `select '${table}' as "table",
         coalesce(extract(epoch from clock_timestamp() - (${sql})), 0)::float8 as "ageSeconds"`,
  );
  const { rows } = await db.query<{ table: string; ageSeconds: number }>(ages.join(' union all '));
  return rows;
}
