import { dueNow } from '../../db/due.ts';
import type { Queryable } from '../../db/client.ts';
import { cutText, storable } from '../text.ts';
import { keysOf } from '../upload/alias-store.ts';
import {
  callColumns,
  callInsert,
  inMs,
  ms,
  notPaused,
  type Call,
  type Claim,
  type Recorded,
} from './store.ts';
import type { TraceAdvance, TraceRow } from './trace-row.ts';

/** As {@link claimReceipts}, with the body that WeChat holds of the payment. */
export async function claimTraces(db: Queryable, claim: Claim): Promise<TraceRow[]> {
  const { rows } = await db.query<TraceRow>(
    `with due as (
       select id from fahuo.trace where appid = $1 and state in ('waiting', 'following') and next_attempt_at <= ${dueNow}
         and ${notPaused}
       order by next_attempt_at limit $2 for update skip locked
     )
     update fahuo.trace t set epoch = t.epoch + 1, owner = $3, next_attempt_at = ${inMs('$4::float8')}
     from due where t.id = due.id
     returning t.id, t.epoch, t.appid, t.payment, t.state, t.sealed_phone as "sealedPhone", t.parcels, t.waits,
       ${ms('t.created_at')} as "createdAtMs",
       (select u.body from fahuo.upload u where u.appid = t.appid and u.payment = any(${keysOf('t')})
          and u.state = 'acknowledged' order by u.version desc limit 1) as body,
       exists (select 1 from fahuo.upload u where u.appid = t.appid and u.payment = any(${keysOf('t')})
         and u.state in ('pending', 'uploading', 'unknown', 'parked')) as "uploadUnfinished"`,
    [claim.appid, claim.limit, claim.owner, claim.leaseMs],
  );
  return rows;
}

/**
 * Puts a step on record, with its calls; stale after another claim. The phone is forgotten with the state that needs it,
 * and a receipt is asked for in the statement that says that all have arrived. Rejects where a transaction of the shop that is
 * not over asks for it as well: the row comes back when its lease has run out (P7).
 */
export async function recordTrace(
  db: Queryable,
  row: TraceRow,
  advance: TraceAdvance,
  calls: readonly Call[],
): Promise<Recorded> {
  const { rows } = await db.query<{ moved: number }>(
    `with kept as (${callInsert(3)}), moved as (
       update fahuo.trace t set state = $4::fahuo.trace_state, parcels = $5::jsonb, detail = $6, owner = null,
         waits = case when t.state = $4::fahuo.trace_state then t.waits + 1 else 0 end,
         sealed_phone = case when $4::fahuo.trace_state = 'waiting' then t.sealed_phone end,
         next_attempt_at = case when $7::float8 is null then 'infinity' else ${inMs('$7::float8')} end,
         finished_at = case when $7::float8 is null then clock_timestamp() end
       where t.id = $8 and t.epoch = $9 and t.state in ('waiting', 'following') returning 1
     ), asked as (
       select fahuo.ask_traced_receipt($1, $2, $10::timestamptz) from moved where $10::timestamptz is not null
     ) select count(*)::int as moved, (select count(*) from asked) from moved`,
    [
      row.appid,
      row.payment,
      JSON.stringify(calls.map(callColumns)),
      advance.to,
      JSON.stringify(advance.parcels),
      storable(cutText(advance.detail)),
      'afterMs' in advance ? advance.afterMs : null,
      row.id,
      row.epoch,
      advance.to === 'signed' ? advance.receivedAt : null,
    ],
  );
  return rows[0]?.moved === 1 ? 'done' : 'stale';
}
