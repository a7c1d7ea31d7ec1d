import type { Clock } from '../clock.ts';
import {
  decideGrant,
  freshBudget,
  limitsOf,
  type BudgetLimits,
  type BudgetState,
  type CallKind,
  type Rate,
} from './budget.ts';

/**
 * Calls that may be made now. In any window of one second no more are granted than `callsPerSecond`, over all
 * instances that share the budget; in steady use at least 97 % of them are.
 */
export type Budget = {
  /** Grants at most `wanted` at once and never waits; ask again after `retryAfterMs` for the rest. Never rejects. */
  take: (request: {
    appid: string;
    kind: CallKind;
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
  const limitsByApp = createLimits(options);
  const states = new Map<string, BudgetState>();
  const nowMs = (): number => options.clock().getTime();
  const stateOf = (appid: string): BudgetState => states.get(appid) ?? freshBudget;
  return {
    take: ({ appid, kind, wanted }) => {
      const request = { nowMs: nowMs(), kind, wanted };
      const { state, granted, retryAfterMs } = decideGrant(stateOf(appid), request, limitsByApp.of(appid));
      states.set(appid, state);
      return Promise.resolve({ granted, retryAfterMs });
    },
    slowDown: (appid, forMs) => {
      const state = stateOf(appid);
      states.set(appid, { ...state, blockedUntilMs: Math.max(state.blockedUntilMs, nowMs() + forMs) });
      return Promise.resolve();
    },
    configure: limitsByApp.set,
  };
}

export type LimitsByApp = { of: (appid: string) => BudgetLimits; set: (appid: string, rate: Rate) => void };

/** What each app's budget may grant. A rate that makes no budget is refused when it is set, so that no `take` throws. */
export function createLimits({ readShare }: BudgetOptions): LimitsByApp {
  const limitsByApp = new Map<string, BudgetLimits>();
  return {
    of: (appid) => limitsByApp.get(appid) ?? { kind: 'unlimited' },
    set: (appid, rate) => void limitsByApp.set(appid, limitsOf(rate, readShare ?? defaultReadShare)),
  };
}
