import { expect, it } from 'vitest';
import { ClaimLowerBound } from '../../../src/upload/claim-lower-bound.ts';

const hourMs = 3_600_000;

it('looks at all rows at first, then from shortly before the last claim, and at all again after five seconds', () => {
  const floor = new ClaimLowerBound();
  expect(floor.from(0)).toBeNull();
  floor.claimed(hourMs);
  expect(floor.from(4_000)).toBe(hourMs - 10_000);
  expect(floor.from(5_000)).toBeNull();
  expect(floor.from(5_001)).toBe(hourMs - 10_000);
});

it('goes back with a clock that stepped back', () => {
  const floor = new ClaimLowerBound();
  floor.from(0);
  floor.claimed(2 * hourMs);
  floor.claimed(hourMs);
  expect(floor.from(1)).toBe(hourMs - 10_000);
});

it('counts the five seconds from each look at all rows, also from one that found nothing', () => {
  const floor = new ClaimLowerBound();
  expect([floor.from(0), floor.from(3_000)]).toEqual([null, null]);
  floor.claimed(hourMs);
  expect(floor.from(7_999)).toBe(hourMs - 10_000);
  expect(floor.from(8_000)).toBeNull();
});
