import { sql } from 'drizzle-orm';
import { check, index, primaryKey, smallint, text } from 'drizzle-orm/pg-core';
import { fahuo, instant } from './columns.ts';

/** WeChat's carriers, by the ids that it takes; ids are exact and case-sensitive. */
export const carrier = fahuo.table('carrier', {
  id: text('id').primaryKey(),
  name: text('name').notNull(),
  seenAt: instant('seen_at')
    .notNull()
    .default(sql`clock_timestamp()`),
});

/** What other systems call a carrier: a name, or a code of theirs. A suggestion, unless aliases are switched on. */
export const carrierAlias = fahuo.table(
  'carrier_alias',
  {
    /** In lower case, without spaces at its ends. */
    alias: text('alias').notNull(),
    carrierId: text('carrier_id').notNull(),
    /** Whose word it is. */
    system: text('system').notNull(),
  },
  (t) => [primaryKey({ columns: [t.alias, t.carrierId] }), index('carrier_alias_carrier').on(t.carrierId)],
);

/** How the list of carriers is kept fresh: one row. What is asked of WeChat is asked once a deployment. */
export const carrierList = fahuo.table(
  'carrier_list',
  {
    shard: smallint('shard').primaryKey().default(0),
    /** When a consumer last met an id that nobody knew, and wanted WeChat asked. */
    wantedAt: instant('wanted_at'),
    /** The last request to WeChat, and when what came of it was kept. */
    askedAt: instant('asked_at'),
    answeredAt: instant('answered_at'),
    /** The last time that WeChat's list was good. */
    refreshedAt: instant('refreshed_at'),
    /** Why the last request gave no list; null where it did. */
    failure: text('failure'),
  },
  (t) => [check('carrier_list_is_one', sql`${t.shard} = 0`)],
);
