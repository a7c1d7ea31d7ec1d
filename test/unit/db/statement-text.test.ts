import { describe, expect, it } from 'vitest';
import { withoutLiterals } from '../../../db/statement-text.ts';

describe('a statement that is shown', () => {
  it.each([
    [`select * from t where phone = '13800000000'`, `select * from t where phone = '…'`],
    [`select 'it''s', 'b'`, `select '…', '…'`],
    [`select E'it\\'s 138', 2`, `select '…', …`],
    ['select $$it is 138$$, 1', `select '…', …`],
    ['select $a$ $$ 138 $a$ from t', `select '…' from t`],
    ['select f($1, $2) from outbox_p0', 'select f($1, $2) from outbox_p0'],
    ['where id = 13800000000 and x = 1.5e3', 'where id = … and x = …'],
    [`insert into t values ('cut off in the mid`, `insert into t values ('…'`],
    [`select E'cut off \\`, `select '…'`],
    ['select $$cut off', `select '…'`],
    ['  select\n  1 ', 'select …'],
  ])('%s becomes %s', (query, shown) => {
    expect(withoutLiterals(query)).toBe(shown);
  });

  it('has a hundred characters at most', () => {
    expect(withoutLiterals('select a '.repeat(50))).toHaveLength(100);
  });
});
