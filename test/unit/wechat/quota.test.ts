import { describe, expect, it } from 'vitest';
import { notSentAnswer, readReply } from '../../../src/wechat/answer.ts';
import type { QuotaResult } from '../../../src/wechat/client.ts';
import { askAgainMs, earlyDayMs, leftOf, quotaPauseMs, rateOf } from '../../../src/wechat/quota.ts';

const { answer } = readReply(200, '{"errcode":0}', 1, []);
const least = () => 0;
const most = () => 0.999_999_999;
const [minuteMs, hourMs] = [60_000, 3_600_000];
const told = (rateLimit: { callCount: number; refreshSecond: number } | null, remain = 5): QuotaResult => ({
  kind: 'quota',
  dailyLimit: 10,
  used: 5,
  remain,
  rateLimit,
  answer,
});
const failed = (change: object = {}): QuotaResult => ({
  kind: 'failed',
  outcome: { kind: 'unknown', reason: 'x' },
  answer: { ...answer, ...change },
});

describe('the rate that WeChat tells', () => {
  it.each([
    [600_000, 60, 10_000],
    [100, 1, 100],
    [1, 100, 0.01],
    [100_000, 1, 100_000],
  ])('of %d calls in %d s is %d a second', (callCount, refreshSecond, rate) => {
    expect(rateOf(told({ callCount, refreshSecond }))).toBe(rate);
  });

  it.each([
    [0, 60],
    [60, 0],
    [0, 0],
    [-60, 60],
    [60, -60],
    [-60, -60],
    [Number.NaN, 60],
    [60, Number.NaN],
    [Infinity, 60],
    [60, Infinity],
    [1, 101],
    [100_001, 1],
    [1e-300, 1],
    [1e300, 1e-300],
  ])('of %d calls in %d s is no rate, and throws nothing', (callCount, refreshSecond) => {
    expect(rateOf(told({ callCount, refreshSecond }))).toBeNull();
  });

  it('is unknown where the answer has none, or there is no answer', () => {
    expect(rateOf(told(null))).toBeNull();
    expect(rateOf(failed())).toBeNull();
  });
});

describe('the question for it', () => {
  it('comes again hourly after an answer, and after 1 s doubling to five minutes without', () => {
    const seconds = [0, 1, 2, 3, 8, 9, 10, 500].map((failures) => askAgainMs(failures, least) / 1_000);
    expect(seconds).toEqual([3600, 1, 2, 4, 128, 256, 300, 300]);
    expect(askAgainMs(0, most)).toBeCloseTo(0.75 * hourMs, 0);
    expect(askAgainMs(1, most)).toBeCloseTo(750, 0);
  });
});

describe('what is left of the day', () => {
  it('is the remain of the answer, no answer, or not asked when nothing was sent', () => {
    expect(leftOf(told(null, 7))).toEqual({ kind: 'left', calls: 7 });
    expect(leftOf(failed())).toEqual({ kind: 'no_answer' });
    expect(leftOf(failed({ notSent: false }))).toEqual({ kind: 'no_answer' });
    expect(leftOf({ ...failed(), answer: notSentAnswer('refused', 0) })).toEqual({
      kind: 'not_asked',
    });
  });
});

describe('the pause after 45009', () => {
  const midnightMs = Date.parse('2026-11-24T00:00:00+08:00');
  const noonMs = midnightMs - 12 * hourMs;
  const at = (nowMs: number, random = least) => ({ nowMs, random });
  const none = { kind: 'left', calls: 0 } as const;

  it('is a minute while calls are left', () => {
    expect(quotaPauseMs({ kind: 'left', calls: 1 }, at(noonMs))).toBe(minuteMs);
    expect(quotaPauseMs({ kind: 'left', calls: 1 }, at(midnightMs - 1, most))).toBe(minuteMs);
  });

  it('is until some seconds after midnight in Beijing, each instance at its own, when none are left', () => {
    expect(quotaPauseMs(none, at(noonMs))).toBe(12 * hourMs + 5_000);
    expect(quotaPauseMs(none, at(noonMs, most))).toBeCloseTo(12 * hourMs + 65_000, 0);
    expect(quotaPauseMs({ kind: 'left', calls: -3 }, at(noonMs))).toBe(12 * hourMs + 5_000);
    expect(quotaPauseMs(none, at(midnightMs - 1))).toBe(5_001);
  });

  it.each([0, 300, earlyDayMs - 1])(
    'is a minute %d ms after midnight: a clock that is ahead must not cost a day',
    (sinceMs) => {
      expect(quotaPauseMs(none, at(midnightMs + sinceMs))).toBe(minuteMs);
      expect(quotaPauseMs({ kind: 'no_answer' }, at(midnightMs + sinceMs))).toBe(minuteMs);
    },
  );

  it('is until the next midnight from a quarter past on', () => {
    expect(quotaPauseMs(none, at(midnightMs + earlyDayMs))).toBe(24 * hourMs - earlyDayMs + 5_000);
  });

  it('is an hour at most when WeChat does not say what is left, and a minute when it could not be asked', () => {
    expect(quotaPauseMs({ kind: 'no_answer' }, at(noonMs))).toBe(hourMs);
    expect(quotaPauseMs({ kind: 'no_answer' }, at(midnightMs - 1_000))).toBe(6_000);
    expect(quotaPauseMs({ kind: 'not_asked' }, at(noonMs))).toBe(minuteMs);
  });
});
