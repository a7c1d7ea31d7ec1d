import { sql } from 'drizzle-orm';
import {
  bigserial,
  boolean,
  check,
  index,
  integer,
  primaryKey,
  smallint,
  text,
  uniqueIndex,
} from 'drizzle-orm/pg-core';
import {
  fahuo,
  uploadState,
  uploadKind,
  uploadCaution,
  attemptKind,
  parkReason,
  id,
  instant,
} from './columns.ts';

/** One row per event that passed validation. `body` is frozen at insert: every attempt sends these bytes. */
export const upload = fahuo.table(
  'upload',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    appid: text('appid').notNull(),
    payment: text('payment').notNull(),
    version: integer('version').notNull(),
    kind: uploadKind('kind').notNull(),
    eventId: text('event_id').notNull(),
    source: text('source').notNull(),
    eventTime: text('event_time').notNull(),
    reason: text('reason'),
    approvedBy: text('approved_by'),
    traceparent: text('traceparent'),
    topic: text('topic').notNull(),
    partition: integer('partition').notNull(),
    offset: id('offset').notNull(),
    body: text('body').notNull(),
    bodyHash: text('body_hash').notNull(),
    /** What is sent instead of `body` where an app takes new parcels alone; frozen before its first send. */
    deltaBody: text('delta_body'),
    state: uploadState('state').notNull().default('pending'),
    parkReason: parkReason('park_reason'),
    nextAttemptAt: instant('next_attempt_at')
      .notNull()
      .default(sql`clock_timestamp()`),
    /** Sends made; a definite refusal that is nobody's fault (quota, token) gives its attempt back. */
    attempts: integer('attempts').notNull().default(0),
    absentReads: smallint('absent_reads').notNull().default(0),
    /** Reads that failed one after the other; the first of them was at `unread_since`. */
    failedReads: smallint('failed_reads').notNull().default(0),
    unreadSince: instant('unread_since'),
    /** The first of `attempts`: ages count from here, not from `received_at`. */
    firstSentAt: instant('first_sent_at'),
    leaseOwner: text('lease_owner'),
    leaseEpoch: id('lease_epoch').notNull().default(0),
    leaseUntil: instant('lease_until'),
    uploadTime: instant('upload_time'),
    errcode: id('errcode'),
    errmsg: text('errmsg'),
    rid: text('rid'),
    detail: text('detail'),
    receivedAt: instant('received_at')
      .notNull()
      .default(sql`clock_timestamp()`),
    finishedAt: instant('finished_at'),
    /** The person who ended it by `fahuo resolve`; why is in `detail`. */
    resolvedBy: text('resolved_by'),
    caution: uploadCaution('caution'),
    /** What the door changed in the event, one change a line; null where nothing was. */
    notes: text('notes'),
  },
  (t) => [
    // CloudEvents: source and id together name an event, and two shops may count alike.
    uniqueIndex('upload_event').on(t.eventId, t.source),
    // The payment first: a look-up that knows no appid (an order service's, an operator's) is served by it, too.
    uniqueIndex('upload_payment_version').on(t.payment, t.appid, t.version),
    // `mchid` and `out_trade_no` of fahuo.acknowledgements: an entry for payments that are named so, and for no other.
    index('upload_out_trade_no')
      .on(sql`split_part(${t.payment}, ':', 2)`)
      .where(sql`strpos(${t.payment}, ':') > 0`),
    uniqueIndex('upload_one_in_flight')
      .on(t.appid, t.payment)
      .where(sql`${t.state} in ('uploading', 'unknown')`),
    uniqueIndex('upload_one_correction')
      .on(t.appid, t.payment)
      .where(sql`${t.kind} = 'corrected' and ${t.state} not in ('rejected', 'superseded')`),
    index('upload_due_by_app')
      .on(t.appid, t.nextAttemptAt, t.id)
      .where(sql`${t.state} = 'pending'`),
    // Rows in flight are few and found by upload_one_in_flight: every index here is one more entry a state change.
    index('upload_unsettled_by_app')
      .on(t.appid, t.state, t.nextAttemptAt)
      .where(sql`${t.state} in ('unknown', 'parked')`),
    // Empty but after a database was lost: what is older than the database waits here for its payment's newest.
    index('upload_older_waiting')
      .on(t.id)
      .where(sql`${t.caution} = 'older' and ${t.state} = 'pending' and ${t.nextAttemptAt} = 'infinity'`),
    index('upload_rejected')
      .on(t.id)
      .where(sql`${t.state} = 'rejected'`),
    check('upload_parked_has_reason', sql`(${t.state} = 'parked') = (${t.parkReason} is not null)`),
    check(
      'upload_leased_while_uploading',
      sql`${t.state} <> 'uploading' or (${t.leaseOwner} is not null and ${t.leaseUntil} is not null and ${t.uploadTime} is not null)`,
    ),
    check(
      'upload_final_has_time',
      sql`(${t.state} in ('acknowledged', 'rejected', 'superseded')) = (${t.finishedAt} is not null)`,
    ),
    check(
      'upload_correction_is_approved',
      sql`${t.kind} <> 'corrected' or (${t.reason} is not null and ${t.approvedBy} is not null)`,
    ),
    check('upload_version_positive', sql`${t.version} >= 1`),
  ],
);

/**
 * Events whose payment, version and content an upload of another event id had already: that upload's answer is theirs.
 * Without it their writer would find nothing under the id that it gave.
 */
export const uploadRepeat = fahuo.table(
  'upload_repeat',
  {
    eventId: text('event_id').notNull(),
    source: text('source').notNull(),
    uploadId: id('upload_id').notNull(),
    receivedAt: instant('received_at')
      .notNull()
      .default(sql`clock_timestamp()`),
  },
  (t) => [primaryKey({ columns: [t.eventId, t.source] }), index('upload_repeat_upload').on(t.uploadId)],
);

/**
 * One payment, two keys: `payment` is its `mchid:out_trade_no`, `transaction_id` what a read told of it. Null: a read
 * did not tell, and any transaction of the app may be this payment. Apps that never use type 1 have no row here.
 * It stays for as long as the payment's rows or its tombstone, which is for ever: without it what was forgotten under
 * one key would be sent again under the other.
 */
export const paymentAlias = fahuo.table(
  'payment_alias',
  {
    appid: text('appid').notNull(),
    payment: text('payment').notNull(),
    transactionId: text('transaction_id'),
    learnedAt: instant('learned_at')
      .notNull()
      .default(sql`clock_timestamp()`),
  },
  (t) => [
    primaryKey({ columns: [t.appid, t.payment] }),
    index('payment_alias_transaction').on(t.appid, t.transactionId),
  ],
);

/** What WeChat answered, one row per request that was or may have been on the wire (P6). */
export const attempt = fahuo.table(
  'attempt',
  {
    id: bigserial('id', { mode: 'number' }),
    uploadId: id('upload_id').notNull(),
    number: integer('number').notNull(),
    kind: attemptKind('kind').notNull(),
    outcome: text('outcome').notNull(),
    uploadTime: instant('upload_time'),
    httpStatus: integer('http_status'),
    errcode: id('errcode'),
    errmsg: text('errmsg'),
    rid: text('rid'),
    failure: text('failure'),
    answer: text('answer'),
    durationMs: integer('duration_ms'),
    owner: text('owner'),
    finishedAt: instant('finished_at')
      .notNull()
      .default(sql`clock_timestamp()`),
  },
  (t) => [primaryKey({ columns: [t.uploadId, t.id] })],
);

/**
 * What is left of a payment whose rows were forgotten: enough that neither a replay nor a late message sends again what
 * was sent before. Kept for ever: about 90 bytes and as much again for its key, 0.2 GB a million payments at most.
 */
export const tombstone = fahuo.table(
  'tombstone',
  {
    appid: text('appid').notNull(),
    payment: text('payment').notNull(),
    /** What is not newer is a repeat of what was forgotten. */
    lastVersion: integer('last_version').notNull(),
    /** WeChat took the payment for shipped in full, by our record or by its own word. */
    finished: boolean('finished').notNull(),
    /** The payment's one correction was made, or may have been. */
    chanceSpent: boolean('chance_spent').notNull(),
    updatedAt: instant('updated_at').notNull().defaultNow(),
  },
  // The payment first: an operator asks by it alone.
  (t) => [primaryKey({ columns: [t.payment, t.appid] })],
);
