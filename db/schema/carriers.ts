import { sql } from 'drizzle-orm';
import { index, primaryKey, text } from 'drizzle-orm/pg-core';
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
