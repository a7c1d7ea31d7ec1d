import { sql } from 'drizzle-orm';
import { bigserial, check, index, integer, smallint, text, uniqueIndex } from 'drizzle-orm/pg-core';
import { fahuo, id, instant, webhookState } from './columns.ts';

/** Answers of the ack topic that go to the shop's own address, in the order in which they came; each until it is taken. */
export const webhookDelivery = fahuo.table(
  'webhook_delivery',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    /** The same at every try: what the shop knows it by. */
    webhookId: text('webhook_id').notNull(),
    type: text('type').notNull(),
    eventTime: text('event_time').notNull(),
    appid: text('appid').notNull(),
    payment: text('payment').notNull(),
    data: text('data').notNull(),
    state: webhookState('state').notNull().default('waiting'),
    /** When it is tried next; of a row that is being sent, when another may take it. */
    nextAttemptAt: instant('next_attempt_at')
      .notNull()
      .default(sql`clock_timestamp()`),
    /** Grows with every claim: what an earlier one came to changes nothing. */
    epoch: id('epoch').notNull().default(0),
    owner: text('owner'),
    /** Tries that failed for what this answer is, and not with all others. */
    attempts: integer('attempts').notNull().default(0),
    /** What the last try came to. */
    detail: text('detail'),
    /** Or when a person asked for it once more. */
    receivedAt: instant('received_at')
      .notNull()
      .default(sql`clock_timestamp()`),
    deliveredAt: instant('delivered_at'),
  },
  (t) => [
    uniqueIndex('webhook_delivery_id').on(t.webhookId),
    index('webhook_delivery_due')
      .on(t.nextAttemptAt, t.id)
      .where(sql`${t.state} in ('waiting', 'sending')`),
    index('webhook_delivery_open')
      .on(t.payment, t.appid, t.id)
      .where(sql`${t.state} in ('waiting', 'sending')`),
    // One request a payment at a time, whatever becomes of the claim's rule.
    uniqueIndex('webhook_one_in_flight')
      .on(t.payment, t.appid)
      .where(sql`${t.state} = 'sending'`),
    index('webhook_delivery_payment').on(t.payment, t.appid),
    index('webhook_delivery_delivered')
      .on(t.deliveredAt)
      .where(sql`${t.state} = 'delivered'`),
    check('webhook_delivered_has_time', sql`(${t.state} = 'delivered') = (${t.deliveredAt} is not null)`),
    check('webhook_sending_has_owner', sql`(${t.state} = 'sending') = (${t.owner} is not null)`),
  ],
);

/** How the shop's address does, for all instances: one row. */
export const webhookEndpoint = fahuo.table(
  'webhook_endpoint',
  {
    shard: smallint('shard').primaryKey().default(0),
    /** Scheme, host and port: what else stands in the address may be a secret. Null until one was set. */
    origin: text('origin'),
    /** Tells another address or secret from the ones before. */
    fingerprint: text('fingerprint'),
    /** Payments whose answers failed since the last one was taken, a few at most. */
    suspects: text('suspects').array().notNull().default([]),
    /** Since when it fails as a whole; null while it does not. */
    failingSince: instant('failing_since'),
    /** Probes that failed since. */
    failures: integer('failures').notNull().default(0),
    /** Nothing is sent before. */
    retryAt: instant('retry_at')
      .notNull()
      .default(sql`clock_timestamp()`),
    /** Why it fails, or is paused. */
    reason: text('reason'),
    /** Paused until a person resumes it. */
    pausedAt: instant('paused_at'),
    /** Answers that were dropped untaken, for their age. */
    forgotten: id('forgotten').notNull().default(0),
  },
  (t) => [
    check('webhook_endpoint_is_one', sql`${t.shard} = 0`),
    check('webhook_paused_has_reason', sql`${t.pausedAt} is null or ${t.reason} is not null`),
  ],
);
