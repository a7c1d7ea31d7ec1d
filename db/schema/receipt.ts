import { sql } from 'drizzle-orm';
import { bigserial, boolean, check, index, integer, jsonb, text, uniqueIndex } from 'drizzle-orm/pg-core';
import { fahuo, id, instant, receiptCallKind, receiptOrigin, receiptState, traceState } from './columns.ts';

/**
 * The one reminder to confirm receipt that a payment has. A row is `sending`, with the time and who does it, before a byte
 * of the call goes out; what may have had its effect is never called again by itself.
 */
export const receipt = fahuo.table(
  'receipt',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    appid: text('appid').notNull(),
    /** A transaction id, or `mchid:out_trade_no`. */
    payment: text('payment').notNull(),
    /** As a read told it, right before the first call: one payment has two names and one reminder. */
    transactionId: text('transaction_id'),
    /** When the buyer had the goods; WeChat shows it to the buyer. */
    receivedAt: instant('received_at').notNull(),
    origin: receiptOrigin('origin').notNull(),
    /** The event that asked for it, where one did. */
    eventId: text('event_id'),
    source: text('source'),
    state: receiptState('state').notNull().default('pending'),
    /** When it is looked at next; of a row that is being worked on, when another may take it. */
    nextAttemptAt: instant('next_attempt_at')
      .notNull()
      .default(sql`clock_timestamp()`),
    /** Grows with every claim: what an earlier one decides changes nothing. */
    epoch: id('epoch').notNull().default(0),
    owner: text('owner'),
    /** Looks that ended in waiting, one after the other. */
    waits: integer('waits').notNull().default(0),
    /** Calls that were, or may have been, on the wire. */
    sends: integer('sends').notNull().default(0),
    sentAt: instant('sent_at'),
    errcode: id('errcode'),
    errmsg: text('errmsg'),
    rid: text('rid'),
    detail: text('detail'),
    /** Who asked for a further call by hand. */
    askedBy: text('asked_by'),
    createdAt: instant('created_at')
      .notNull()
      .default(sql`clock_timestamp()`),
    finishedAt: instant('finished_at'),
  },
  (t) => [
    uniqueIndex('receipt_payment').on(t.payment, t.appid),
    uniqueIndex('receipt_transaction')
      .on(t.transactionId, t.appid)
      .where(sql`${t.transactionId} is not null`),
    index('receipt_due')
      .on(t.appid, t.nextAttemptAt)
      .where(sql`${t.state} in ('pending', 'sending', 'unknown')`),
    index('receipt_finished')
      .on(t.finishedAt)
      .where(sql`${t.finishedAt} is not null`),
    check(
      'receipt_final_has_time',
      sql`(${t.state} in ('acknowledged', 'rejected', 'moot')) = (${t.finishedAt} is not null)`,
    ),
    check(
      'receipt_sending_has_intent',
      sql`${t.state} not in ('sending', 'unknown') or (${t.sends} > 0 and ${t.sentAt} is not null)`,
    ),
    check('receipt_event_has_source', sql`(${t.eventId} is null) = (${t.source} is null)`),
  ],
);

/**
 * Received events as they came, each once: what became of the reminder answers the one that asked for it, and the others
 * came second.
 */
export const receiptEvent = fahuo.table(
  'receipt_event',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    eventId: text('event_id').notNull(),
    source: text('source').notNull(),
    appid: text('appid').notNull(),
    payment: text('payment').notNull(),
    receivedAt: instant('received_at').notNull(),
    eventTime: text('event_time').notNull(),
    traceparent: text('traceparent'),
    topic: text('topic').notNull(),
    partition: integer('partition').notNull(),
    offset: id('offset').notNull(),
    /** What was changed because it means the same, one change a line. */
    notes: text('notes'),
    arrivedAt: instant('arrived_at')
      .notNull()
      .default(sql`clock_timestamp()`),
    /** The payment's reminder had been forgotten when it came: it goes by its own age. */
    late: boolean('late').notNull(),
    /** When the reminder is asked for again: a transaction of the shop, not over yet, asks for the same payment's. Null: it was. */
    openAt: instant('open_at'),
  },
  (t) => [
    uniqueIndex('receipt_event_event').on(t.eventId, t.source),
    index('receipt_event_payment').on(t.payment),
    index('receipt_event_out_trade_no')
      .on(sql`split_part(${t.payment}, ':', 2)`)
      .where(sql`strpos(${t.payment}, ':') > 0`),
    index('receipt_event_open')
      .on(t.appid, t.openAt)
      .where(sql`${t.openAt} is not null`),
    index('receipt_event_late')
      .on(t.arrivedAt)
      .where(sql`${t.late}`),
  ],
);

/** A payment whose parcels are followed until they are signed for. */
export const trace = fahuo.table(
  'trace',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    appid: text('appid').notNull(),
    payment: text('payment').notNull(),
    state: traceState('state').notNull().default('waiting'),
    /** The buyer's phone, sealed; null as soon as WeChat follows the parcels, or nobody will. */
    sealedPhone: text('sealed_phone'),
    /** `[{tracking_no, token, status, signed_at}]`, a parcel each. */
    parcels: jsonb('parcels')
      .notNull()
      .default(sql`'[]'`),
    nextAttemptAt: instant('next_attempt_at')
      .notNull()
      .default(sql`clock_timestamp()`),
    epoch: id('epoch').notNull().default(0),
    owner: text('owner'),
    waits: integer('waits').notNull().default(0),
    detail: text('detail'),
    createdAt: instant('created_at')
      .notNull()
      .default(sql`clock_timestamp()`),
    finishedAt: instant('finished_at'),
  },
  (t) => [
    uniqueIndex('trace_payment').on(t.payment, t.appid),
    index('trace_due')
      .on(t.appid, t.nextAttemptAt)
      .where(sql`${t.state} in ('waiting', 'following')`),
    index('trace_finished')
      .on(t.finishedAt)
      .where(sql`${t.finishedAt} is not null`),
    check('trace_forgets_phone', sql`(${t.state} = 'waiting') = (${t.sealedPhone} is not null)`),
    check('trace_final_has_time', sql`(${t.state} in ('signed', 'ended')) = (${t.finishedAt} is not null)`),
  ],
);

/** What WeChat answered about receipts and parcels, a row a call that was or may have been on the wire. */
export const receiptCall = fahuo.table(
  'receipt_call',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    appid: text('appid').notNull(),
    payment: text('payment').notNull(),
    kind: receiptCallKind('kind').notNull(),
    outcome: text('outcome').notNull(),
    /** Of a parcel: its number, and the status that query_trace gave. */
    trackingNo: text('tracking_no'),
    status: integer('status'),
    httpStatus: integer('http_status'),
    errcode: id('errcode'),
    errmsg: text('errmsg'),
    rid: text('rid'),
    failure: text('failure'),
    durationMs: integer('duration_ms').notNull(),
    calledAt: instant('called_at')
      .notNull()
      .default(sql`clock_timestamp()`),
  },
  (t) => [index('receipt_call_payment').on(t.payment, t.appid, t.id)],
);
