import { describe, expect, it } from 'vitest';
import {
  adopt,
  barrenAllowed,
  decideCurrent,
  fetched,
  fetchFailed,
  freshTokenState,
  isNews,
  isUsable,
  storeChecked,
  checkStoreEveryMs,
  prove,
  refuse,
  backOffUntil,
  type TokenState,
} from '../../../src/wechat/token-decide.ts';

const nowMs = Date.parse('2026-11-23T10:00:00+08:00');
const random = () => 0;
const at = { nowMs, random };
const lifeMs = 7_200_000;
const marginMs = 300_000;
const stored = (value: string, endsInMs = lifeMs) => ({ value, expiresAt: new Date(nowMs + endsInMs) });
const took = (state: TokenState, value: string, own = true): TokenState =>
  adopt(state, { ...stored(value), own }, at);
const refused = (state: TokenState): TokenState => refuse(state, state.cached!, at)!;
const proven = (state: TokenState): TokenState => prove(state, state.cached!);
const backOffMs = ({ backOffUntilMs }: TokenState): number => Math.max(0, backOffUntilMs - nowMs);
const kindAt = (state: TokenState, ms: number): string => decideCurrent(state, nowMs + ms).kind;

describe('a caller that wants a token', () => {
  it('gets the one at hand until a younger one is due, and beside its errand until it ends', () => {
    const state = took(freshTokenState, 'a');
    expect(decideCurrent(state, nowMs)).toMatchObject({ kind: 'use', token: { value: 'a', generation: 1 } });
    expect(kindAt(state, lifeMs - marginMs - 1)).toBe('use');
    expect(kindAt(state, lifeMs - marginMs)).toBe('refresh');
    expect(kindAt(state, lifeMs - 1)).toBe('refresh');
    expect(kindAt(state, lifeMs)).toBe('obtain');
    expect(kindAt(freshTokenState, 0)).toBe('obtain');
  });

  it('gets the one at hand also while fetches back off, as long as it is good', () => {
    const state = { ...took(freshTokenState, 'a'), backOffUntilMs: nowMs + 2 * lifeMs };
    expect(kindAt(state, lifeMs - 1)).toBe('use');
    expect(kindAt(state, lifeMs)).toBe('check_store');
  });

  it('makes an instance that backs off ask the store, not more often than five times a second', () => {
    const state = backOffUntil(freshTokenState, nowMs + 1_000);
    expect(kindAt(state, 0)).toBe('check_store');
    expect(kindAt(storeChecked(state, nowMs), 0)).toBe('back_off');
    expect(kindAt(storeChecked(state, nowMs), checkStoreEveryMs - 1)).toBe('back_off');
    expect(kindAt(storeChecked(state, nowMs), checkStoreEveryMs)).toBe('check_store');
    expect(kindAt(storeChecked(state, nowMs), 999)).toBe('check_store');
    expect(kindAt(storeChecked(state, nowMs), 1_000)).toBe('obtain');
  });
});

describe('a stored token', () => {
  it('is usable until it ends, unless WeChat refused it', () => {
    expect(isUsable(freshTokenState, stored('a', 1), nowMs)).toBe(true);
    expect(isUsable(freshTokenState, stored('a', 0), nowMs)).toBe(false);
    expect(isUsable(refused(took(freshTokenState, 'a')), stored('a'), nowMs)).toBe(false);
    expect(isUsable(refused(took(freshTokenState, 'a')), stored('b'), nowMs)).toBe(true);
  });

  it('is news unless it is the one in use', () => {
    expect(isNews(freshTokenState, stored('a'), nowMs)).toBe(true);
    expect(isNews(took(freshTokenState, 'a'), stored('a'), nowMs)).toBe(false);
    expect(isNews(took(freshTokenState, 'a'), stored('b'), nowMs)).toBe(true);
    expect(isNews(took(freshTokenState, 'a'), stored('b', 0), nowMs)).toBe(false);
    expect(isNews(refused(took(freshTokenState, 'a')), stored('a'), nowMs)).toBe(false);
  });
});

describe('a token that is taken in use', () => {
  it('is a new generation, and the same one again is not', () => {
    const first = took(freshTokenState, 'a');
    expect(first.cached).toEqual({
      value: 'a',
      generation: 1,
      own: true,
      proven: false,
      expiresAtMs: nowMs + lifeMs,
      refreshAtMs: nowMs + lifeMs - marginMs,
    });
    const longer = adopt(proven(first), { ...stored('a', 2 * lifeMs), own: false, refreshAtMs: 7 }, at);
    expect(longer.cached).toEqual({
      ...proven(first).cached,
      expiresAtMs: nowMs + 2 * lifeMs,
      refreshAtMs: 7,
    });
    expect(took(first, 'b', false).cached).toMatchObject({ generation: 2, own: false, proven: false });
    expect(took(refused(first), 'a').cached).toMatchObject({ value: 'a', generation: 2 });
  });

  it('ends the back-off when it is another one, and does not when it is the same', () => {
    const backingOff = backOffUntil(took(freshTokenState, 'a'), nowMs + 9_000);
    expect(backOffMs(took(backingOff, 'a'))).toBe(9_000);
    expect(backOffMs(took(backingOff, 'b'))).toBe(0);
  });
});

describe('a refused token', () => {
  it('is dropped only while it is the one in use', () => {
    const state = took(freshTokenState, 'a');
    expect(refused(state)).toMatchObject({ cached: null, refused: 'a', generation: 1 });
    expect(refuse(state, { value: 'a', generation: 0 }, at)).toBeNull();
    expect(refuse(freshTokenState, { value: 'a', generation: 1 }, at)).toBeNull();
    const again = took(refused(state), 'a');
    expect(refuse(again, state.cached!, at), 'a late answer to its first use').toBeNull();
  });

  it('is followed by the next at once, however many die after a call got through', () => {
    let state = freshTokenState;
    for (let n = 0; n < 50; n++) {
      state = refused(proven(took(state, `token ${n}`)));
      expect(backOffMs(state)).toBe(0);
    }
  });

  it('is followed by a back-off when WeChat hands out the same one again: 1, 2, then 4 s', () => {
    let state = refused(took(freshTokenState, 'a', false));
    expect([state.repeats, backOffMs(state)]).toEqual([0, 0]);
    const rests = [1, 2, 3, 4].map(() => {
      state = refused(took(state, 'a', false));
      return backOffMs(state);
    });
    expect(rests).toEqual([1_000, 2_000, 4_000, 4_000]);
    expect(backOffMs(refused(took(state, 'b', false)))).toBe(0);
    expect(refused(took(state, 'b', false)).repeats).toBe(0);
  });

  it('is forgotten once a call gets through with it after all', () => {
    const twice = refused(took(refused(took(freshTokenState, 'a', false)), 'a', false));
    const back = proven(took(twice, 'a', false));
    expect(back).toMatchObject({ refused: null, repeats: 0, barren: 0 });
    expect(backOffMs(refused(back))).toBe(0);
  });

  it('of our own, the third in a row that let no call through, is followed by a back-off', () => {
    let state = freshTokenState;
    const rests = [1, 2, 3, 4, 5].map((n) => {
      state = refused(took(state, `token ${n}`));
      return backOffMs(state);
    });
    expect(barrenAllowed).toBe(2);
    expect(rests).toEqual([0, 0, 1_000, 2_000, 4_000]);
    expect(backOffMs(refused(proven(took(state, 'good'))))).toBe(0);
    expect(refused(proven(took(state, 'good'))).barren).toBe(0);
  });

  it('of another instance says nothing about those that we fetch', () => {
    const two = refused(took(refused(took(freshTokenState, 'a')), 'b'));
    expect(two.barren).toBe(2);
    const taken = refused(took(two, 'c', false));
    expect([taken.barren, backOffMs(taken)]).toEqual([2, 0]);
  });

  it('leaves a back-off alone that stands for another reason', () => {
    const backingOff = backOffUntil(took(freshTokenState, 'a'), nowMs + 9_000);
    expect(backOffMs(refused(backingOff))).toBe(9_000);
  });
});

describe('a call that got through', () => {
  it('proves the token in use, and not the one before', () => {
    const state = took(took(freshTokenState, 'a'), 'b');
    expect(prove(state, { value: 'a', generation: 1 })).toBe(state);
    expect(prove(freshTokenState, { value: 'a', generation: 1 })).toBe(freshTokenState);
    const once = proven(state);
    expect(once.cached?.proven).toBe(true);
    expect(proven(once)).toBe(once);
  });

  it('keeps in mind which other token was refused', () => {
    const state = proven(took(refused(took(freshTokenState, 'a')), 'b'));
    expect(isUsable(state, stored('a'), nowMs)).toBe(false);
  });
});

describe('a fetch that brought no token', () => {
  it('is followed by a back-off of seconds, of up to a minute after a plain no', () => {
    const rests = (plainNo: boolean): number[] => {
      let state = freshTokenState;
      return [1, 2, 3, 4, 5, 6, 7, 8].map(() => {
        state = fetchFailed(state, plainNo, at);
        return backOffMs(state);
      });
    };
    expect(rests(false)).toEqual([1, 2, 4, 4, 4, 4, 4, 4].map((seconds) => seconds * 1_000));
    expect(rests(true)).toEqual([1, 2, 4, 8, 16, 32, 60, 60].map((seconds) => seconds * 1_000));
  });

  it('is forgotten when one brings a token', () => {
    const state = fetchFailed(fetched(fetchFailed(freshTokenState, true, at)), true, at);
    expect([state.fetchFailures, backOffMs(state)]).toEqual([1, 1_000]);
  });
});
