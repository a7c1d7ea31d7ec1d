import { doublePrecision, primaryKey, text } from 'drizzle-orm/pg-core';
import { fahuo, id, instant } from './columns.ts';

/** An app, or one of its endpoints, that must not be called now; `resumeAt` null waits for a person. */
export const pause = fahuo.table(
  'pause',
  {
    appid: text('appid').notNull(),
    endpoint: text('endpoint').notNull(),
    errcode: id('errcode'),
    reason: text('reason').notNull(),
    pausedAt: instant('paused_at').notNull().defaultNow(),
    resumeAt: instant('resume_at'),
  },
  (t) => [primaryKey({ columns: [t.appid, t.endpoint] })],
);

/** Tokens for deployments without Redis, sealed with a key derived from the app's secret. */
export const token = fahuo.table(
  'token',
  {
    appid: text('appid').notNull(),
    mode: text('mode').notNull(),
    sealed: text('sealed'),
    expiresAt: instant('expires_at'),
    lockOwner: text('lock_owner'),
    lockUntil: instant('lock_until'),
  },
  (t) => [primaryKey({ columns: [t.appid, t.mode] })],
);

/** Which instance serves which app now, said every few seconds; `unreachableSince` while its calls do not go out. */
export const serving = fahuo.table(
  'serving',
  {
    appid: text('appid').notNull(),
    instance: text('instance').notNull(),
    seenAt: instant('seen_at').notNull().defaultNow(),
    unreachableSince: instant('unreachable_since'),
    reason: text('reason'),
  },
  (t) => [primaryKey({ columns: [t.appid, t.instance] })],
);

/**
 * The call budget of an app: a token bucket that `fahuo.take_budget` changes (src/apps/budget.ts has its members),
 * for deployments without Redis and while Redis is away; and the rate that WeChat told last. Times in milliseconds.
 */
export const budget = fahuo.table('budget', {
  appid: text('appid').primaryKey(),
  level: doublePrecision('level').notNull().default(0),
  atMs: doublePrecision('at_ms').notNull().default(0),
  readCredit: doublePrecision('read_credit').notNull().default(0),
  readClaim: doublePrecision('read_claim').notNull().default(0),
  claimUntilMs: doublePrecision('claim_until_ms').notNull().default(0),
  blockedUntilMs: doublePrecision('blocked_until_ms').notNull().default(0),
  callsPerSecond: doublePrecision('calls_per_second'),
  answeredAt: instant('answered_at'),
});
