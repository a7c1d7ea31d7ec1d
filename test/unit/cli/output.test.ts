import { describe, expect, it } from 'vitest';
import { unknownWord, wholeNumber } from '../../../src/cli/output.ts';
import { table } from '../../../src/table.ts';

describe('a table', () => {
  it('lines up where a Chinese character takes two places of the terminal', () => {
    const shown = table([
      ['苹果', 'one'],
      ['pear', 'two'],
      ['é', null],
    ]);
    expect(shown).toBe('苹果  one\npear  two\né');
  });
});

describe('a wrong value', () => {
  it('is named with its rule', () => {
    expect(() => wholeNumber('--limit', 'ten')).toThrow('--limit ten must be a whole number of 0 or more');
    expect(() => wholeNumber('--port', '65536', { max: 65_535 })).toThrow('from 0 to 65535');
    expect(wholeNumber('--limit', '10')).toBe(10);
  });

  it('is named with the one that was meant', () => {
    const error = unknownWord('--roles:', 'realy', ['relay', 'upload']);
    expect(error.message).toBe('--roles: realy is not one of relay, upload\n(Did you mean relay?)');
    expect(unknownWord('--roles:', 'sail', ['relay']).message).toBe('--roles: sail is not one of relay');
  });
});
