import { describe, expect, it } from 'vitest';
import { diffLines, renderDiff } from '../../../src/replay/diff.ts';

const diff = (before: string, after: string): string[] =>
  renderDiff(diffLines(before.split(''), after.split('')));

describe('a diff of lines', () => {
  it('is empty where nothing was changed', () => expect(diff('abc', 'abc')).toEqual([]));

  it('keeps what both have in common, and shows two lines around a change', () => {
    expect(diff('abcdefg', 'abcXefg')).toEqual(['  b', '  c', '- d', '+ X', '  e', '  f']);
    expect(diff('abcdefgh', 'bcdefgh')).toEqual(['- a', '  b', '  c']);
    expect(diff('ab', 'abc')).toEqual(['  a', '  b', '+ c']);
  });

  it('leads from the first to the second with the fewest lines', () => {
    const lines = diffLines('abcabba'.split(''), 'cbabac'.split(''));
    const side = (kind: string) =>
      lines.filter((one) => one.kind === 'same' || one.kind === kind).map(({ line }) => line);
    expect(side('removed').join('')).toBe('abcabba');
    expect(side('added').join('')).toBe('cbabac');
    expect(lines.filter(({ kind }) => kind === 'same')).toHaveLength(4);
  });
});
