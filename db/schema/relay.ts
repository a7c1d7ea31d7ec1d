import { sql } from 'drizzle-orm';
import { check, index, integer, primaryKey, smallint, text } from 'drizzle-orm/pg-core';
import { eventColumns, fahuo, relayParkReason, id, instant } from './columns.ts';

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
    ...eventColumns(),
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
    index('relay_parked_payment').on(t.payment),
    index('relay_parked_event').on(t.eventId),
    index('relay_parked_out_trade_no')
      .on(sql`split_part(${t.payment}, ':', 2)`)
      .where(sql`strpos(${t.payment}, ':') > 0`),
    check(
      'relay_parked_published_has_place',
      sql`(${t.publishedAt} is null) = (${t.offset} is null) and (${t.topic} is null) = (${t.offset} is null) and (${t.partition} is null) = (${t.offset} is null)`,
    ),
  ],
);
