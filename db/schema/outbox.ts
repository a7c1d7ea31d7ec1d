import { sql } from 'drizzle-orm';
import { check } from 'drizzle-orm/pg-core';
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
  },
  (t) => [
    check('outbox_data_fits_kafka', sql`octet_length(${t.data}) <= 262144`),
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
