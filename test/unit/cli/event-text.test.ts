import { describe, expect, it } from 'vitest';
import { readEvents } from '../../../src/cli/event-text.ts';

const lines = (text: string) => readEvents(text).map(({ line, kind }) => [line, kind]);

describe('a text of events', () => {
  it('is one event a line, blank lines apart', () => {
    expect(readEvents('{"a":1}\n\n{"a":2}\r\n')).toEqual([
      { line: 1, kind: 'json', value: { a: 1 } },
      { line: 3, kind: 'json', value: { a: 2 } },
    ]);
  });

  it('is one event over many lines', () => {
    expect(readEvents('\n{\n  "a": [1]\n}\n')).toEqual([{ line: 2, kind: 'json', value: { a: [1] } }]);
  });

  it('is an array, whose events are known by the line on which each begins', () => {
    const text = '[\n  {"a": "x,[{\\"\\n"},\n\n  {\n    "b": [1, {"c": 2}]\n  }, 5, [6],\n  "7"]';
    expect(lines(text).map(([line]) => line)).toEqual([2, 4, 6, 6, 7]);
    expect(readEvents('[]')).toEqual([]);
  });

  it('loses the one line that is no JSON, and no other', () => {
    expect(lines('{"a":1}\n{"a":\n{"a":3}')).toEqual([
      [1, 'json'],
      [2, 'broken'],
      [3, 'json'],
    ]);
    expect(lines('{"a":\n{"a":3}')).toEqual([
      [1, 'broken'],
      [2, 'json'],
    ]);
  });

  it('is broken once, not once a line, when one event over many lines is', () => {
    expect(lines('{\n  "a": 1,\n  "b": \n}')).toEqual([[1, 'broken']]);
    expect(lines('[\n{"a":1},\n{"a":2}\n')).toEqual([[1, 'broken']]);
  });

  it('may be empty', () => {
    expect(readEvents(' \n')).toEqual([]);
  });
});
