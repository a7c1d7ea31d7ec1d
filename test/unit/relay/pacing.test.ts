import { expect, test } from 'vitest';
import { writersAfter, backOffMs, type Writers } from '../../../src/relay/pacing.ts';

const limit = 300;
const nobody: Writers = { writers: 0, atMs: 0 };

/** A snapshot every `everyMs`, each of which shows as many writers as `writers` says. */
const seenBy = (writers: readonly number[], everyMs: number): Writers =>
  writers.reduce<Writers>(
    (before, seen) => writersAfter(before, { writers: seen, atMs: before.atMs + everyMs }),
    nobody,
  );
const times = (count: number, writers: number): number[] => Array.from({ length: count }, () => writers);

test('one writer at a time, however long, is not rested for', () => {
  expect(backOffMs(nobody, limit)).toBe(0);
  expect(backOffMs(seenBy(times(10_000, 1), 5), limit)).toBe(0);
});

test('each writer beyond the first adds a tenth of a second, a fraction of one too', () => {
  const backOffs = [0, 0.5, 1, 1.5, 2, 4].map((writers) => backOffMs({ writers, atMs: 0 }, 1_000));
  expect(backOffs).toEqual([0, 0, 0, 50, 100, 300]);
});

test('two seconds of many writers count for two thirds of them, and no writer beyond the fourth counts', () => {
  const after = (writers: number, before = 0): number =>
    writersAfter({ writers: before, atMs: 500 }, { writers, atMs: 2_500 }).writers;
  expect(after(3)).toBeCloseTo(3 * (1 - 1 / Math.E), 9);
  expect(after(1, 3)).toBeCloseTo(1 + 2 / Math.E, 9);
  expect(after(4)).toBe(after(40));
  expect(after(3.9)).toBeLessThan(after(4));
});

test('the back-off for writers that stay grows up to the limit', () => {
  expect(backOffMs(seenBy(times(5_000, 3), 5), limit)).toBeCloseTo(200, 0);
  expect(backOffMs(seenBy(times(5_000, 64), 5), limit)).toBeCloseTo(300, 0);
});

test('the back-off is about as long when snapshots are far apart as when they are close', () => {
  expect(backOffMs(seenBy(times(20, 3), 300), limit)).toBeCloseTo(
    backOffMs(seenBy(times(1_200, 3), 5), limit),
    0,
  );
});

test('a stall of a quarter of a second in which thirty writers pile up adds no back-off', () => {
  expect(backOffMs(seenBy([...times(1_000, 0.4), ...times(50, 30)], 5), limit)).toBe(0);
});

test('writers that are gone are forgotten within seconds', () => {
  expect(backOffMs(seenBy([...times(1_000, 16), ...times(20, 0)], 300), limit)).toBe(0);
});

test('a clock that stands still changes nothing', () => {
  expect(writersAfter({ writers: 2, atMs: 7 }, { writers: 3, atMs: 7 })).toEqual({ writers: 2, atMs: 7 });
});

test('a limit of 0 never backs off', () => {
  expect(backOffMs(seenBy(times(1_000, 64), 5), 0)).toBe(0);
});
