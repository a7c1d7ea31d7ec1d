import { sql } from 'drizzle-orm';
import { bigserial, integer, jsonb, text } from 'drizzle-orm/pg-core';
import { fahuo, id, instant, replayState } from './columns.ts';

/**
 * Replays that were executed: what each is of, and how far it came. How far in a partition stands in
 * `fahuo.consumer_offset` under the group `replay/ID`, written with the rows that it made, until it ends.
 */
export const replay = fahuo.table('replay', {
  id: bigserial('id', { mode: 'number' }).primaryKey(),
  /** What was asked for, in words. */
  selection: text('selection').notNull(),
  topic: text('topic').notNull(),
  /** Half-open ranges, `{partition, from, to, source}`; the first ones first. */
  ranges: jsonb('ranges').notNull(),
  /** Rows that try again when all ranges are read. */
  retryIds: id('retry_ids').array().notNull(),
  state: replayState('state').notNull().default('running'),
  /** Events a second; null is as fast as it goes. */
  rate: integer('rate'),
  inserted: id('inserted').notNull().default(0),
  duplicate: id('duplicate').notNull().default(0),
  superseded: id('superseded').notNull().default(0),
  dead: id('dead').notNull().default(0),
  retried: id('retried').notNull().default(0),
  /** What could not be read, once it has ended. */
  unread: jsonb('unread'),
  startedBy: text('started_by').notNull(),
  startedAt: instant('started_at')
    .notNull()
    .default(sql`clock_timestamp()`),
  owner: text('owner'),
  leaseUntil: instant('lease_until'),
  finishedAt: instant('finished_at'),
});
