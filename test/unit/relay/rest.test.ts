import { expect, test } from 'vitest';
import { crowdAfter, restMs, type Crowd } from '../../../src/relay/rest.ts';

const limit = 300;
const nobody: Crowd = { writers: 0, atMs: 0 };

/** Looks every `everyMs`, each of which sees as many writers as `writers` says. */
const crowd = (writers: readonly number[], everyMs: number): Crowd =>
  writers.reduce<Crowd>(
    (before, seen) => crowdAfter(before, { writers: seen, atMs: before.atMs + everyMs }),
    nobody,
  );
const times = (count: number, writers: number): number[] => Array.from({ length: count }, () => writers);

test('one writer at a time, however long, is not rested for', () => {
  expect(restMs(nobody, limit)).toBe(0);
  expect(restMs(crowd(times(10_000, 1), 5), limit)).toBe(0);
});

test('a crowd that stays is rested for, up to the limit', () => {
  expect(restMs(crowd(times(5_000, 3), 5), limit)).toBeCloseTo(200, 0);
  expect(restMs(crowd(times(5_000, 64), 5), limit)).toBeCloseTo(300, 0);
});

test('the rest is about as long when looks are far apart as when they are close', () => {
  expect(restMs(crowd(times(20, 3), 300), limit)).toBeCloseTo(restMs(crowd(times(1_200, 3), 5), limit), 0);
});

test('a stall of a quarter of a second in which thirty writers pile up adds no rest', () => {
  expect(restMs(crowd([...times(1_000, 0.4), ...times(50, 30)], 5), limit)).toBe(0);
});

test('a crowd that is gone is forgotten within seconds', () => {
  expect(restMs(crowd([...times(1_000, 16), ...times(20, 0)], 300), limit)).toBe(0);
});

test('a clock that stands still changes nothing', () => {
  expect(crowdAfter({ writers: 2, atMs: 7 }, { writers: 3, atMs: 7 })).toEqual({ writers: 2, atMs: 7 });
});

test('a limit of 0 never rests', () => {
  expect(restMs(crowd(times(1_000, 64), 5), 0)).toBe(0);
});
