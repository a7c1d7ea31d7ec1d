import { sql } from 'drizzle-orm';
import { boolean, check, primaryKey, smallint, text, uuid } from 'drizzle-orm/pg-core';
import { fahuo, id, instant } from './columns.ts';

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
    /** FAHUO_CARRIER_ALIASES of the instance that started last: the SQL door has no environment of its own. */
    carrierAliases: boolean('carrier_aliases').notNull().default(false),
    /** FAHUO_ACK_TOPIC, likewise. */
    acknowledgementRows: boolean('acknowledgement_rows').notNull().default(true),
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

/** Housekeeping that one instance at a time does; `cursor` is where it goes on. */
export const maintenance = fahuo.table('maintenance', {
  name: text('name').primaryKey(),
  cursor: id('cursor').notNull().default(0),
  owner: text('owner'),
  leaseUntil: instant('lease_until'),
});
