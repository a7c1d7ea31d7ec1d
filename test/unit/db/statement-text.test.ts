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
    ['numbers of every form', `select 1.5, .25, 1e10, 2E+7, 3e-1-4, 0x1F`, `select …, …, …, …, …-…, …`],
    ['a number with the minus of another', `select 12-34`, `select …-…`],
    [
      'a dollar quote with digits or letters of any script in its tag',
      `do $a1$x$a1$ $标签2$y$标签2$`,
      `do '…' '…'`,
    ],
    ['a dollar quote over two lines', `do $$secret\nsecret$$ b`, `do '…' b`],
    ['a string over two lines', `select 'secret\nsecret', b`, `select '…', b`],
    [
      'an escape string whose backslash stands at the end of a line',
      `select E'a\\\nsecret', b`,
      `select '…', b`,
    ],
    ['an escape string with a doubled quote', `select E'a''secret', b`, `select '…', b`],
    ['an empty string', `select '', E'', $$$$, b`, `select '…', '…', '…', b`],
    [
      'strings of the other kinds',
      `select u&'s', b'1', B'0', X'f', n's', e's'`,
      `select '…', '…', '…', '…', '…', '…'`,
    ],
    ['two comments, and nothing between', `select /* secret */ b /* secret */, c`, `select b , c`],
    ['a comment that was cut off in its inner one', `select a /* b /* c */ secret`, `select a`],
    ['a comment at the end, and one of one line', `select a --secret`, `select a`],
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
    ['names of any script', `select 名称1, ä2 from "表 3"`],
    ['a name after a number of a parameter', `select $1, $23::text, $4`],
    ['a quoted name that was cut off', `select "it's 1`],
    ['operators', `select a - b * c / d from t where e <> f`],
    ['a dollar that begins nothing', `select a $ b`],
  ])('leaves %s', (_what, query) => {
    expect(withoutLiterals(query)).toBe(query);
  });

  it('has no blanks around it', () => {
    expect(withoutLiterals('\n select a\n\n from t \n')).toBe('select a from t');
  });

  it('is one line of 100 characters at most', () => {
    expect(withoutLiterals(`  select\n\t${'a, '.repeat(100)}`)).toMatch(/^select a, a, .{87}$/);
  });
});
