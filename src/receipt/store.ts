import { dueNow } from '../../db/due.ts';
import type { Queryable } from '../../db/client.ts';
import { finalReceiptStates, type ReceiptCallKind, type ReceiptState } from '../../db/states.ts';
import { cutText, storable } from '../text.ts';
import {
  lateReceiptAcknowledgements,
  lateSecondAcknowledgements,
  secondColumns,
} from '../upload/acknowledgement-store.ts';
import { keysOf } from '../upload/alias-store.ts';
import type { Answer } from '../wechat/answer.ts';
import type { OrderResult } from '../wechat/replies.ts';
import type { Advance, ReceiptRow } from './row.ts';

/** A request that was or may have been on the wire. */
export type Call = {
  kind: ReceiptCallKind;
  outcome: string;
  answer: Answer;
  trackingNo?: string | undefined;
  status?: number | undefined;
};
export type Recorded = 'done' | 'stale';
export type Claim = { appid: string; owner: string; leaseMs: number; limit: number };

/** No row of an app that is paused is taken. */
export const notPaused = `not exists (
  select 1 from fahuo.pause p where p.appid = $1 and p.endpoint in ('*', 'read')
    and (p.resume_at is null or p.resume_at > now()))`;
export const inMs = (parameter: string): string =>
  `clock_timestamp() + ${parameter} * interval '1 millisecond'`;
export const ms = (column: string): string => `(date_part('epoch', ${column}) * 1000)::bigint`;

/**
 * Due rows of one app. They stay in their state: until their lease has run out nobody else takes them, and what an
 * earlier claim decides is stale.
 */
export async function claimReceipts(db: Queryable, claim: Claim): Promise<ReceiptRow[]> {
  const { rows } = await db.query<ReceiptRow>(
    `with due as (
       select id from fahuo.receipt where appid = $1 and state in ('pending', 'unknown') and next_attempt_at <= ${dueNow}
         and ${notPaused}
       order by next_attempt_at limit $2 for update skip locked
     )
     update fahuo.receipt r set epoch = r.epoch + 1, owner = $3, next_attempt_at = ${inMs('$4::float8')}
     from due where r.id = due.id
     returning r.id, r.epoch, r.appid, r.payment, r.state, r.waits, r.sends, ${ms('r.received_at')} as "receivedAtMs",
       ${ms('r.created_at')} as "createdAtMs", ${ms('r.sent_at')} as "sentAtMs",
       exists (select 1 from fahuo.upload u where u.appid = r.appid and u.payment = any(${keysOf('r')})
         and u.state in ('pending', 'uploading', 'unknown', 'parked')) as "uploadUnfinished"`,
    [claim.appid, claim.limit, claim.owner, claim.leaseMs],
  );
  return rows;
}

/** Until an event whose reminder is asked for by a transaction that is not over is tried again. */
const openWaitMs = 2_000;

/**
 * Asks for the reminder of the next event that stayed open, by itself: one that is `open` again waits, and the others do not.
 * Null where none is due.
 */
export async function askOpen(db: Queryable, appid: string): Promise<'first' | 'second' | 'open' | null> {
  const { rows } = await db.query<{ outcome: 'first' | 'second' | 'open' | null }>(
    `with due as (
       select * from fahuo.receipt_event where appid = $1 and open_at <= ${dueNow} order by open_at limit 1 for update skip locked
     ), asked as materialized (
       select * from fahuo.ask_receipts((select array_agg(id) from due), $2::float8 * interval '1 millisecond')
     ), second as materialized (
       select ${secondColumns} from due e join asked using (id)
       where outcome = 'second' and (select d.acknowledgement_rows from fahuo.deployment d)
     )
     select (select outcome from asked) as outcome, ${lateSecondAcknowledgements('second')}`,
    [appid, openWaitMs],
  );
  return rows[0]?.outcome ?? null;
}

/** `sending → unknown` for calls whose process did not come back in time. Returns the count. */
export async function doubtLost(db: Queryable, appid: string): Promise<number> {
  const { rowCount } = await db.query(
    `update fahuo.receipt set state = 'unknown', epoch = epoch + 1, owner = null, waits = 0,
       next_attempt_at = clock_timestamp(), detail = 'the process that made the call did not come back'
     where appid = $1 and state = 'sending' and next_attempt_at <= ${dueNow}`,
    [appid],
  );
  return rowCount ?? 0;
}

/**
 * `pending → sending`: the intent, committed before a byte is sent. `twin`: the payment has a reminder under its other
 * name already.
 */
export async function markSending(
  db: Queryable,
  row: ReceiptRow,
  intent: { transactionId: string; withinMs: number },
): Promise<Recorded | 'twin'> {
  try {
    const { rowCount } = await db.query(
      `update fahuo.receipt set state = 'sending', sends = sends + 1, sent_at = clock_timestamp(),
         transaction_id = $3, next_attempt_at = ${inMs('$4::float8')}
       where id = $1 and epoch = $2 and state = 'pending'`,
      [row.id, row.epoch, intent.transactionId, intent.withinMs],
    );
    return rowCount === 1 ? 'done' : 'stale';
  } catch (error) {
    if ((error as { constraint?: unknown } | null)?.constraint === 'receipt_transaction') return 'twin';
    throw error;
  }
}

/** `pending → …` or `unknown → …` by a look that made no call; stale after another claim. */
export const recordLook = (
  db: Queryable,
  row: ReceiptRow,
  advance: Advance,
  calls: readonly Call[],
): Promise<Recorded> =>
  moveAndKeep(db, row, {
    advance,
    calls,
    spent: true,
    guard: `r.epoch = ${row.epoch} and r.state = '${row.state}'`,
  });

/**
 * `sending → …` by the answer to the call. An answer that comes after the row was given up says more than `unknown`
 * does, so it counts while no further call was asked for.
 */
export const recordSent = (
  db: Queryable,
  row: ReceiptRow,
  { spent, ...advance }: Advance & { spent: boolean },
  calls: readonly Call[],
): Promise<Recorded> =>
  moveAndKeep(db, row, {
    advance,
    calls,
    spent,
    guard: `r.sends = ${row.sends + 1} and r.state in ('sending', 'unknown')`,
  });

type Move = { advance: Advance; calls: readonly Call[]; spent: boolean; guard: string };

const finals: readonly ReceiptState[] = finalReceiptStates;

const storableOrNull = (text: string | null): string | null => (text === null ? null : storable(text));

/** The calls go on record whatever becomes of the row (P6); an event that asked for it is answered when it is final. */
async function moveAndKeep(db: Queryable, row: ReceiptRow, move: Move): Promise<Recorded> {
  const { advance, calls, spent, guard } = move;
  const { errcode = null, errmsg = null, rid = null } = calls.at(-1)?.answer ?? {};
  const afterMs = 'afterMs' in advance ? advance.afterMs : null;
  const { rows } = await db.query<{ moved: number }>(
    `with kept as (${callInsert(3)}), moved as (
       update fahuo.receipt r set state = $4::fahuo.receipt_state, owner = null,
         waits = case when r.state = $4::fahuo.receipt_state then r.waits + 1 else 0 end,
         next_attempt_at = case when $5::float8 is null then 'infinity' else ${inMs('$5::float8')} end,
         sends = r.sends - case when $6::boolean then 0 else 1 end, detail = $7,
         errcode = coalesce($8, r.errcode), errmsg = coalesce($9, r.errmsg), rid = coalesce($10, r.rid),
         finished_at = case when $11::boolean then clock_timestamp() end
       where r.id = $12 and ${guard} returning r.*
     ) select count(*)::int as moved, ${lateReceiptAcknowledgements('moved')} from moved`,
    [
      row.appid,
      row.payment,
      JSON.stringify(calls.map(callColumns)),
      advance.to,
      afterMs,
      spent,
      storable(cutText(advance.detail)),
      errcode,
      storableOrNull(errmsg),
      storableOrNull(rid),
      finals.includes(advance.to),
      row.id,
    ],
  );
  return rows[0]?.moved === 1 ? 'done' : 'stale';
}

/** A read as it goes on record; nothing where it was not sent. */
export const readCall = (read: OrderResult): Call[] =>
  read.answer.notSent === true
    ? []
    : [
        {
          kind: 'read',
          outcome: read.kind === 'failed' ? read.outcome.kind : read.kind,
          answer: read.answer,
        },
      ];

/** The statement's part that keeps the calls: $1 is the app, $2 the payment, `at` the list. */
export const callInsert = (at: number): string =>
  `insert into fahuo.receipt_call (appid, payment, kind, outcome, tracking_no, status, http_status, errcode, errmsg, rid,
     failure, duration_ms)
   select $1, $2, c.kind, c.outcome, c.tracking_no, c.status, c.http_status, c.errcode, c.errmsg, c.rid, c.failure, c.duration_ms
   from jsonb_to_recordset($${at}::jsonb) c(kind fahuo.receipt_call_kind, outcome text, tracking_no text, status integer,
     http_status integer, errcode bigint, errmsg text, rid text, failure text, duration_ms integer)`;

export const callColumns = ({ kind, outcome, answer, trackingNo, status }: Call): object => ({
  kind,
  outcome,
  tracking_no: trackingNo ?? null,
  status: status ?? null,
  http_status: answer.httpStatus,
  errcode: answer.errcode,
  errmsg: storableOrNull(answer.errmsg),
  rid: storableOrNull(answer.rid),
  failure: answer.failure,
  duration_ms: Math.round(answer.durationMs),
});
