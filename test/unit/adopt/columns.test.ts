import { expect, it } from 'vitest';
import { columnFindings } from '../../../src/adopt/columns.ts';

const needed = ['state', 'logistics_type', 'item_desc', 'openid'];

it('finds nothing where each column is one that is read', () => {
  expect(columnFindings([...needed, 'order_id', 'transaction_id'], ['order_id'])).toEqual([]);
});

it('warns of a column that nobody reads, with the one that was meant', () => {
  expect(columnFindings([...needed, 'transction_id', 'shoe_size'], ['order_id'])).toEqual([
    {
      level: 'warning',
      what: 'the parts query gives a column transction_id, which nobody reads',
      remedy: 'Did you mean transaction_id?',
    },
    {
      level: 'warning',
      what: 'the parts query gives a column shoe_size, which nobody reads',
      remedy: 'Leave it out, or see docs/adopting.md for the names.',
    },
  ]);
});

it('suggests no column that is there already', () => {
  expect(columnFindings([...needed, 'statee'], [])[0]?.remedy).toBe(
    'Leave it out, or see docs/adopting.md for the names.',
  );
});

it('calls a column that is needed and missing a problem', () => {
  expect(columnFindings(['state', 'logistics_type', 'item_desc'], [])).toEqual([
    {
      level: 'problem',
      what: 'the parts query gives no column openid',
      remedy: 'Add it to the query: docs/adopting.md says what it holds.',
    },
  ]);
});
