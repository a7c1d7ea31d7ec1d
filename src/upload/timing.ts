import { jittered } from '../clock.ts';
const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** Every wait of the state machine, in milliseconds; campaigns and tests shorten them. */
export type Timing = {
  /** Longer than one HTTP call may take, and renewed every third of it while the call is under way. */
  leaseMs: number;
  /** How long a stop waits for calls under way. */
  drainMs: number;
  /** 10060001 right after payment: first wait, then ×4 up to an hour (wechat.md §6.1). */
  notVisibleFirstMs: number;
  notVisibleForMs: number;
  /** A parked, unseen payment is tried again this often, until it is that old. */
  parkedRetryMs: number;
  parkedRetryForMs: number;
  /** From an unknown outcome to the first read, and between two reads: reads lag (wechat.md §6.11). */
  readAfterMs: number;
  readGapMs: number;
  /** An outcome that no read could settle for so long waits for a person. */
  unreadableAfterMs: number;
  retryMinMs: number;
  retryMaxMs: number;
};

export const defaultTiming: Timing = {
  leaseMs: 30 * secondMs,
  drainMs: 12 * secondMs,
  notVisibleFirstMs: 15 * secondMs,
  notVisibleForMs: dayMs,
  parkedRetryMs: dayMs,
  parkedRetryForMs: 14 * dayMs,
  readAfterMs: 2 * secondMs,
  readGapMs: 5 * secondMs,
  unreadableAfterMs: dayMs,
  retryMinMs: secondMs,
  retryMaxMs: 15 * minuteMs,
};

/** What a decision depends on besides the row and the answer. */
export type Context = { nowMs: number; random: () => number; timing: Timing };

/** Doubles from `retryMinMs` to `retryMaxMs` with the number of sends made. */
export const backoffMs = (attempts: number, { timing, random }: Context): number =>
  jittered(Math.min(timing.retryMaxMs, timing.retryMinMs * 2 ** Math.max(0, attempts - 1)), random);

/** 15 s, 60 s, 4 min, 16 min, then hourly. */
export const notVisibleWaitMs = (attempts: number, { timing, random }: Context): number =>
  jittered(Math.min(hourMs, timing.notVisibleFirstMs * 4 ** Math.max(0, attempts - 1)), random);
