import { describe, expect, it } from 'vitest';
import { nearest } from '../../src/nearest.ts';

const known = ['status', 'show', 'replay', 'relay'];

describe('the nearest known word', () => {
  it.each([
    ['statsu', 'status'], // swapped
    ['tatus', 'status'], // missing
    ['sttatus', 'status'], // too many
    ['stotus', 'status'], // wrong
    ['stauts', 'status'],
    ['realy', 'relay'],
    ['sow', 'show'],
  ])('of %s is %s', (word, meant) => {
    expect(nearest(word, known)).toBe(meant);
  });

  it.each(['', 'x', 'foo', 'completely', 'stopped', 'sh'])('of %s is none', (word) => {
    expect(nearest(word, known)).toBeUndefined();
  });

  it('is the first of two that are as near', () => {
    expect(nearest('rat', ['cat', 'hat'])).toBe('cat');
    expect(nearest('hat', ['cat', 'hat'])).toBe('hat');
  });

  it('is at most three slips away, however long the word', () => {
    expect(nearest('a-long-word-abc', ['a-long-word-xyz'])).toBe('a-long-word-xyz');
    expect(nearest('a-long-word-abcd', ['a-long-word-wxyz'])).toBeUndefined();
  });
});
