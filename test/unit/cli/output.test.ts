import { afterEach, describe, expect, it, vi } from 'vitest';
import { answer, unknownWord, wholeNumber } from '../../../src/cli/output.ts';
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

  it('is one line a row, and nothing that a terminal would do, whatever others wrote into a cell', () => {
    expect(table([['4200\n0001\u001b[2J', 'a\u009b31mb']])).toBe('4200 0001 [2J  a 31mb');
  });
});

describe('an answer', () => {
  const wasTerminal = process.stdout.isTTY;
  afterEach(() => {
    process.stdout.isTTY = wasTerminal;
    vi.restoreAllMocks();
  });

  it.each([
    ['a terminal, tells it nothing that others wrote', true, 'payment \uFFFD[2J\uFFFD1\n\tok\n'],
    ['a file, is as it is', false, 'payment \u001b[2J\r1\n\tok\n'],
  ])('on %s', (_name, isTerminal, expected) => {
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    process.stdout.isTTY = isTerminal;
    answer(false, null, () => 'payment \u001b[2J\r1\n\tok');
    expect(write.mock.calls).toEqual([[expected]]);
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
