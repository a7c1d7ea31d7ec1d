import { describe, expect, it } from 'vitest';
import {
  partsBlameOf,
  partsMessageOf,
  partsQuery,
  partsValues,
  rawTypes,
} from '../../../../src/adopt/postgres/parts.ts';

describe('a parts query for Postgres', () => {
  it('has a parameter of its own for each place, so that a kind may be of two types', () => {
    const query = partsQuery('select 1 where a in (:order_id) or b IN ( :order_id ) or c in (:bill_id)');
    expect(query).toEqual({
      text: 'select 1 where a = any ($1) or b = any ($2) or c = any ($3)',
      kinds: ['order_id', 'order_id', 'bill_id'],
    });
  });

  it('is left as it is in comments, strings and quoted names', () => {
    const text = `select 'in (:a)''in (:a)', e'\\'in (:a)', "in (:a)" -- in (:a)
      /* in (:a) */ from t where name = '' and id`;
    expect(partsQuery(`${text} in (:a)`)).toEqual({ text: `${text} = any ($1)`, kinds: ['a'] });
  });

  it('lists each key once, in the parameters of its kind, and none where the batch has none', () => {
    const keys = [
      { kind: 'order_id', ref: '1' },
      { kind: 'order_id', ref: '1' },
      { kind: 'order_id', ref: '2' },
    ];
    expect(partsValues({ text: '', kinds: ['order_id', 'bill_id', 'order_id'] }, keys)).toEqual([
      ['1', '2'],
      [],
      ['1', '2'],
    ]);
  });

  it('reads every value as text, and a boolean as true or false', () => {
    expect([20, 1700, 1114].map((oid) => rawTypes.getTypeParser(oid)('12'))).toEqual(['12', '12', '12']);
    expect(['t', 'f', null].map((text) => rawTypes.getTypeParser(16)(text))).toEqual(['true', 'false', null]);
  });
});

describe('an error of a parts query', () => {
  it.each([
    ['22P02', 'failed'],
    ['22012', 'failed'],
    ['21000', 'failed'],
    ['57014', 'failed'],
    ['P0001', 'failed'],
    ['54001', 'failed'],
    ['23514', 'failed'],
    ['XX001', 'failed'],
    ['42601', 'broken'],
    ['42P01', 'broken'],
    ['42703', 'broken'],
    ['42501', 'broken'],
    ['42883', 'broken'],
    ['3F000', 'broken'],
    ['0A000', 'broken'],
    ['25006', 'broken'],
    ['55000', 'broken'],
    ['25P03', 'away'],
    ['55P03', 'away'],
    ['40P01', 'away'],
    ['53300', 'away'],
    ['57P01', 'away'],
    ['08006', 'away'],
    ['28P01', 'away'],
    ['58030', 'away'],
    ['ECONNREFUSED', 'away'],
  ])('%s: %s', (code, blame) => {
    expect(partsBlameOf(Object.assign(new Error('x'), { code }))).toBe(blame);
  });

  it('without a code is of the connection, or of our own reading of a row', () => {
    expect(partsBlameOf(new Error('Connection terminated unexpectedly'))).toBe('away');
    expect(partsBlameOf(new RangeError('Invalid string length'))).toBe('failed');
  });

  it('is one line with its hint, and names the limit that was passed', () => {
    expect(partsMessageOf({ code: '42703', message: 'no column\n"x"', hint: 'Perhaps y.' }, 100)).toBe(
      'no column "x" (Perhaps y.)',
    );
    expect(partsMessageOf({ code: '42703', message: 'no column' }, 100)).toBe('no column');
    expect(partsMessageOf({ code: '57014', message: 'canceling' }, 100)).toBe(
      'the parts query took longer than timeout_ms: 100',
    );
    expect(partsMessageOf('odd', 100)).toBe('odd');
  });
});
