import { describe, expect, it } from 'vitest';
import { cutText, keptCharacters, storable, utf8Text } from '../../src/text.ts';

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

  it('is kept to two thousand characters where nobody says how many', () => {
    const text = 'x'.repeat(keptCharacters);
    expect([cutText(text), cutText(`${text}y`)]).toEqual([text, `${text}… (2001 characters)`]);
  });

  it('can be stored, whatever it holds', () => {
    expect(storable('a\u0000b\ud800')).toBe('a\ufffdb\ufffd');
  });
});

describe('the text of a file that people wrote', () => {
  const read = (...bytes: number[]) => utf8Text(Uint8Array.from(bytes));

  it('is read as UTF-8, without the byte order mark', () => {
    expect(utf8Text(Buffer.from('苹果\n'))).toBe('苹果\n');
    expect(read(0xef, 0xbb, 0xbf, 0x61)).toBe('a');
    expect(read()).toBe('');
  });

  it('is none where it is kept in another encoding, or is no text', () => {
    expect(read(0xc6, 0xbb, 0xb9, 0xfb)).toBeNull(); // 苹果 in GBK
    expect(read(0x61, 0x00, 0x62, 0x00)).toBeNull(); // ab in UTF-16
  });
});
