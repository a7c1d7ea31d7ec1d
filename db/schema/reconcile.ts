import { sql } from 'drizzle-orm';
import { bigint, check, index, integer, primaryKey, smallint, text } from 'drizzle-orm/pg-core';
import { fahuo, findingKind, id, instant, sweep } from './columns.ts';

/** How far each listing of an app's payments has come: where it goes on after a kill, and when it begins again. */
export const reconcileSweep = fahuo.table(
  'reconcile_sweep',
  {
    appid: text('appid').notNull(),
    sweep: sweep('sweep').notNull(),
    /** Payments paid before this were listed; null before the first pass. */
    watermark: instant('watermark'),
    /** Where the pass under way ends; null between two passes. */
    passUntil: instant('pass_until'),
    /** The pay times that are being listed, and WeChat's cursor in them; null before their first page. */
    windowBegin: instant('window_begin'),
    windowEnd: instant('window_end'),
    cursor: text('cursor'),
    owner: text('owner'),
    leaseUntil: instant('lease_until'),
    nextAt: instant('next_at')
      .notNull()
      .default(sql`clock_timestamp()`),
    /** One after the other, and the last of them. */
    failures: smallint('failures').notNull().default(0),
    failure: text('failure'),
    /** Of the last pass that ended. */
    startedAt: instant('started_at'),
    finishedAt: instant('finished_at'),
    /** Of the pass under way, or the last one. */
    listed: id('listed').notNull().default(0),
    offered: id('offered').notNull().default(0),
  },
  (t) => [
    primaryKey({ columns: [t.appid, t.sweep] }),
    check('reconcile_sweep_window', sql`(${t.windowBegin} is null) = (${t.windowEnd} is null)`),
  ],
);

/** Contradictions between what WeChat shows of a payment and what we hold; see findingKinds. */
export const reconcileFinding = fahuo.table(
  'reconcile_finding',
  {
    appid: text('appid').notNull(),
    transactionId: text('transaction_id').notNull(),
    kind: findingKind('kind').notNull(),
    /** The upload that it contradicts; null where there is none. */
    uploadId: id('upload_id'),
    /** WeChat's shipping as JSON. */
    shown: text('shown'),
    /** The read that showed it first, and the last. */
    firstSeenAt: instant('first_seen_at').notNull(),
    seenAt: instant('seen_at').notNull(),
    /** When a second read, apart, showed it still: what followed followed then. */
    confirmedAt: instant('confirmed_at'),
    /** How often something was offered again for it. */
    offers: integer('offers').notNull().default(0),
    /** When a read no longer showed it. */
    endedAt: instant('ended_at'),
  },
  (t) => [
    primaryKey({ columns: [t.transactionId, t.appid, t.kind] }),
    index('reconcile_finding_open')
      .on(t.appid, t.firstSeenAt)
      .where(sql`${t.endedAt} is null`),
    index('reconcile_finding_age').on(t.seenAt),
  ],
);

/**
 * Payments that uploads name by `mchid:out_trade_no` and that WeChat has not told of yet: no row of `payment` stands for them.
 * They leave when it has.
 */
export const loosePayment = fahuo.table(
  'loose_payment',
  {
    appid: text('appid').notNull(),
    payment: text('payment').notNull(),
  },
  (t) => [primaryKey({ columns: [t.payment, t.appid] })],
);

/** How far uploads were noticed as payments that we know: one row. */
export const noticed = fahuo.table(
  'noticed',
  {
    shard: smallint('shard').primaryKey().default(0),
    uploadId: bigint('upload_id', { mode: 'number' }).notNull().default(0),
  },
  (t) => [check('noticed_is_one', sql`${t.shard} = 0`)],
);
