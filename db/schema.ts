import { sql } from 'drizzle-orm';
import {
  bigint,
  bigserial,
  boolean,
  check,
  customType,
  doublePrecision,
  index,
  integer,
  pgSchema,
  primaryKey,
  smallint,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import {
  attemptKinds,
  deadLetterReasons,
  parkReasons,
  relayParkReasons,
  uploadCautions,
  uploadKinds,
  uploadStates,
} from './states.ts';

/** Everything lives in the schema `fahuo`, so that it can stand beside an order database's own tables. */
export const fahuo = pgSchema('fahuo');

export const uploadState = fahuo.enum('upload_state', uploadStates);
export const uploadKind = fahuo.enum('upload_kind', uploadKinds);
export const uploadCaution = fahuo.enum('upload_caution', uploadCautions);
export const attemptKind = fahuo.enum('attempt_kind', attemptKinds);
export const deadLetterReason = fahuo.enum('dead_letter_reason', deadLetterReasons);
export const parkReason = fahuo.enum('park_reason', parkReasons);
export const relayParkReason = fahuo.enum('relay_park_reason', relayParkReasons);

const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });
const id = (name: string) => bigint(name, { mode: 'number' });
const instant = (name: string) => timestamp(name, { withTimezone: true, precision: 3 });

/** Kafka's default limit is 1 MiB a batch; a valid event is under 50 kB. */
export const MAX_DATA_BYTES = 262_144;

/**
 * Written in the order service's transaction by `fahuo.enqueue` alone; never updated. Range-partitioned by id, which
 * the migration says, since drizzle cannot. `data` is the text that the topic will carry, byte for byte.
 */
export const outbox = fahuo.table(
  'outbox',
  {
    id: id('id')
      .primaryKey()
      .default(sql`nextval('fahuo.outbox_id_seq')`),
    eventId: text('event_id').notNull(),
    type: text('type').notNull(),
    source: text('source').notNull(),
    eventTime: text('event_time').notNull(),
    appid: text('appid').notNull(),
    payment: text('payment').notNull(),
    version: integer('version').notNull(),
    reason: text('reason'),
    approvedBy: text('approved_by'),
    traceparent: text('traceparent'),
    data: text('data').notNull(),
    createdAt: instant('created_at')
      .notNull()
      .default(sql`clock_timestamp()`),
  },
  (t) => [
    check('outbox_data_fits_kafka', sql`octet_length(${t.data}) <= 262144`),
    check('outbox_version_positive', sql`${t.version} >= 1`),
    check('outbox_event_id_length', sql`length(${t.eventId}) between 1 and 128`),
    check('outbox_headers_length', sql`length(${t.type}) <= 128 and length(${t.source}) <= 256`),
    check(
      'outbox_payment_length',
      sql`length(${t.appid}) between 1 and 64 and length(${t.payment}) between 1 and 128`,
    ),
  ],
);

/** One row per shard: everything up to `cursor` is in Kafka. `epoch` fences a relay that lost its lock. */
export const relayCursor = fahuo.table('relay_cursor', {
  shard: smallint('shard').primaryKey(),
  cursor: id('cursor').notNull().default(0),
  epoch: id('epoch').notNull().default(0),
  owner: text('owner'),
  updatedAt: instant('updated_at').notNull().defaultNow(),
});

/** One row per published batch and partition: from it any outbox row maps to its offset. */
export const relayJournal = fahuo.table(
  'relay_journal',
  {
    shard: smallint('shard').notNull(),
    firstId: id('first_id').notNull(),
    lastId: id('last_id').notNull(),
    topic: text('topic').notNull(),
    partition: integer('partition').notNull(),
    partitionCount: integer('partition_count').notNull(),
    baseOffset: id('base_offset').notNull(),
    count: integer('count').notNull(),
    publishedAt: instant('published_at').notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ columns: [t.shard, t.firstId, t.topic, t.partition] }),
    index('relay_journal_offset').on(t.topic, t.partition, t.baseOffset),
    check('relay_journal_range', sql`${t.firstId} <= ${t.lastId} and ${t.count} >= 1`),
  ],
);

/**
 * Outbox rows that are published out of turn, whole, so that no retention of the outbox loses them: what Kafka refused,
 * what waits behind that, and what the cursor passed over. A row with a `releasedAt` is published by the leader; one with
 * a `publishedAt` was, and says where it lies. An id may have been drawn twice, by a sequence that was set back.
 */
export const relayParked = fahuo.table(
  'relay_parked',
  {
    outboxId: id('outbox_id').notNull(),
    eventId: text('event_id').notNull(),
    type: text('type').notNull(),
    source: text('source').notNull(),
    eventTime: text('event_time').notNull(),
    appid: text('appid').notNull(),
    payment: text('payment').notNull(),
    version: integer('version').notNull(),
    reason: text('reason'),
    approvedBy: text('approved_by'),
    traceparent: text('traceparent'),
    data: text('data').notNull(),
    createdAt: instant('created_at').notNull(),
    parkReason: relayParkReason('park_reason').notNull(),
    parkedAt: instant('parked_at').notNull().defaultNow(),
    releasedAt: instant('released_at'),
    topic: text('topic'),
    partition: integer('partition'),
    offset: id('offset'),
    publishedAt: instant('published_at'),
  },
  (t) => [
    primaryKey({ columns: [t.outboxId, t.eventId] }),
    index('relay_parked_open')
      .on(t.payment, t.outboxId)
      .where(sql`${t.publishedAt} is null`),
    check(
      'relay_parked_published_has_place',
      sql`(${t.publishedAt} is null) = (${t.offset} is null) and (${t.topic} is null) = (${t.offset} is null) and (${t.partition} is null) = (${t.offset} is null)`,
    ),
  ],
);

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
    caution: uploadCaution('caution'),
  },
  (t) => [
    uniqueIndex('upload_event').on(t.eventId),
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

/** A message that never became an upload row, with its bytes as they were. */
export const deadLetter = fahuo.table(
  'dead_letter',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    topic: text('topic').notNull(),
    partition: integer('partition').notNull(),
    offset: id('offset').notNull(),
    key: bytea('key'),
    value: bytea('value'),
    headers: text('headers').notNull(),
    /** Of key, value and headers: tells a redelivery from another message at the offset of a topic made again. */
    messageHash: text('message_hash').notNull(),
    reason: deadLetterReason('reason').notNull(),
    detail: text('detail').notNull(),
    eventId: text('event_id'),
    /** Where the message names one; by it an operator finds the letter. */
    payment: text('payment'),
    receivedAt: instant('received_at')
      .notNull()
      .default(sql`clock_timestamp()`),
    publishedAt: instant('published_at'),
    /** Until then the letter is another instance's to publish. */
    leasedUntil: instant('leased_until'),
    redrivenAt: instant('redriven_at'),
  },
  (t) => [
    uniqueIndex('dead_letter_offset').on(t.topic, t.partition, t.offset, t.messageHash),
    index('dead_letter_event').on(t.eventId),
    index('dead_letter_payment').on(t.payment),
    index('dead_letter_unpublished')
      .on(t.id)
      .where(sql`${t.publishedAt} is null`),
  ],
);

/**
 * By group and partition, the offset below which every message is in the tables. Written in the statement of the rows, so
 * that a copy of the database that lost rows has lost this as well, and the consumer begins there again.
 */
export const consumerOffset = fahuo.table(
  'consumer_offset',
  {
    consumerGroup: text('consumer_group').notNull(),
    topic: text('topic').notNull(),
    partition: integer('partition').notNull(),
    nextOffset: id('next_offset').notNull(),
    updatedAt: instant('updated_at')
      .notNull()
      .default(sql`clock_timestamp()`),
  },
  (t) => [primaryKey({ columns: [t.consumerGroup, t.topic, t.partition] })],
);

/** An app, or one of its endpoints, that must not be called now; `resumeAt` null waits for a person. */
export const pause = fahuo.table(
  'pause',
  {
    appid: text('appid').notNull(),
    endpoint: text('endpoint').notNull(),
    errcode: id('errcode'),
    reason: text('reason').notNull(),
    pausedAt: instant('paused_at').notNull().defaultNow(),
    resumeAt: instant('resume_at'),
  },
  (t) => [primaryKey({ columns: [t.appid, t.endpoint] })],
);

/** Tokens for deployments without Redis, sealed with a key derived from the app's secret. */
export const token = fahuo.table(
  'token',
  {
    appid: text('appid').notNull(),
    mode: text('mode').notNull(),
    sealed: text('sealed'),
    expiresAt: instant('expires_at'),
    lockOwner: text('lock_owner'),
    lockUntil: instant('lock_until'),
  },
  (t) => [primaryKey({ columns: [t.appid, t.mode] })],
);

/** Which instance serves which app now, said every few seconds; `unreachableSince` while its calls do not go out. */
export const serving = fahuo.table(
  'serving',
  {
    appid: text('appid').notNull(),
    instance: text('instance').notNull(),
    seenAt: instant('seen_at').notNull().defaultNow(),
    unreachableSince: instant('unreachable_since'),
    reason: text('reason'),
  },
  (t) => [primaryKey({ columns: [t.appid, t.instance] })],
);

/**
 * The call budget of an app: a token bucket that `fahuo.take_budget` changes (src/apps/budget.ts has its members),
 * for deployments without Redis and while Redis is away; and the rate that WeChat told last. Times in milliseconds.
 */
export const budget = fahuo.table('budget', {
  appid: text('appid').primaryKey(),
  level: doublePrecision('level').notNull().default(0),
  atMs: doublePrecision('at_ms').notNull().default(0),
  readCredit: doublePrecision('read_credit').notNull().default(0),
  readClaim: doublePrecision('read_claim').notNull().default(0),
  claimUntilMs: doublePrecision('claim_until_ms').notNull().default(0),
  blockedUntilMs: doublePrecision('blocked_until_ms').notNull().default(0),
  callsPerSecond: doublePrecision('calls_per_second'),
  answeredAt: instant('answered_at'),
});

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

/** Housekeeping that one instance at a time does; `cursor` is where it goes on. */
export const maintenance = fahuo.table('maintenance', {
  name: text('name').primaryKey(),
  cursor: id('cursor').notNull().default(0),
  owner: text('owner'),
  leaseUntil: instant('lease_until'),
});

/** Which database this is: one row, made by the migration and restored with a backup. */
export const deployment = fahuo.table(
  'deployment',
  {
    shard: smallint('shard').primaryKey().default(0),
    id: uuid('id')
      .notNull()
      .default(sql`gen_random_uuid()`),
    createdAt: instant('created_at')
      .notNull()
      .default(sql`clock_timestamp()`),
    /** Since when a person lets events that are older than the database be restated. */
    olderAcceptedAt: instant('older_accepted_at'),
  },
  (t) => [check('deployment_is_one', sql`${t.shard} = 0`)],
);

/** Other databases whose consumer groups this one took over, by a person's word. */
export const groupTaken = fahuo.table(
  'group_taken',
  {
    groupId: text('group_id').notNull(),
    topic: text('topic').notNull(),
    fromDatabase: uuid('from_database').notNull(),
    takenAt: instant('taken_at').notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.groupId, t.topic, t.fromDatabase] })],
);
