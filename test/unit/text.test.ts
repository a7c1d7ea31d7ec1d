import { describe, expect, it } from 'vitest';
import { cutText, storable } from '../../src/text.ts';

describe('a text of others', () => {
  it.each([
    ['abc', 3, 'abc'],
    ['abcd', 3, 'abc… (4 characters)'],
    ['😀😀😀', 3, '😀😀😀'],
    ['😀😀😀😀', 3, '😀😀😀… (4 characters)'],
    ['', 0, ''],
  ])('%j is kept to %i whole characters as %j', (text, max, kept) => {
    expect(cutText(text, max)).toBe(kept);
  });

  it('can be stored, whatever it holds', () => {
    expect(storable('a\u0000b\ud800')).toBe('a\ufffdb\ufffd');
  });
});
