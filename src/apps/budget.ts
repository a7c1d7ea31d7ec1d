import { FahuoError } from '../errors.ts';

export type Rate = { callsPerSecond: number } | 'unlimited';

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

export type BudgetOptions = {
  /** The part of the rate that reads are sure of, 0 to 0.5; 0.2 unless given. */
  readShare?: number;
};

export const defaultReadShare = 0.2;

/** A token bucket and the standing of reads in it. All times in milliseconds of one clock. */
export type BudgetState = {
  /** Calls that may be granted at `atMs`. */
  level: number;
  atMs: number;
  /** How many calls reads may still claim before writes; grows by the read share. */
  readCredit: number;
  /** What a read was refused and writes must leave, until `claimUntilMs`. */
  readClaim: number;
  claimUntilMs: number;
  blockedUntilMs: number;
};

/** A rate, as what the budget may grant. */
export type BudgetLimits =
  | { kind: 'unlimited' }
  | { kind: 'limited'; perMs: number; capacity: number; readPerMs: number; readCapacity: number };

export const freshBudget: BudgetState = {
  level: 0,
  atMs: 0,
  readCredit: 0,
  readClaim: 0,
  claimUntilMs: 0,
  blockedUntilMs: 0,
};

/** A claim of reads that nobody comes back for frees itself after this. */
export const claimLifeMs = 250;

/**
 * In a half-open window of one second a budget grants fewer than capacity + refill, so with whole calls
 * `capacity + refill <= floor(rate) + 1` keeps every window at or below the rate. The capacity is one call and 1 % of
 * the rate, the refill 98.5 % of it. Below one call a second the spacing of the calls is kept instead.
 */
export function limitsOf(rate: Rate, readShare: number): BudgetLimits {
  if (rate === 'unlimited') return { kind: 'unlimited' };
  const { callsPerSecond } = rate;
  if (!(callsPerSecond > 0))
    throw new FahuoError('CONFIG_INVALID', `a rate of ${callsPerSecond} calls per second`);
  const capacity = callsPerSecond < 1 ? 1 : 1 + callsPerSecond / 100;
  const ceiling = callsPerSecond < 1 ? 1 : Math.floor(callsPerSecond) + 1 - capacity;
  const refill = Math.min(0.985 * callsPerSecond, ceiling);
  const share = Math.min(0.5, Math.max(0, readShare));
  // Half a second of the read share may be saved up: a burst of reads goes first, a flood of them does not.
  const readCapacity = share === 0 ? 0 : Math.max(1, (share * refill) / 2);
  return {
    kind: 'limited',
    perMs: refill / 1000,
    capacity,
    readPerMs: (share * refill) / 1000,
    readCapacity,
  };
}

/** `read` has a share that writes cannot take from it; what reads leave, writes use. */
export type CallKind = 'write' | 'read';

export type GrantRequest = { nowMs: number; kind: CallKind; wanted: number };
export type Grant = { state: BudgetState; granted: number; retryAfterMs: number };

/**
 * Decides one request. A read that gets less than it wants leaves a claim, as far as its credit goes, which writes
 * step around; a read without credit competes like a write. Pure; budget-redis.ts holds the same steps in Lua,
 * db/functions/take_budget.sql in SQL.
 */
export function decideGrant(before: BudgetState, request: GrantRequest, limits: BudgetLimits): Grant {
  const { nowMs, kind } = request;
  const wanted = Math.max(0, Math.floor(request.wanted));
  if (nowMs < before.blockedUntilMs) {
    return { state: before, granted: 0, retryAfterMs: Math.ceil(before.blockedUntilMs - nowMs) };
  }
  if (limits.kind === 'unlimited') return { state: before, granted: wanted, retryAfterMs: 0 };
  const state = refilled(before, nowMs, limits);
  const kept = kind === 'write' ? state.readClaim : 0;
  const granted = Math.max(0, Math.min(wanted, Math.floor(state.level - kept)));
  const retryAfterMs =
    granted === wanted ? 0 : waitMs(state.level - granted - kept, wanted - granted, limits);
  const left = { ...state, level: state.level - granted };
  const after =
    kind === 'write' ? left : afterRead(left, { nowMs, granted, missing: wanted - granted, retryAfterMs });
  return { state: after, granted, retryAfterMs };
}

type Limited = Extract<BudgetLimits, { kind: 'limited' }>;

/** A clock that steps back refills nothing. A budget that was never used starts with one call and full read credit. */
function refilled(state: BudgetState, nowMs: number, limits: Limited): BudgetState {
  const claimed = nowMs < state.claimUntilMs ? state.readClaim : 0;
  if (state.atMs === 0)
    return { ...state, level: 1, atMs: nowMs, readCredit: limits.readCapacity, readClaim: 0 };
  const passedMs = Math.max(0, nowMs - state.atMs);
  return {
    ...state,
    level: Math.min(limits.capacity, state.level + passedMs * limits.perMs),
    atMs: Math.max(nowMs, state.atMs),
    readCredit: Math.min(limits.readCapacity, state.readCredit + passedMs * limits.readPerMs),
    readClaim: claimed,
  };
}

type ReadOutcome = { nowMs: number; granted: number; missing: number; retryAfterMs: number };

/** A claim outlives the wait that the read was given, so that writes leave it what it comes back for. */
function afterRead(state: BudgetState, read: ReadOutcome): BudgetState {
  const readCredit = Math.max(0, state.readCredit - read.granted);
  const wished = Math.max(read.missing, state.readClaim - read.granted);
  const readClaim = Math.min(wished, Math.floor(readCredit));
  const claimUntilMs = read.missing > 0 ? read.nowMs + read.retryAfterMs + claimLifeMs : state.claimUntilMs;
  return { ...state, readCredit, readClaim, claimUntilMs };
}

/** Until half a budget, or what is missing if that is less, can be granted. */
function waitMs(free: number, missing: number, limits: Limited): number {
  const target = Math.max(1, Math.min(missing, Math.floor(limits.capacity / 2)));
  return Math.max(1, Math.ceil((target - free) / limits.perMs));
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
