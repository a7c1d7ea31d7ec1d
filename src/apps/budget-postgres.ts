import type { Queryable } from '../../db/client.ts';
import { monotonicMs } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { createLimits, type Budget } from './budget.ts';
import { blockBudget, readBlockedMs, takeBudget } from './budget-store.ts';

/** What a caller waits when Postgres does not answer: nothing is granted, so the budget is never overdrawn. */
const goneRetryMs = 500;
/** An app without a rate asks the table only whether everybody must slow down, this often. */
const blockedFreshMs = 1_000;

/**
 * One budget an app over all instances of a database: the steps of budget.ts, by the database's clock, one statement
 * a take. For deployments without Redis, and while Redis is away.
 */
export function createPostgresBudget({ pool, log }: { pool: Queryable; log: Log }): Budget {
  const limitsByApp = createLimits({});
  const blocked = new Map<string, { untilMs: number; readAtMs: number }>();

  /** How long everybody must wait; times of the database's clock, spans of ours. */
  const blockedMs = async (appid: string): Promise<number> => {
    const known = blocked.get(appid);
    if (known !== undefined && monotonicMs() - known.readAtMs < blockedFreshMs)
      return known.untilMs - monotonicMs();
    const leftMs = await readBlockedMs(pool, appid).catch(() => 0);
    blocked.set(appid, { untilMs: monotonicMs() + leftMs, readAtMs: monotonicMs() });
    return leftMs;
  };
  const failed =
    <T>(appid: string, result: T) =>
    (error: unknown): T => {
      log.warn({ appid, err: messageOf(error) }, 'budget.postgres_failed');
      return result;
    };

  return {
    take: async ({ appid, kind, wanted }) => {
      const limits = limitsByApp.of(appid);
      const whole = Math.max(0, Math.floor(wanted));
      if (limits.kind === 'limited')
        return takeBudget(pool, { appid, kind, wanted: whole }, limits).catch(
          failed(appid, { granted: 0, retryAfterMs: goneRetryMs }),
        );
      const waitMs = await blockedMs(appid);
      return waitMs > 0
        ? { granted: 0, retryAfterMs: Math.ceil(waitMs) }
        : { granted: whole, retryAfterMs: 0 };
    },
    slowDown: async (appid, forMs) => {
      blocked.set(appid, { untilMs: monotonicMs() + forMs, readAtMs: monotonicMs() });
      await blockBudget(pool, appid, forMs).catch(failed(appid, undefined));
    },
    configure: limitsByApp.set,
  };
}
