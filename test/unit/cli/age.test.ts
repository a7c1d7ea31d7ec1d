import { describe, expect, it } from 'vitest';
import { ageMs, showAge } from '../../../src/cli/age.ts';

describe('an age', () => {
  it.each([
    ['0s', 0],
    ['90s', 90_000],
    ['15m', 900_000],
    ['1d12h', 129_600_000],
  ])('%s', (text, ms) => expect(ageMs('--older-than', text)).toBe(ms));

  it.each(['', 'h', '2', '2 h', '2w', '-1h', '2hx'])('%s is none', (text) =>
    expect(() => ageMs('--older-than', text)).toThrow(/must be an age like/),
  );

  it('is of a hundred years at most: Postgres counts no longer ones', () => {
    expect(ageMs('--older-than', '36500d')).toBe(3_153_600_000_000);
    for (const text of ['36501d', '99999999999999d', `${'9'.repeat(400)}s`])
      expect(() => ageMs('--older-than', text)).toThrow(/must be 36500d at most/);
  });

  it.each([
    [-1, '0s'],
    [999, '0s'],
    [61_000, '1m 1s'],
    [90_061_000, '1d 1h'],
    [3_600_000, '1h'],
  ])('of %i ms is shown as %s', (ms, shown) => expect(showAge(ms)).toBe(shown));
});
