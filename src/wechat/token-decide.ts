import type { StoredToken } from './token-store.ts';
import { backoffMs, longBackoffMs, refreshAtMs } from './token-timing.ts';

/** One use of a token: the same value handed out again is another generation. */
export type UsedToken = { value: string; generation: number };

export type CachedToken = UsedToken & {
  expiresAtMs: number;
  refreshAtMs: number;
  /** This process asked WeChat for it; the others came out of the shared store. */
  own: boolean;
  /** A call got through with it. */
  proven: boolean;
};

/** What one process knows about the tokens of one app. */
export type TokenState = {
  cached: CachedToken | null;
  generation: number;
  /** The value that WeChat refused last, until a call gets through with it after all. */
  refused: string | null;
  /** How often in a row that value was handed out again and refused again. */
  repeats: number;
  /** How many tokens of our own in a row died before a call got through. */
  barren: number;
  /** How many fetches in a row brought no token. */
  fetchFailures: number;
  /** No fetch before; a token of the shared store is taken all the same. */
  backOffUntilMs: number;
  /** While it backs off: no check of the shared store before. */
  checkStoreAtMs: number;
};

export const freshTokenState: TokenState = {
  cached: null,
  generation: 0,
  refused: null,
  repeats: 0,
  barren: 0,
  fetchFailures: 0,
  backOffUntilMs: 0,
  checkStoreAtMs: 0,
};

type At = { nowMs: number; random: () => number };

/** How often an instance that backs off checks the shared store. */
export const checkStoreEveryMs = 200;
/** So many of our own tokens in a row may die unused: in plain mode each fetch counts towards 2,000 a day. */
export const barrenAllowed = 2;

export type NextStep =
  | { kind: 'use'; token: CachedToken }
  /** The token is good, and a younger one is due. */
  | { kind: 'refresh'; token: CachedToken }
  | { kind: 'obtain' }
  | { kind: 'check_store' }
  | { kind: 'back_off' };

/** What to do for a caller that wants a token now. */
export function decideCurrent(
  { cached, backOffUntilMs, checkStoreAtMs }: TokenState,
  nowMs: number,
): NextStep {
  const backingOff = nowMs < backOffUntilMs;
  if (cached !== null && nowMs < cached.expiresAtMs)
    return { kind: backingOff || nowMs < cached.refreshAtMs ? 'use' : 'refresh', token: cached };
  if (!backingOff) return { kind: 'obtain' };
  return { kind: nowMs < checkStoreAtMs ? 'back_off' : 'check_store' };
}

/** A stored token that may be used: neither past its end nor the one that WeChat refused us. */
export const isUsable = ({ refused }: TokenState, stored: StoredToken, nowMs: number): boolean =>
  stored.value !== refused && stored.expiresAt.getTime() > nowMs;

/** A usable token that is not the one we use already. */
export const isNews = (state: TokenState, stored: StoredToken, nowMs: number): boolean =>
  isUsable(state, stored, nowMs) && stored.value !== state.cached?.value;

/** Takes a token in use. One that differs from the last ends the back-off: it is a new chance. */
export function adopt(
  state: TokenState,
  token: StoredToken & { own: boolean; refreshAtMs?: number },
  { nowMs, random }: At,
): TokenState & { cached: CachedToken } {
  const expiresAtMs = token.expiresAt.getTime();
  const refreshAt = token.refreshAtMs ?? refreshAtMs(nowMs, expiresAtMs, random);
  const { cached } = state;
  if (cached?.value === token.value)
    return { ...state, cached: { ...cached, expiresAtMs, refreshAtMs: refreshAt } };
  const generation = state.generation + 1;
  const { value, own } = token;
  return {
    ...state,
    generation,
    backOffUntilMs: 0,
    cached: { value, generation, own, proven: false, expiresAtMs, refreshAtMs: refreshAt },
  };
}

/**
 * WeChat refused a token. Null when it is not the one in use: then a newer one is there (T5). The next fetch may come
 * at once, unless WeChat hands out what it refused before, or nothing of ours lives long enough for one call.
 */
export function refuse(state: TokenState, used: UsedToken, { nowMs, random }: At): TokenState | null {
  const { cached } = state;
  if (cached?.generation !== used.generation) return null;
  const repeats = cached.value === state.refused ? state.repeats + 1 : 0;
  const barren = barrenAfter(state, cached);
  const count = Math.max(repeats, barren - barrenAllowed);
  return {
    ...state,
    cached: null,
    refused: cached.value,
    repeats,
    barren,
    backOffUntilMs: count > 0 ? nowMs + backoffMs(count, random) : state.backOffUntilMs,
  };
}

const barrenAfter = ({ barren }: TokenState, { own, proven }: CachedToken): number =>
  own && !proven ? barren + 1 : barren;

/** A call got through: what was held against this token and those before it is forgotten. */
export function prove(state: TokenState, used: UsedToken): TokenState {
  const { cached } = state;
  if (cached === null || cached.proven || cached.generation !== used.generation) return state;
  const refused = state.refused === cached.value ? null : state.refused;
  return { ...state, cached: { ...cached, proven: true }, refused, repeats: 0, barren: 0 };
}

/** WeChat handed out a token. */
export const fetched = (state: TokenState): TokenState => ({ ...state, fetchFailures: 0 });

/**
 * A fetch brought no token. A plain no of WeChat (a wrong secret, an address that is not listed) needs a person, so
 * the waits grow to a minute; whatever may pass by itself is tried again within seconds.
 */
export function fetchFailed(state: TokenState, plainNo: boolean, { nowMs, random }: At): TokenState {
  const fetchFailures = state.fetchFailures + 1;
  const backOffMs = plainNo ? longBackoffMs(fetchFailures, random) : backoffMs(fetchFailures, random);
  return { ...state, fetchFailures, backOffUntilMs: nowMs + backOffMs };
}

/** No fetch before `untilMs`, whatever happened before. */
export const backOffUntil = (state: TokenState, untilMs: number): TokenState => ({
  ...state,
  backOffUntilMs: untilMs,
});

/** The store was checked at `nowMs`. */
export const storeChecked = (state: TokenState, nowMs: number): TokenState => ({
  ...state,
  checkStoreAtMs: nowMs + checkStoreEveryMs,
});
