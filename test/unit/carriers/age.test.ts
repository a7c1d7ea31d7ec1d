import { expect, it } from 'vitest';
import { describeAge } from '../../../src/carriers/age.ts';

const week = 7 * 86_400;
const at = new Date('2026-11-01T00:00:00Z');

it.each([
  [{ ageSeconds: week, refreshedAt: at, failure: 'WeChat answers 40001' }, null],
  [
    { ageSeconds: week + 1, refreshedAt: at, failure: null },
    "WeChat's list of carriers was not since 2026-11-01T00:00:00.000Z taken",
  ],
  [
    { ageSeconds: week + 1, refreshedAt: null, failure: 'WeChat answers 40001' },
    "WeChat's list of carriers was never taken: WeChat answers 40001",
  ],
])('a list of carriers is spoken of when it is older than a week: %j', (state, said) => {
  expect(describeAge({ carriers: 1, ...state })).toBe(said);
});
