const minuteMs = 60_000;

/**
 * When to fetch the next token: five minutes before the end, half of the life for short ones, plus up to a fifth of
 * that margin as jitter. Later and never earlier: WeChat gives a new stable token only in the last five minutes of
 * the old one (facts.md §2.1).
 */
export function refreshAtMs(nowMs: number, expiresAtMs: number, random: () => number): number {
  const marginMs = Math.min(5 * minuteMs, (expiresAtMs - nowMs) / 2);
  return expiresAtMs - marginMs * (1 - 0.2 * random());
}

/** The wait after the `count`th failure in a row (from 1): 1 s doubling to a minute, jittered down by up to a quarter. */
export function backoffMs(count: number, random: () => number): number {
  return Math.min(minuteMs, 1000 * 2 ** (count - 1)) * (1 - 0.25 * random());
}

/** The day in Beijing, as the daily quota of `/cgi-bin/token` counts it: YYYY-MM-DD. */
export function beijingDay(now: Date): string {
  return new Date(now.getTime() + 8 * 60 * minuteMs).toISOString().slice(0, 10);
}
