import { sql } from 'drizzle-orm';
import {
  bigserial,
  check,
  index,
  integer,
  primaryKey,
  smallint,
  text,
  uniqueIndex,
} from 'drizzle-orm/pg-core';
import { fahuo, instant, pushPhase } from './columns.ts';

/**
 * The inbox of WeChat's message push: what was verified, decrypted and answered `success`, as it came. WeChat sends an
 * event three times within seconds and then never again (wechat.md §3), so it is here before it is looked at.
 */
export const pushEvent = fahuo.table(
  'push_event',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    appid: text('appid').notNull(),
    /** What makes two pushes one event: events have no MsgId (wechat.md §3). */
    key: text('key').notNull(),
    event: text('event').notNull(),
    /** Of a settlement push; null of any other. */
    phase: pushPhase('phase'),
    transactionId: text('transaction_id'),
    mchid: text('mchid'),
    outTradeNo: text('out_trade_no'),
    /** The message in clear, as it came: JSON or XML. */
    body: text('body').notNull(),
    /** Its CreateTime; null where it has none. */
    createdAt: instant('created_at'),
    receivedAt: instant('received_at')
      .notNull()
      .default(sql`clock_timestamp()`),
    /** When what it says was put on record; null: it waits. */
    appliedAt: instant('applied_at'),
    /** Why it waits still, or why nothing was to be recorded. */
    failure: text('failure'),
    tries: smallint('tries').notNull().default(0),
    nextTryAt: instant('next_try_at')
      .notNull()
      .default(sql`clock_timestamp()`),
  },
  (t) => [
    uniqueIndex('push_event_key').on(t.appid, t.key),
    index('push_event_waiting')
      .on(t.nextTryAt, t.id)
      .where(sql`${t.appliedAt} is null`),
    // What fahuo status and a gauge ask for; a few rows a day.
    index('push_event_warning')
      .on(t.receivedAt)
      .where(sql`${t.event} in ('trade_manage_remind_access_api', 'wxa_trade_controlled')`),
    check(
      'push_event_phase_of_settlement',
      sql`(${t.phase} is not null) = (${t.event} = 'trade_manage_order_settlement')`,
    ),
  ],
);

/** Payments that somebody wants compared with WeChat soon, each once; whoever reconciles takes them away. */
export const reconcileWish = fahuo.table(
  'reconcile_wish',
  {
    appid: text('appid').notNull(),
    transactionId: text('transaction_id').notNull(),
    askedAt: instant('asked_at')
      .notNull()
      .default(sql`clock_timestamp()`),
    /** Answers that said nothing of the payment, one after the other. */
    oddAnswers: integer('odd_answers').notNull().default(0),
  },
  (t) => [primaryKey({ columns: [t.appid, t.transactionId] })],
);
