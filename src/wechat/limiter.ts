import type { Clock } from '../clock.ts';
import { decideGrant, freshBucket, returnGrant, shapeOf, type Bucket, type Rate } from './bucket.ts';

/** `read` has a share that writes cannot take from it; what reads leave, writes use. */
export type Lane = 'write' | 'read';

/**
 * Calls that may be made now. In any window of one second no more are granted than `callsPerSecond`, over all
 * instances that share the budget; in steady use at least 97 % of them are.
 */
export type Budget = {
  /** Grants at most `wanted` at once and never waits; ask again after `retryAfterMs` for the rest. Never rejects. */
  take: (request: {
    appid: string;
    lane: Lane;
    wanted: number;
  }) => Promise<{ granted: number; retryAfterMs: number }>;
  /** Returns grants that were not used, `heldMs` after they were taken; the later, the fewer count. Never rejects. */
  giveBack: (request: { appid: string; lane: Lane; count: number; heldMs: number }) => Promise<void>;
  /** Nobody is granted anything for `forMs`: WeChat said 45011 or 44990. Never rejects. */
  slowDown: (appid: string, forMs: number) => Promise<void>;
  /** Sets the rate of one app; apps never configured are unlimited. */
  configure: (appid: string, rate: Rate) => void;
};

export type { Rate } from './bucket.ts';

export type BudgetOptions = {
  /** The part of the rate that reads are sure of, 0 to 0.5; 0.2 unless given. */
  readShare?: number;
};

export const defaultReadShare = 0.2;

/** A budget of this process alone. */
export function createLocalBudget(options: BudgetOptions & { clock: Clock }): Budget {
  const rates = new Map<string, Rate>();
  const buckets = new Map<string, Bucket>();
  const readShare = options.readShare ?? defaultReadShare;
  const nowMs = (): number => options.clock().getTime();
  const bucketOf = (appid: string): Bucket => buckets.get(appid) ?? freshBucket;
  return {
    take: ({ appid, lane, wanted }) => {
      const shape = shapeOf(rates.get(appid) ?? 'unlimited', readShare);
      const { bucket, granted, retryAfterMs } = decideGrant(
        bucketOf(appid),
        { nowMs: nowMs(), lane, wanted },
        shape,
      );
      buckets.set(appid, bucket);
      return Promise.resolve({ granted, retryAfterMs });
    },
    giveBack: ({ appid, ...returned }) => {
      const shape = shapeOf(rates.get(appid) ?? 'unlimited', readShare);
      buckets.set(appid, returnGrant(bucketOf(appid), returned, shape));
      return Promise.resolve();
    },
    slowDown: (appid, forMs) => {
      const bucket = bucketOf(appid);
      buckets.set(appid, { ...bucket, blockedUntilMs: Math.max(bucket.blockedUntilMs, nowMs() + forMs) });
      return Promise.resolve();
    },
    configure: (appid, rate) => void rates.set(appid, rate),
  };
}
