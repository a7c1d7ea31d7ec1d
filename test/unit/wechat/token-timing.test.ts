import { describe, expect, it } from 'vitest';
import { backoffMs, beijingDay, longBackoffMs, refreshAtMs } from '../../../src/wechat/token-timing.ts';
import { createRandom } from '../../support/random.ts';

const minuteMs = 60_000;
const nowMs = Date.parse('2026-11-23T10:00:00+08:00');
const least = () => 0;
const most = () => 0.999_999_999;

describe('the refresh of a token', () => {
  it('comes five minutes before the end, or up to a minute later', () => {
    const expiresAtMs = nowMs + 120 * minuteMs;
    expect(refreshAtMs(nowMs, expiresAtMs, least)).toBe(expiresAtMs - 5 * minuteMs);
    expect(refreshAtMs(nowMs, expiresAtMs, most)).toBeCloseTo(expiresAtMs - 4 * minuteMs, -1);
  });

  it('of a token with less than ten minutes comes half way through what is left', () => {
    expect(refreshAtMs(nowMs, nowMs + 10 * minuteMs, least)).toBe(nowMs + 5 * minuteMs);
    expect(refreshAtMs(nowMs, nowMs + 6 * minuteMs, least)).toBe(nowMs + 3 * minuteMs);
    expect(refreshAtMs(nowMs, nowMs + 1000, least)).toBe(nowMs + 500);
  });

  it('is never before WeChat would give another token, and always before the end', () => {
    const random = createRandom(2);
    for (let round = 0; round < 1000; round++) {
      const expiresAtMs = nowMs + 1 + Math.floor(random() * 7_200_000);
      const at = refreshAtMs(nowMs, expiresAtMs, random);
      expect(at).toBeGreaterThanOrEqual(expiresAtMs - 5 * minuteMs);
      expect(at).toBeGreaterThan(nowMs);
      expect(at).toBeLessThan(expiresAtMs);
    }
  });

  it('of a token that has ended is due at once', () => {
    expect(refreshAtMs(nowMs, nowMs, most)).toBeLessThanOrEqual(nowMs);
    expect(refreshAtMs(nowMs, nowMs - minuteMs, most)).toBeLessThanOrEqual(nowMs);
  });
});

describe('the wait after failures in a row', () => {
  it('doubles from a second to four, or to a minute where a person is needed, and stays there', () => {
    const waits = [1, 2, 3, 4, 2000].map((count) => backoffMs(count, least));
    expect(waits).toEqual([1000, 2000, 4000, 4000, 4000]);
    const long = [1, 2, 3, 4, 5, 6, 7, 8, 2000].map((count) => longBackoffMs(count, least));
    expect(long).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60].map((seconds) => seconds * 1000));
  });

  it('is shortened by jitter by no more than a quarter', () => {
    expect(backoffMs(3, most)).toBeCloseTo(3000, 3);
    expect(longBackoffMs(99, most)).toBeCloseTo(45_000, 3);
  });
});

describe('the day of the token quota', () => {
  it.each([
    ['2026-11-23T15:59:59.999Z', '2026-11-23'],
    ['2026-11-23T16:00:00.000Z', '2026-11-24'],
    ['2026-12-31T16:00:00.000Z', '2027-01-01'],
  ])('at %s is %s, as Beijing counts', (instant, day) => {
    expect(beijingDay(new Date(instant))).toBe(day);
  });
});
