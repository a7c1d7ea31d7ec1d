import { sql } from 'drizzle-orm';
import { bigserial, index, integer, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core';
import { fahuo, deadLetterReason, bytea, id, instant } from './columns.ts';

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
    /** What the message names, where it names it: by these its writer finds the answer, and an operator the letter. */
    eventId: text('event_id'),
    type: text('type'),
    source: text('source'),
    appid: text('appid'),
    payment: text('payment'),
    version: integer('version'),
    receivedAt: instant('received_at')
      .notNull()
      .default(sql`clock_timestamp()`),
    publishedAt: instant('published_at'),
    /** Until then the letter is another instance's to publish. */
    leasedUntil: instant('leased_until'),
    redrivenAt: instant('redriven_at'),
    redrivenBy: text('redriven_by'),
    /** The event as it was offered again, where it was edited. */
    redrivenEvent: text('redriven_event'),
  },
  (t) => [
    uniqueIndex('dead_letter_offset').on(t.topic, t.partition, t.offset, t.messageHash),
    index('dead_letter_event').on(t.eventId),
    index('dead_letter_payment').on(t.payment),
    index('dead_letter_out_trade_no')
      .on(sql`split_part(${t.payment}, ':', 2)`)
      .where(sql`strpos(${t.payment}, ':') > 0`),
    index('dead_letter_open')
      .on(t.id)
      .where(sql`${t.redrivenAt} is null`),
    index('dead_letter_unpublished')
      .on(t.id)
      .where(sql`${t.publishedAt} is null`),
  ],
);
