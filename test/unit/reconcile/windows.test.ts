import { describe, expect, it } from 'vitest';
import {
  afterPage,
  backoffOf,
  isCutShort,
  nextPage,
  payTimeOf,
  secondsWithin,
  splitSpan,
  type Progress,
} from '../../../src/reconcile/windows.ts';

const [minute, hour, day] = [60_000, 3_600_000, 86_400_000];
const now = Date.parse('2026-11-30T12:00:00Z');
const none = new Set<string>();
const options = { overlapMs: 30 * minute, horizonMs: 30 * day };
const fresh = { sweep: 'recent', watermarkMs: null, passUntilMs: null, window: null, cursor: null } as const;

/** Every window of one pass that begins at `nowMs`, each of one page. */
function walk(before: Progress, nowMs: number): { windows: [number, number][]; after: Progress } {
  const windows: [number, number][] = [];
  let progress = before;
  for (;;) {
    const next = nextPage(progress, nowMs, options);
    if (next.kind === 'done') return { windows, after: next.progress };
    windows.push([next.progress.window.beginMs, next.progress.window.endMs]);
    progress = afterPage(next.progress, { hasMore: false, lastIndex: null }, none);
    if (windows.length > 100) throw new TypeError('no end');
  }
}

describe('a pass', () => {
  it('begins as far back as payments may still change, a day at a time, and ends at its own beginning', () => {
    const { windows, after } = walk(fresh, now);
    expect(windows).toHaveLength(30);
    expect(windows[0]).toEqual([now - 30 * day - 30 * minute, now - 29 * day]);
    expect(windows.at(-1)?.[1]).toBe(now);
    expect(after).toMatchObject({ watermarkMs: now, passUntilMs: null, window: null, cursor: null });
  });

  it('leaves no pay time out: each window reaches back behind the one before', () => {
    const { windows } = walk(fresh, now);
    for (const [at, [begin]] of windows.entries())
      if (at > 0) expect(begin).toBe(windows[at - 1]![1] - 30 * minute);
  });

  it('of what is recent goes on at the watermark, and the whole one begins anew', () => {
    const before = { ...fresh, watermarkMs: now - hour };
    expect(walk(before, now).windows).toEqual([[now - hour - 30 * minute, now]]);
    expect(walk({ ...before, sweep: 'whole' }, now).windows).toHaveLength(30);
  });

  it('after a month without one begins where payments may still change', () => {
    expect(walk({ ...fresh, watermarkMs: now - 90 * day }, now).windows).toHaveLength(30);
  });

  it('after a clock that was ahead goes on at now', () => {
    const { windows, after } = walk({ ...fresh, watermarkMs: now + day }, now);
    expect(windows).toEqual([[now - 30 * minute, now]]);
    expect(after.watermarkMs).toBe(now);
  });

  it('that is under way goes on with its window and cursor, whatever the time', () => {
    const under = {
      ...fresh,
      watermarkMs: now - hour,
      passUntilMs: now,
      window: { beginMs: 1, endMs: 2 },
      cursor: 'c',
    };
    const next = nextPage(under, now + day, options);
    expect(next).toMatchObject({ kind: 'page', begins: false, progress: { cursor: 'c', passUntilMs: now } });
    expect(nextPage({ ...under, window: null }, now + day, options)).toMatchObject({
      progress: { window: { beginMs: now - hour - 30 * minute, endMs: now }, cursor: null },
    });
  });

  it('says when it begins, and is over only when the watermark is at its end', () => {
    expect(nextPage(fresh, now, options)).toMatchObject({ begins: true });
    expect(nextPage({ ...fresh, watermarkMs: now, passUntilMs: now }, now, options).kind).toBe('done');
    expect(nextPage({ ...fresh, watermarkMs: now - 1, passUntilMs: now }, now, options).kind).toBe('page');
    expect(nextPage({ ...fresh, watermarkMs: now }, now, options).kind).toBe('page');
  });

  it('near 1970 asks for no time before', () => {
    expect(walk(fresh, hour).windows).toEqual([[0, hour]]);
  });
});

describe('a page', () => {
  const at = { ...fresh, watermarkMs: 5, passUntilMs: now, window: { beginMs: 1, endMs: 9 }, cursor: 'a' };

  it('leads to the next cursor, and the last one to the end of the window', () => {
    expect(afterPage(at, { hasMore: true, lastIndex: 'b' }, none)).toEqual({ ...at, cursor: 'b' });
    expect(afterPage(at, { hasMore: false, lastIndex: 'b' }, none)).toEqual({
      ...{ ...at, watermarkMs: 9, window: null, cursor: null },
    });
  });

  it.each([
    [null, true],
    ['a', true],
    ['b', false],
  ])('whose cursor is %j after a promise of more is cut short: %s', (lastIndex, cut) => {
    expect(isCutShort(at, { hasMore: true, lastIndex }, none)).toBe(cut);
    expect(isCutShort(at, { hasMore: false, lastIndex }, none)).toBe(false);
    expect(afterPage(at, { hasMore: true, lastIndex }, none).window === null).toBe(cut);
  });

  it.each([
    ['was walked before', 'b', new Set(['b', 'a'])],
    ['Postgres cannot keep', 'b\u0000', none],
    [
      'comes after more pages than a day has',
      'b',
      new Set(Array.from({ length: 20_000 }, (_, page) => `${page}`)),
    ],
  ])('whose cursor %s is cut short, and the window ends', (_why, lastIndex, walked) => {
    expect(isCutShort(at, { hasMore: true, lastIndex }, walked)).toBe(true);
    expect(afterPage(at, { hasMore: true, lastIndex }, walked).window).toBeNull();
  });

  it('asks in whole seconds, and for none too few', () => {
    expect(payTimeOf({ beginMs: 1_999, endMs: 2_001 })).toEqual({ begin: 1, end: 3 });
  });
});

it('a span of a person is windows of a day, without a gap', () => {
  expect(splitSpan({ beginMs: 5, endMs: 2 * day + 6 })).toEqual([
    { beginMs: 5, endMs: day + 5 },
    { beginMs: day + 5, endMs: 2 * day + 5 },
    { beginMs: 2 * day + 5, endMs: 2 * day + 6 },
  ]);
  expect(splitSpan({ beginMs: 5, endMs: 5 })).toEqual([]);
  expect(secondsWithin({ beginMs: 1_000, endMs: 3_000 })).toEqual({ begin: 1, end: 2 });
  expect(secondsWithin({ beginMs: 1_001, endMs: 3_001 })).toEqual({ begin: 2, end: 3 });
});

it('a listing that fails is tried again after 15 s to 15 min, and after an hour without a quota', () => {
  expect([0, 1, 2, 5, 6, 1_000].map((failures) => backoffOf(failures, false) / 1000)).toEqual([
    15, 30, 60, 480, 900, 900,
  ]);
  expect(backoffOf(0, true)).toBe(hour);
});
