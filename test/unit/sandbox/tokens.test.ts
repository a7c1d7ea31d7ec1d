import { describe, expect, it } from 'vitest';
import { Tokens, type TokenAnswer } from '../../../src/sandbox/tokens.ts';

const minuteMs = 60_000;
const lifeMs = 120 * minuteMs;
const overlapMs = 5 * minuteMs;
const startMs = Date.parse('2026-11-23T10:00:00+08:00');
const appid = 'wx0123456789abcdef';

function createTokens(plainPerDay = 2000): Tokens {
  let minted = 0;
  return new Tokens({ lifeMs, overlapMs, plainPerDay }, () => String((minted += 1)));
}
const valueOf = (answer: TokenAnswer): string =>
  answer.kind === 'token' ? answer.value : `refused ${answer.errcode}`;
const refused = (errcode: number) => ({ kind: 'refused', errcode });
const good = { kind: 'app', appid };

describe('stable_token', () => {
  it('gives the same token until its last five minutes, then another', () => {
    const tokens = createTokens();
    const first = valueOf(tokens.stable(appid, false, startMs));
    expect(valueOf(tokens.stable(appid, false, startMs + lifeMs - overlapMs - 1))).toBe(first);
    expect(valueOf(tokens.stable(appid, false, startMs + lifeMs - overlapMs))).not.toBe(first);
  });

  it('says how long the token is still good: at most its life, and never less than the overlap', () => {
    const tokens = createTokens();
    const secondsAt = (ms: number) => tokens.stable(appid, false, startMs + ms);
    expect(secondsAt(0)).toMatchObject({ expiresInSeconds: 7200 });
    expect(secondsAt(minuteMs + 1)).toMatchObject({ expiresInSeconds: 7139 });
    expect(secondsAt(lifeMs - overlapMs - 1)).toMatchObject({ expiresInSeconds: 300 });
    expect(secondsAt(lifeMs - overlapMs)).toMatchObject({ expiresInSeconds: 7200 });
  });

  it('lets old and new be good side by side until the old one ends', () => {
    const tokens = createTokens();
    const old = valueOf(tokens.stable(appid, false, startMs));
    const next = valueOf(tokens.stable(appid, false, startMs + lifeMs - minuteMs));
    expect(tokens.check(old, startMs + lifeMs - 1)).toEqual(good);
    expect(tokens.check(old, startMs + lifeMs)).toEqual(refused(42001));
    expect(tokens.check(next, startMs + lifeMs)).toEqual(good);
  });

  it('forced, retires the last token at once', () => {
    const tokens = createTokens();
    const leaked = valueOf(tokens.stable(appid, false, startMs));
    const fresh = valueOf(tokens.stable(appid, true, startMs + 1));
    expect(tokens.check(leaked, startMs + 1)).toEqual(refused(42001));
    expect(tokens.check(fresh, startMs + 1)).toEqual(good);
  });

  it('forced within 30 seconds of the last time, refreshes nothing', () => {
    const tokens = createTokens();
    const forcedAt = (ms: number) => valueOf(tokens.stable(appid, true, startMs + ms));
    const first = forcedAt(0);
    expect(forcedAt(29_999)).toBe(first);
    expect(forcedAt(30_000)).not.toBe(first);
  });

  it('forced within 30 seconds over midnight refreshes nothing either, and the first time it always does', () => {
    const tokens = createTokens();
    const midnightMs = Date.parse('2026-11-24T00:00:00+08:00');
    const before = valueOf(tokens.stable(appid, true, midnightMs - 10_000));
    expect(valueOf(tokens.stable(appid, true, midnightMs + 19_999))).toBe(before);
    expect(valueOf(tokens.stable(appid, true, midnightMs + 20_000))).not.toBe(before);
    const early = createTokens();
    const first = valueOf(early.stable(appid, false, 0));
    expect(valueOf(early.stable(appid, true, 1))).not.toBe(first);
  });

  it('can be forced twenty times a day as Beijing counts, and again after midnight', () => {
    const tokens = createTokens();
    const values = Array.from({ length: 22 }, (_, at) =>
      valueOf(tokens.stable(appid, true, startMs + at * 30_000)),
    );
    expect(new Set(values).size).toBe(20);
    expect(new Set(values.slice(19)).size).toBe(1);
    const midnightMs = Date.parse('2026-11-24T00:00:00+08:00');
    const last = valueOf(tokens.stable(appid, false, midnightMs - 1));
    expect(valueOf(tokens.stable(appid, true, midnightMs - 1))).toBe(last);
    expect(valueOf(tokens.stable(appid, true, midnightMs))).not.toBe(last);
  });
});

describe('token', () => {
  it('mints at every call and leaves the one before five minutes', () => {
    const tokens = createTokens();
    const first = valueOf(tokens.plain(appid, startMs));
    const second = valueOf(tokens.plain(appid, startMs + minuteMs));
    expect(second).not.toBe(first);
    expect(tokens.check(first, startMs + minuteMs + overlapMs - 1)).toEqual(good);
    expect(tokens.check(first, startMs + minuteMs + overlapMs)).toEqual(refused(42001));
    expect(tokens.check(second, startMs + minuteMs + overlapMs)).toEqual(good);
  });

  it('never makes the one before last longer than it was', () => {
    const tokens = createTokens();
    const first = valueOf(tokens.plain(appid, startMs));
    tokens.plain(appid, startMs + lifeMs - minuteMs);
    expect(tokens.check(first, startMs + lifeMs)).toEqual(refused(42001));
  });

  it('is refused with 45009 when the day’s quota is used up, until midnight in Beijing', () => {
    const tokens = createTokens(3);
    const askAt = (ms: number) => tokens.plain(appid, ms).kind;
    const midnightMs = Date.parse('2026-11-24T00:00:00+08:00');
    expect([1, 2, 3].map(() => askAt(startMs))).toEqual(['token', 'token', 'token']);
    expect(tokens.plain(appid, midnightMs - 1)).toEqual(refused(45009));
    expect(askAt(midnightMs)).toBe('token');
  });

  it('does not retire a token when it is refused', () => {
    const tokens = createTokens(1);
    const only = valueOf(tokens.plain(appid, startMs));
    tokens.plain(appid, startMs + 1);
    expect(tokens.check(only, startMs + overlapMs + 2)).toEqual(good);
  });
});

describe('tokens', () => {
  it('of the two interfaces never touch one another', () => {
    const tokens = createTokens(2);
    const stable = valueOf(tokens.stable(appid, false, startMs));
    const plain = valueOf(tokens.plain(appid, startMs));
    tokens.stable(appid, true, startMs + minuteMs);
    tokens.plain(appid, startMs + minuteMs);
    expect(tokens.check(plain, startMs + minuteMs)).toEqual(good);
    expect(stable).not.toBe(plain);
    expect(tokens.fetches()).toEqual({ [`${appid}/stable`]: 2, [`${appid}/plain`]: 2 });
  });

  it('belong to the app that fetched them', () => {
    const tokens = createTokens(1);
    const other = valueOf(tokens.stable('wx-other', false, startMs));
    expect(tokens.check(other, startMs)).toEqual({ kind: 'app', appid: 'wx-other' });
    expect(valueOf(tokens.stable(appid, false, startMs))).not.toBe(other);
    tokens.plain('wx-other', startMs);
    expect(tokens.plain(appid, startMs).kind).toBe('token');
  });

  it.each([
    ['none', undefined, 41001],
    ['an empty one', '', 41001],
    ['a garbled one', 'garbled', 40014],
    ['one that is not known any more', 'sandbox_unknown', 40001],
  ])('are judged: %s answers its own code', (_claim, value, errcode) => {
    expect(createTokens().check(value, startMs)).toEqual(refused(errcode));
  });

  it('that another system ended are refused one by one, and the next fetch mints', () => {
    const tokens = createTokens();
    const [mine, other] = [appid, 'wx-other'].map((app) => valueOf(tokens.stable(app, false, startMs)));
    tokens.expire(undefined);
    tokens.expire('sandbox_unknown');
    expect(tokens.check(mine, startMs)).toEqual(good);
    tokens.expire(mine);
    expect(tokens.check(mine, startMs)).toEqual(refused(40001));
    expect(tokens.check(other, startMs)).toEqual({ kind: 'app', appid: 'wx-other' });
    expect(valueOf(tokens.stable(appid, false, startMs))).not.toBe(mine);
    expect(valueOf(tokens.stable('wx-other', false, startMs))).toBe(other);
  });

  it('that are all ended answer 40001, and the next fetch mints', () => {
    const tokens = createTokens();
    const stable = valueOf(tokens.stable(appid, false, startMs));
    const plain = valueOf(tokens.plain(appid, startMs));
    tokens.expireAll();
    expect([stable, plain].map((value) => tokens.check(value, startMs))).toEqual([
      refused(40001),
      refused(40001),
    ]);
    const next = valueOf(tokens.stable(appid, false, startMs));
    expect(tokens.check(next, startMs)).toEqual(good);
    expect(next).not.toBe(stable);
  });
});
