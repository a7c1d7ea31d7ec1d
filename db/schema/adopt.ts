import { sql } from 'drizzle-orm';
import { bigserial, boolean, index, integer, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core';
import { adoptState, fahuo, id, instant } from './columns.ts';

/** An order database that is adopted: one row an adopt file. One instance at a time follows it. */
export const adoptSource = fahuo.table('adopt_source', {
  name: text('name').primaryKey(),
  /** Counts the transactions that wrote of its payments; see `adopt_payment.write`. */
  writes: id('writes').notNull().default(0),
  owner: text('owner'),
  leaseUntil: instant('lease_until'),
  /** Rows that wait in the shop's `fahuo_touched`, as last counted, and since when. */
  waiting: id('waiting').notNull().default(0),
  waitingSince: instant('waiting_since'),
  lookedAt: instant('looked_at'),
  /** Why nothing can be looked at; null while all is well. */
  failure: text('failure'),
  failedAt: instant('failed_at'),
});

/** What was said of a payment, and what waits for a person. */
export const adoptPayment = fahuo.table(
  'adopt_payment',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    source: text('source').notNull(),
    appid: text('appid').notNull(),
    payment: text('payment').notNull(),
    state: adoptState('state').notNull(),
    /** Why it is held, skipped or proposed; null where there is nothing to say. */
    reason: text('reason'),
    detail: text('detail'),
    /** The last event's `data`, and its version; null before the first. */
    said: text('said'),
    version: integer('version'),
    corrected: boolean('corrected').notNull().default(false),
    /** The `data` of a correction that waits for a person. */
    proposed: text('proposed'),
    /** The proposal that a person dismissed last: it is not made again. */
    dismissed: text('dismissed'),
    /** Its event comes of a walk over old orders: WeChat is asked before it is sent. */
    readFirst: boolean('read_first').notNull().default(false),
    /** Which of the source's writes was the last of this row: who read the parts before it decides anew. */
    write: id('write').notNull().default(0),
    /** When the shop last changed something that was looked at. */
    touchedAt: instant('touched_at').notNull(),
    /** What the shop was told last, in short; null where it was told nothing. */
    answered: text('answered'),
    /** Whether the shop has the last word on what was said, or waits for a person. */
    answerFinal: boolean('answer_final').notNull().default(false),
    updatedAt: instant('updated_at')
      .notNull()
      .default(sql`clock_timestamp()`),
  },
  (t) => [
    uniqueIndex('adopt_payment_key').on(t.payment, t.appid, t.source),
    index('adopt_payment_unanswered')
      .on(t.source, t.id)
      .where(sql`not ${t.answerFinal}`),
    index('adopt_payment_waiting')
      .on(t.source, t.state, t.updatedAt)
      .where(sql`${t.state} in ('held', 'proposed')`),
    index('adopt_payment_age').on(t.updatedAt),
  ],
);

/** What became of a key of the shop: which payment it belongs to, or why it belongs to none. */
export const adoptKey = fahuo.table(
  'adopt_key',
  {
    source: text('source').notNull(),
    kind: text('kind').notNull(),
    ref: text('ref').notNull(),
    appid: text('appid'),
    payment: text('payment'),
    state: adoptState('state').notNull(),
    detail: text('detail'),
    /** Looks that failed one after the other, and when the next is due. */
    failures: integer('failures').notNull().default(0),
    nextLookAt: instant('next_look_at'),
    updatedAt: instant('updated_at')
      .notNull()
      .default(sql`clock_timestamp()`),
  },
  (t) => [
    primaryKey({ columns: [t.source, t.kind, t.ref] }),
    index('adopt_key_payment').on(t.payment, t.appid, t.source),
    index('adopt_key_due')
      .on(t.source, t.nextLookAt)
      .where(sql`${t.nextLookAt} is not null`),
    index('adopt_key_state').on(t.source, t.state),
    index('adopt_key_age').on(t.updatedAt),
  ],
);

/** A walk over the old orders of a source, and how far it is. */
export const adoptBackfill = fahuo.table(
  'adopt_backfill',
  {
    source: text('source').notNull(),
    kind: text('kind').notNull(),
    /** The last key that was looked at; null at the beginning. */
    cursor: text('cursor'),
    since: instant('since'),
    looked: id('looked').notNull().default(0),
    events: id('events').notNull().default(0),
    /** Whether WeChat is asked first: what it shows as shipped is not sent. */
    readFirst: boolean('read_first').notNull().default(false),
    startedAt: instant('started_at')
      .notNull()
      .default(sql`clock_timestamp()`),
    finishedAt: instant('finished_at'),
  },
  (t) => [primaryKey({ columns: [t.source, t.kind] })],
);
