import { inTransaction, type Pool } from '../../db/client.ts';
import { monotonicMs } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import {
  decideGrant,
  freshBucket,
  returnGrant,
  shapeOf,
  type Bucket,
  type Rate,
  type Shape,
} from '../wechat/bucket.ts';
import { defaultReadShare, type Budget } from '../wechat/limiter.ts';
import { lockBucket, readBucket, saveBucket } from './budget-store.ts';

/** What a caller waits when Postgres does not answer: nothing is granted, so the budget is never overdrawn. */
const goneRetryMs = 500;
/** An app without a rate asks the table only whether everybody was told to slow down, this often. */
const blockedFreshMs = 1_000;

/**
 * One budget an app over all instances of a database: the bucket of bucket.ts, changed under its row's lock by the
 * database's clock. For deployments without Redis.
 */
export function createPostgresBudget({ pool, log }: { pool: Pool; log: Log }): Budget {
  const rates = new Map<string, Rate>();
  const blocked = new Map<string, { untilMs: number; readAtMs: number }>();
  const shapeFor = (appid: string): Shape => shapeOf(rates.get(appid) ?? 'unlimited', defaultReadShare);

  const change = <T>(
    appid: string,
    decide: (bucket: Bucket, nowMs: number) => { bucket: Bucket; result: T },
  ): Promise<T | null> =>
    inTransaction(pool, async (tx) => {
      const { bucket, nowMs } = await lockBucket(tx, appid, freshBucket);
      const decided = decide(bucket, nowMs);
      await saveBucket(tx, appid, decided.bucket);
      return decided.result;
    }).catch((error: unknown) => {
      log.warn({ appid, err: messageOf(error) }, 'budget.postgres_failed');
      return null;
    });

  /** How long everybody was told to wait; times of the database's clock, spans of ours. */
  const blockedMs = async (appid: string): Promise<number> => {
    const known = blocked.get(appid);
    if (known !== undefined && monotonicMs() - known.readAtMs < blockedFreshMs)
      return known.untilMs - monotonicMs();
    const stored = await readBucket(pool, appid).catch(() => null);
    const leftMs = stored === null ? 0 : stored.bucket.blockedUntilMs - stored.nowMs;
    blocked.set(appid, { untilMs: monotonicMs() + leftMs, readAtMs: monotonicMs() });
    return leftMs;
  };

  return {
    take: async ({ appid, lane, wanted }) => {
      const shape = shapeFor(appid);
      if (shape.kind === 'unlimited') {
        const waitMs = await blockedMs(appid);
        return waitMs > 0
          ? { granted: 0, retryAfterMs: Math.ceil(waitMs) }
          : { granted: wanted, retryAfterMs: 0 };
      }
      const grant = await change(appid, (before, nowMs) => {
        const { bucket, granted, retryAfterMs } = decideGrant(before, { nowMs, lane, wanted }, shape);
        return { bucket, result: { granted, retryAfterMs } };
      });
      return grant ?? { granted: 0, retryAfterMs: goneRetryMs };
    },
    giveBack: async ({ appid, ...returned }) => {
      const shape = shapeFor(appid);
      if (shape.kind === 'limited')
        await change(appid, (bucket) => ({
          bucket: returnGrant(bucket, returned, shape),
          result: null,
        }));
    },
    slowDown: async (appid, forMs) => {
      blocked.set(appid, { untilMs: monotonicMs() + forMs, readAtMs: monotonicMs() });
      await change(appid, (bucket, nowMs) => ({
        bucket: { ...bucket, blockedUntilMs: Math.max(bucket.blockedUntilMs, nowMs + forMs) },
        result: null,
      }));
    },
    configure: (appid, rate) => void rates.set(appid, rate),
  };
}
