import { sql } from 'drizzle-orm';
import { bigserial, check, index, integer, primaryKey, text } from 'drizzle-orm/pg-core';
import { eventColumns, fahuo, id, instant } from './columns.ts';

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
    ...eventColumns(),
    createdAt: instant('created_at')
      .notNull()
      .default(sql`clock_timestamp()`),
    /** What the door changed in the event, one change a line; null where nothing was. */
    notes: text('notes'),
  },
  (t) => [
    // An event's writer asks for it by these before it is anywhere else (fahuo.events).
    index('outbox_payment').on(t.payment),
    index('outbox_event').on(t.eventId),
    index('outbox_out_trade_no')
      .on(sql`split_part(${t.payment}, ':', 2)`)
      .where(sql`strpos(${t.payment}, ':') > 0`),
    check('outbox_data_fits_kafka', sql`octet_length(${t.data}) <= 262144`),
    // Null of a receipt and of its answer: a number would be taken for a version by the draw of the next, and by the tombstone.
    // That others have one, the doors see to: a check of the type would cost each event 10 µs.
    check('outbox_version_positive', sql`${t.version} >= 1`),
    check('outbox_event_id_length', sql`length(${t.eventId}) between 1 and 128`),
    check('outbox_headers_length', sql`length(${t.type}) <= 128 and length(${t.source}) <= 256`),
    check(
      'outbox_texts_length',
      sql`length(coalesce(${t.reason}, '')) <= 1000 and length(coalesce(${t.approvedBy}, '')) <= 256 and length(coalesce(${t.traceparent}, '')) <= 256 and length(${t.eventTime}) <= 64`,
    ),
    check(
      'outbox_payment_length',
      sql`length(${t.appid}) between 1 and 64 and length(${t.payment}) between 1 and 128`,
    ),
  ],
);

/** Events that `fahuo.offer` was given and that break the contract: kept as they came, and answered `rejected`. */
export const refusedOffer = fahuo.table(
  'refused_offer',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    /** As it came, cut to 262,144 bytes; `bytes` is its whole length. */
    event: text('event').notNull(),
    bytes: integer('bytes').notNull(),
    /** What the event names, where it names it. */
    eventId: text('event_id'),
    type: text('type'),
    source: text('source'),
    appid: text('appid'),
    payment: text('payment'),
    version: integer('version'),
    /** Every problem with field, value, rule and remedy, one a line. */
    detail: text('detail').notNull(),
    offeredAt: instant('offered_at')
      .notNull()
      .default(sql`clock_timestamp()`),
  },
  (t) => [
    index('refused_offer_payment').on(t.payment),
    index('refused_offer_event').on(t.eventId),
    index('refused_offer_out_trade_no')
      .on(sql`split_part(${t.payment}, ':', 2)`)
      .where(sql`strpos(${t.payment}, ':') > 0`),
  ],
);

/** The last version that the door drew for a payment whose writer sends none. */
export const drawnVersion = fahuo.table(
  'drawn_version',
  {
    appid: text('appid').notNull(),
    payment: text('payment').notNull(),
    version: integer('version').notNull(),
    drawnAt: instant('drawn_at')
      .notNull()
      .default(sql`clock_timestamp()`),
  },
  (t) => [primaryKey({ columns: [t.payment, t.appid] }), index('drawn_version_age').on(t.drawnAt)],
);
