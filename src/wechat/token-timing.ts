const minuteMs = 60_000;

/**
 * When to fetch the next token: five minutes before the end, half of the life for short ones, plus up to a fifth of
 * that margin as jitter. Later and never earlier: WeChat gives a new stable token only in the last five minutes of
 * the old one (wechat.md §2.1).
 */
export function refreshAtMs(nowMs: number, expiresAtMs: number, random: () => number): number {
  const marginMs = Math.min(5 * minuteMs, (expiresAtMs - nowMs) / 2);
  return expiresAtMs - marginMs * (1 - 0.2 * random());
}

/** The longest wait for what may pass by itself: when it has, all uploads go on within this. */
export const backoffMaxMs = 4_000;

/** The wait after the `count`th failure in a row (from 1): 1 s doubling to 4 s, jittered down by up to a quarter. */
export const backoffMs = (count: number, random: () => number): number =>
  doubled(count, backoffMaxMs, random);

/** The same for what a person must mend: doubling to a minute. */
export const longBackoffMs = (count: number, random: () => number): number =>
  doubled(count, minuteMs, random);

const doubled = (count: number, maxMs: number, random: () => number): number =>
  Math.min(maxMs, 1000 * 2 ** (count - 1)) * (1 - 0.25 * random());

/** The day in Beijing, as the daily quota of `/cgi-bin/token` counts it: YYYY-MM-DD. */
export function beijingDay(now: Date): string {
  return new Date(now.getTime() + 8 * 60 * minuteMs).toISOString().slice(0, 10);
}
