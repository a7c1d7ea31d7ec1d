import { describe, expect, it } from 'vitest';
import {
  identifier,
  literal,
  literals,
  moment,
  tableIdentifier,
} from '../../../../src/adopt/mysql/literal.ts';

const hex = (text: string): string => `_utf8mb4 0x${Buffer.from(text, 'utf8').toString('hex')}`;

describe('what stands in a statement for MySQL', () => {
  it('is a name in back quotes, each part of a table’s by itself', () => {
    expect(identifier('a`b.c')).toBe('`a``b.c`');
    expect(tableIdentifier('shop.orders')).toBe('`shop`.`orders`');
    expect(tableIdentifier('orders')).toBe('`orders`');
  });

  it.each([
    ['', "''"],
    ['SF 1-2"~', `'SF 1-2"~'`],
    ["it's", hex("it's")],
    ['a\\b', hex('a\\b')],
    ['果', hex('果')],
    ['a\n', hex('a\n')],
    ['\u007fa', hex('\u007fa')],
  ])('is the text %j as %s: plain where every sql_mode reads it so', (text, written) => {
    expect(literal(text)).toBe(written);
  });

  it('is NULL for null, and for a list of nothing', () => {
    expect([literal(null), literals([])]).toEqual(['NULL', 'NULL']);
    expect(literals(['a', '果'])).toBe(`'a', ${hex('果')}`);
  });

  it('is a moment in UTC with its thousandths', () => {
    expect(moment(Date.UTC(2026, 10, 30, 1, 2, 3, 4))).toBe('2026-11-30 01:02:03.004');
  });
});
