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
  restUntilMs: number;
  /** While it rests: no look into the shared store before. */
  lookAtMs: number;
};

export const freshTokenState: TokenState = {
  cached: null,
  generation: 0,
  refused: null,
  repeats: 0,
  barren: 0,
  fetchFailures: 0,
  restUntilMs: 0,
  lookAtMs: 0,
};

type At = { nowMs: number; random: () => number };

/** How often an instance that rests looks into the shared store. */
export const lookEveryMs = 200;
/** So many of our own tokens in a row may die unused: in plain mode each fetch counts towards 2,000 a day. */
export const barrenAllowed = 2;

export type NextStep =
  | { kind: 'use'; token: CachedToken }
  /** The token is good, and a younger one is due. */
  | { kind: 'refresh'; token: CachedToken }
  | { kind: 'obtain' }
  | { kind: 'look' }
  | { kind: 'rest' };

/** What to do for a caller that wants a token now. */
export function decideCurrent({ cached, restUntilMs, lookAtMs }: TokenState, nowMs: number): NextStep {
  const resting = nowMs < restUntilMs;
  if (cached !== null && nowMs < cached.expiresAtMs)
    return { kind: resting || nowMs < cached.refreshAtMs ? 'use' : 'refresh', token: cached };
  if (!resting) return { kind: 'obtain' };
  return { kind: nowMs < lookAtMs ? 'rest' : 'look' };
}

/** A stored token that may be used: neither past its end nor the one that WeChat refused us. */
export const isUsable = ({ refused }: TokenState, stored: StoredToken, nowMs: number): boolean =>
  stored.value !== refused && stored.expiresAt.getTime() > nowMs;

/** A usable token that is not the one we use already. */
export const isNews = (state: TokenState, stored: StoredToken, nowMs: number): boolean =>
  isUsable(state, stored, nowMs) && stored.value !== state.cached?.value;

/** Takes a token in use. One that differs from the last ends the rest: it is a new chance. */
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
    restUntilMs: 0,
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
    restUntilMs: count > 0 ? nowMs + backoffMs(count, random) : state.restUntilMs,
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
 * the rests grow to a minute; whatever may pass by itself is tried again within seconds.
 */
export function fetchFailed(state: TokenState, plainNo: boolean, { nowMs, random }: At): TokenState {
  const fetchFailures = state.fetchFailures + 1;
  const restMs = plainNo ? longBackoffMs(fetchFailures, random) : backoffMs(fetchFailures, random);
  return { ...state, fetchFailures, restUntilMs: nowMs + restMs };
}

/** No fetch before `untilMs`, whatever happened before. */
export const restUntil = (state: TokenState, untilMs: number): TokenState => ({
  ...state,
  restUntilMs: untilMs,
});

/** A look into the store was made at `nowMs`. */
export const looked = (state: TokenState, nowMs: number): TokenState => ({
  ...state,
  lookAtMs: nowMs + lookEveryMs,
});
