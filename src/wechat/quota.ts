import type { QuotaResult } from './client.ts';
import { beijingMidnightAfter } from './outcome.ts';

/** What `quota/get` may say of a rate and be believed; the setting FAHUO_MAX_CALLS_PER_SECOND has the same bounds. */
const believed = { least: 0.01, most: 100_000 };

/** Calls per second, or null when the answer names no rate that can be kept: none, 0, negative or absurd numbers. */
export function rateOf(asked: QuotaResult): number | null {
  if (asked.kind !== 'quota' || asked.rateLimit === null) return null;
  const { callCount, refreshSecond } = asked.rateLimit;
  const rate = refreshSecond > 0 ? callCount / refreshSecond : 0;
  return rate >= believed.least && rate <= believed.most ? rate : null;
}

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;

/** When to ask for the rate again: hourly after an answer, after 1 s doubling to 5 min without; jittered down. */
export function askAgainMs(failures: number, random: () => number): number {
  const ms = failures === 0 ? hourMs : Math.min(5 * minuteMs, secondMs * 2 ** (failures - 1));
  return ms * (1 - 0.25 * random());
}

/** What `quota/get` said after a 45009: calls left today; or no usable answer; or the question never left. */
export type Left = { kind: 'left'; calls: number } | { kind: 'no_answer' } | { kind: 'not_asked' };

export const leftOf = (asked: QuotaResult): Left =>
  asked.kind === 'quota'
    ? { kind: 'left', calls: asked.remain }
    : { kind: asked.answer.notSent === true ? 'not_asked' : 'no_answer' };

/** So long after midnight in Beijing a 45009 may be yesterday's: clocks differ, and a reset may be late. */
export const earlyDayMs = 15 * minuteMs;

/**
 * How long 45009 stops an endpoint. The code alone does not prove that the day's quota is used up (wechat.md §10):
 * a minute, unless WeChat says that nothing is left; then until after midnight in Beijing. Without an answer it is an
 * hour at most.
 */
export function quotaPauseMs(left: Left, { nowMs, random }: { nowMs: number; random: () => number }): number {
  const midnightMs = beijingMidnightAfter(new Date(nowMs)).getTime();
  const sinceMidnightMs = nowMs - (midnightMs - 24 * hourMs);
  if (left.kind === 'not_asked' || sinceMidnightMs < earlyDayMs) return minuteMs;
  if (left.kind === 'left' && left.calls > 0) return minuteMs;
  const untilNewDayMs = midnightMs - nowMs + 5 * secondMs + random() * minuteMs;
  return left.kind === 'left' ? untilNewDayMs : Math.min(untilNewDayMs, hourMs);
}
