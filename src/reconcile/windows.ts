import type { Sweep } from '../../db/states.ts';
import { storable } from '../text.ts';

/** Pay times, both ends in milliseconds. */
export type Span = { beginMs: number; endMs: number };

/** How far a sweep has come; times in milliseconds. See db/schema/reconcile.ts. */
export type Progress = {
  sweep: Sweep;
  watermarkMs: number | null;
  passUntilMs: number | null;
  window: Span | null;
  /** WeChat's; null before the first page of the window. */
  cursor: string | null;
};

export type WindowOptions = {
  /** How far each window reaches back before the watermark: payments reach WeChat's shipping late (wechat.md §6.1). */
  overlapMs: number;
  /** How old a payment may be and still change. */
  horizonMs: number;
};

export type Next =
  | { kind: 'page'; progress: Progress & { window: Span; passUntilMs: number }; begins: boolean }
  | { kind: 'done'; progress: Progress };

/** A cursor walks through a day at most, or it would be lost too often; more than twice every overlap. */
const windowMs = 86_400_000;

/**
 * What a sweep lists next: the page at its cursor, the window behind the watermark, or the first of a new pass. A clock
 * that was ahead leaves a watermark in the future: then now is where it goes on. Pure.
 */
export function nextPage(before: Progress, nowMs: number, options: WindowOptions): Next {
  const begins = before.passUntilMs === null;
  const passUntilMs = before.passUntilMs ?? nowMs;
  const watermarkMs = begins ? startOf(before, nowMs, options) : (before.watermarkMs ?? passUntilMs);
  if (before.window !== null && !begins)
    return { kind: 'page', begins, progress: { ...before, window: before.window, passUntilMs } };
  if (watermarkMs >= passUntilMs && !begins) return { kind: 'done', progress: afterPass(before) };
  const beginMs = Math.max(0, watermarkMs - options.overlapMs);
  const endMs = Math.min(passUntilMs, Math.max(watermarkMs, beginMs) + windowMs);
  const window = { beginMs, endMs: Math.max(endMs, beginMs) };
  return { kind: 'page', begins, progress: { ...before, watermarkMs, passUntilMs, window, cursor: null } };
}

function startOf({ sweep, watermarkMs }: Progress, nowMs: number, { horizonMs }: WindowOptions): number {
  const oldest = Math.max(0, nowMs - horizonMs);
  return sweep === 'whole' || watermarkMs === null ? oldest : Math.min(Math.max(watermarkMs, oldest), nowMs);
}

type Page = { hasMore: boolean; lastIndex: string | null };

/** More pages than a day of payments has. */
const longestWalk = 20_000;

/**
 * Whether a page leads to another one. `walked` are the cursors of its window: one that was there, or is none, or comes
 * after all too many, would list the same for ever; one that Postgres cannot keep would be asked for again and again.
 */
function goesOn({ cursor }: Progress, { hasMore, lastIndex }: Page, walked: ReadonlySet<string>): boolean {
  if (!hasMore || lastIndex === null || lastIndex !== storable(lastIndex)) return false;
  return lastIndex !== cursor && !walked.has(lastIndex) && walked.size < longestWalk;
}

/** After a page: the next cursor, or the watermark at the window's end. Pure. */
export function afterPage(
  progress: Progress & { window: Span },
  page: Page,
  walked: ReadonlySet<string>,
): Progress {
  if (goesOn(progress, page, walked)) return { ...progress, cursor: page.lastIndex };
  return { ...progress, watermarkMs: progress.window.endMs, window: null, cursor: null };
}

/** Whether the window's list ended although WeChat says that there is more. Pure. */
export const isCutShort = (before: Progress, page: Page, walked: ReadonlySet<string>): boolean =>
  page.hasMore && !goesOn(before, page, walked);

/** A span as windows of a day, the first ones first; nothing where it is empty. Pure. */
export function splitSpan({ beginMs, endMs }: Span): Span[] {
  const windows: Span[] = [];
  for (let begin = beginMs; begin < endMs; begin += windowMs)
    windows.push({ beginMs: begin, endMs: Math.min(begin + windowMs, endMs) });
  return windows;
}

const afterPass = (progress: Progress): Progress => ({
  ...progress,
  passUntilMs: null,
  window: null,
  cursor: null,
});

/** As get_order_list asks for it: unix seconds, both inclusive (wechat.md §1.4). Pure. */
export const payTimeOf = ({ beginMs, endMs }: Span): { begin: number; end: number } => ({
  begin: Math.floor(beginMs / 1000),
  end: Math.ceil(endMs / 1000),
});

/** The whole seconds of a half-open span. Pure. */
export const secondsWithin = ({ beginMs, endMs }: Span): { begin: number; end: number } => ({
  begin: Math.ceil(beginMs / 1000),
  end: Math.ceil(endMs / 1000) - 1,
});

const firstBackoffMs = 15_000;
const longestBackoffMs = 900_000;
/** A list whose quota of the day is used up is asked rarely; single reads have a quota of their own. */
const quotaBackoffMs = 3_600_000;

/** Until a listing that failed is tried again: 15 s, doubling to 15 min; an hour where the day's quota is gone. Pure. */
export const backoffOf = (failures: number, quotaIsGone: boolean): number =>
  quotaIsGone
    ? quotaBackoffMs
    : Math.min(longestBackoffMs, firstBackoffMs * 2 ** Math.min(10, Math.max(0, failures)));
