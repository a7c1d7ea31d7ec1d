import type { Clock } from '../clock.ts';
import {
  createLimits,
  decideGrant,
  freshBudget,
  type Budget,
  type BudgetOptions,
  type BudgetState,
} from './budget.ts';

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
