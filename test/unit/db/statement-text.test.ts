import { describe, expect, it } from 'vitest';
import { withoutLiterals } from '../../../db/statement-text.ts';

describe('a statement as it may be shown', () => {
  it.each([
    ['a string', `select enqueue('{"openid":"secret"}')`, `select enqueue('…')`],
    ['a string with a quote in it', `select 'it''s secret', a`, `select '…', a`],
    ['an escape string whose quote a backslash hides', `select E'\\'secret' from t`, `select '…' from t`],
    [
      'an escape string with a doubled backslash at its end',
      `select e'\\\\', a, 'secret'`,
      `select '…', a, '…'`,
    ],
    ['a dollar quote', `select enqueue($$secret 'x$$), b`, `select enqueue('…'), b`],
    ['a tagged dollar quote', `select $j$a $$ secret$j$ || a`, `select '…' || a`],
    ['a dollar quote with another tag inside', `do $a$ $b$secret$b$ $a$`, `do '…'`],
    ['unicode, bit and national strings', `select U&'secret', x'1F', N'secret'`, `select '…', '…', '…'`],
    [
      'a number',
      `select * from pay where id = 13800001234 and x > 1.5e-3`,
      `select * from pay where id = … and x > …`,
    ],
    ['a number after an operator or a dot', `select a-42, .5, (7)`, `select a-…, …, (…)`],
    ['a comment to the end of its line', `select a -- phone 138 it's\n from t`, `select a from t`],
    ['a comment in a comment', `select /* a /* 'x */ secret */ b`, `select b`],
    ['a string that was cut off', `insert into t values ('secr`, `insert into t values ('…'`],
    ['a dollar quote that was cut off', `select $a$secr`, `select '…'`],
    ['an escape string that was cut off at its backslash', `select E'secr\\`, `select '…'`],
    ['a comment that was cut off', `select a /* secr`, `select a`],
  ])('hides %s', (_what, query, shown) => {
    expect(withoutLiterals(query)).toBe(shown);
  });

  it.each([
    ['names with digits', `select a1, t_2.b3 from outbox_p0`],
    ['parameters', `update t set a = $1 where b = $12`],
    ['quoted names, also with quotes in them', `select "it's 1" from "t""$$"`],
    ['names with a dollar', `select a$b$c from t`],
  ])('leaves %s', (_what, query) => {
    expect(withoutLiterals(query)).toBe(query);
  });

  it('is one line of 100 characters at most', () => {
    expect(withoutLiterals(`  select\n\t${'a, '.repeat(100)}`)).toMatch(/^select a, a, .{87}$/);
  });
});
