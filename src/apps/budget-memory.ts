import type { Clock } from '../clock.ts';
import { decideGrant, freshBucket, shapeOf, type Bucket, type Rate, type Shape } from './budget.ts';

/** `read` has a share that writes cannot take from it; what reads leave, writes use. */
export type CallKind = 'write' | 'read';

/**
 * Calls that may be made now. In any window of one second no more are granted than `callsPerSecond`, over all
 * instances that share the budget; in steady use at least 97 % of them are.
 */
export type Budget = {
  /** Grants at most `wanted` at once and never waits; ask again after `retryAfterMs` for the rest. Never rejects. */
  take: (request: {
    appid: string;
    lane: CallKind;
    wanted: number;
  }) => Promise<{ granted: number; retryAfterMs: number }>;
  /** Nobody is granted anything for `forMs`: WeChat said 45011 or 44990. Never rejects. */
  slowDown: (appid: string, forMs: number) => Promise<void>;
  /** Sets the rate of one app; apps never configured are unlimited. Throws CONFIG_INVALID unless it is above 0. */
  configure: (appid: string, rate: Rate) => void;
};

export type { Rate } from './budget.ts';

export type BudgetOptions = {
  /** The part of the rate that reads are sure of, 0 to 0.5; 0.2 unless given. */
  readShare?: number;
};

export const defaultReadShare = 0.2;

/** A budget of this process alone. */
export function createMemoryBudget(options: BudgetOptions & { clock: Clock }): Budget {
  const shapes = createShapes(options);
  const buckets = new Map<string, Bucket>();
  const nowMs = (): number => options.clock().getTime();
  const bucketOf = (appid: string): Bucket => buckets.get(appid) ?? freshBucket;
  return {
    take: ({ appid, lane, wanted }) => {
      const request = { nowMs: nowMs(), lane, wanted };
      const { bucket, granted, retryAfterMs } = decideGrant(bucketOf(appid), request, shapes.of(appid));
      buckets.set(appid, bucket);
      return Promise.resolve({ granted, retryAfterMs });
    },
    slowDown: (appid, forMs) => {
      const bucket = bucketOf(appid);
      buckets.set(appid, { ...bucket, blockedUntilMs: Math.max(bucket.blockedUntilMs, nowMs() + forMs) });
      return Promise.resolve();
    },
    configure: shapes.set,
  };
}

export type Shapes = { of: (appid: string) => Shape; set: (appid: string, rate: Rate) => void };

/** The shape of each app's bucket. A rate that makes no bucket is refused when it is set, so that no `take` throws. */
export function createShapes({ readShare }: BudgetOptions): Shapes {
  const shapes = new Map<string, Shape>();
  return {
    of: (appid) => shapes.get(appid) ?? { kind: 'unlimited' },
    set: (appid, rate) => void shapes.set(appid, shapeOf(rate, readShare ?? defaultReadShare)),
  };
}
