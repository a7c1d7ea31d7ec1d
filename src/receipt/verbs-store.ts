import type { Queryable } from '../../db/client.ts';
import type { ReceiptCallKind, ReceiptOrigin, ReceiptState, TraceState } from '../../db/states.ts';
import { lateReceiptAcknowledgements } from '../upload/acknowledgement-store.ts';
import { askOpen } from './store.ts';

/** What a person asks of a receipt, and may do about it. */
export type Receipt = {
  state: ReceiptState;
  origin: ReceiptOrigin;
  receivedAt: Date;
  sends: number;
  sentAt: Date | null;
  errcode: number | null;
  detail: string | null;
  askedBy: string | null;
  nextAttemptAt: Date | null;
  finishedAt: Date | null;
};
export type Trace = { state: TraceState; detail: string | null; parcels: number; signed: number };
export type ReceiptCall = {
  calledAt: Date;
  kind: ReceiptCallKind;
  outcome: string;
  trackingNo: string | null;
  status: number | null;
  errcode: number | null;
  errmsg: string | null;
  rid: string | null;
};
type Key = { appid: string; payment: string };

export const receiptColumns = `state, origin, received_at as "receivedAt", sends, sent_at as "sentAt", errcode, detail,
  asked_by as "askedBy", case when finished_at is null and next_attempt_at < 'infinity' then next_attempt_at end as "nextAttemptAt",
  finished_at as "finishedAt"`;

export const traceColumns = `state, detail, jsonb_array_length(parcels) as parcels,
  (select count(*)::int from jsonb_array_elements(parcels) p where p ->> 'signed_at' is not null) as signed`;

export const callColumns = `called_at as "calledAt", kind, outcome, tracking_no as "trackingNo", status, errcode, errmsg, rid`;

export async function readReceipt(db: Queryable, { appid, payment }: Key): Promise<Receipt | null> {
  const { rows } = await db.query<Receipt>(
    `select ${receiptColumns} from fahuo.receipt where payment = $1 and appid = $2`,
    [payment, appid],
  );
  return rows[0] ?? null;
}

export async function readTrace(db: Queryable, { appid, payment }: Key): Promise<Trace | null> {
  const { rows } = await db.query<Trace>(
    `select ${traceColumns} from fahuo.trace where payment = $1 and appid = $2`,
    [payment, appid],
  );
  return rows[0] ?? null;
}

export type ListedReceipt = Receipt & { appid: string; payment: string };

/** Reminders in a state, the latest first. */
export async function readReceipts(
  db: Queryable,
  of: { state: ReceiptState; appid: string | null; limit: number },
): Promise<ListedReceipt[]> {
  const { rows } = await db.query<ListedReceipt>(
    `select appid, payment, ${receiptColumns} from fahuo.receipt
     where state = $1::fahuo.receipt_state and ($2::text is null or appid = $2) order by id desc limit $3`,
    [of.state, of.appid, of.limit],
  );
  return rows;
}

/** The latest calls about a payment, oldest first. */
export async function readCalls(
  db: Queryable,
  { appid, payment }: Key,
  limit: number,
): Promise<ReceiptCall[]> {
  const { rows } = await db.query<ReceiptCall>(
    `select ${callColumns}
     from (select * from fahuo.receipt_call where payment = $1 and appid = $2 order by id desc limit $3) c order by id`,
    [payment, appid, limit],
  );
  return rows;
}

/** Asks for the reminder by hand; false where the payment has one already. */
export async function insertReceipt(
  db: Queryable,
  asked: Key & { receivedAt: Date; by: string },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `insert into fahuo.receipt (appid, payment, received_at, origin, asked_by) values ($1, $2, $3, 'person', $4)
     on conflict (payment, appid) do nothing`,
    [asked.appid, asked.payment, asked.receivedAt, asked.by],
  );
  return rowCount === 1;
}

/** `unknown → pending` or `rejected → pending`, by a person who has looked: the only way back to a call. */
export async function askAgain(
  db: Queryable,
  asked: Key & { receivedAt: Date | null; by: string; reason: string },
): Promise<'done' | 'stale'> {
  const { rowCount } = await db.query(
    `update fahuo.receipt set state = 'pending', epoch = epoch + 1, owner = null, waits = 0, finished_at = null,
       next_attempt_at = clock_timestamp(), created_at = clock_timestamp(), received_at = coalesce($3, received_at),
       asked_by = $4, detail = 'asked for again: ' || $5
     where payment = $1 and appid = $2 and state in ('unknown', 'rejected')`,
    [asked.payment, asked.appid, asked.receivedAt, asked.by, asked.reason],
  );
  return rowCount === 1 ? 'done' : 'stale';
}

/**
 * `pending`, `unknown` → `rejected` and `waiting`, `following` → `ended`, with the phones, for an app that is served no more.
 * A call that is under way is left, and so is an event whose reminder a transaction of the shop asks for as well. Returns how
 * many reminders there were.
 */
export async function retireReceipts(
  db: Queryable,
  { appid, detail }: { appid: string; detail: string },
): Promise<number> {
  const { rowCount: opened } = await db.query(
    'update fahuo.receipt_event set open_at = clock_timestamp() where appid = $1 and open_at is not null',
    [appid],
  );
  // One that is open again comes back while the others are asked for, where they are many.
  for (let asked = 0; asked < (opened ?? 0) && (await askOpen(db, appid)) !== null; asked++);
  const { rows } = await db.query<{ reminders: number }>(
    `with reminders as (
       update fahuo.receipt set state = 'rejected', epoch = epoch + 1, owner = null, next_attempt_at = 'infinity',
         finished_at = clock_timestamp(), detail = $2 || case when sends > 0 then '; it may have gone out' else '' end
       where appid = $1 and state in ('pending', 'unknown') returning *
     ), traces as (
       update fahuo.trace set state = 'ended', epoch = epoch + 1, owner = null, next_attempt_at = 'infinity',
         finished_at = clock_timestamp(), sealed_phone = null, detail = $2
       where appid = $1 and state in ('waiting', 'following')
     ) select count(*)::int as reminders, ${lateReceiptAcknowledgements('reminders')} from reminders`,
    [appid, detail],
  );
  return rows[0]?.reminders ?? 0;
}
