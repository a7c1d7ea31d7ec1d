import { describe, expect, it } from 'vitest';
import { hasGlobalRight, hasRight } from '../../../../src/adopt/mysql/grants.ts';

const usage = "GRANT USAGE ON *.* TO `shop`@`%` IDENTIFIED BY PASSWORD '*1'";
const on = { database: 'my_shop', table: 'ls_order' };

describe('a right of a login', () => {
  it.each([
    ['everything', 'GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION', 'yes'],
    ['the database', 'GRANT SELECT, TRIGGER ON `my_shop`.* TO `shop`@`%`', 'yes'],
    [
      'the database, its sign escaped',
      String.raw`GRANT TRIGGER ON ${'`'}my\_shop${'`'}.* TO ${'`'}shop${'`'}@${'`'}%${'`'}`,
      'yes',
    ],
    ['databases of a pattern', 'GRANT TRIGGER ON `my%`.* TO `shop`@`%`', 'yes'],
    ['the table, in quotes of ANSI', 'GRANT TRIGGER ON "my_shop"."ls_order" TO "shop"@"%"', 'yes'],
    ['another database', 'GRANT ALL PRIVILEGES ON `shop2`.* TO `shop`@`%`', 'no'],
    ['another table', 'GRANT TRIGGER ON `my_shop`.`ls_goods` TO `shop`@`%`', 'no'],
    ['another right', 'GRANT SELECT, CREATE ON `my_shop`.* TO `shop`@`%`', 'no'],
    [
      'a database whose escaped sign is another',
      String.raw`GRANT TRIGGER ON ${'`'}my\_shopX${'`'}.* TO ${'`'}shop${'`'}@${'`'}%${'`'}`,
      'no',
    ],
    ['a role, whose rights are not listed', 'GRANT `adopter` TO `shop`@`%`', 'unknown'],
  ])('that is granted on %s', (_name, grant, has) => {
    expect(hasRight([usage, grant], 'TRIGGER', on)).toBe(has);
  });

  it('counts as one over everything only where it is granted on everything', () => {
    expect(hasGlobalRight(['GRANT SELECT, SUPER ON *.* TO `a`@`%`'], ['SUPER'])).toBe(true);
    expect(hasGlobalRight(['GRANT ALL PRIVILEGES ON *.* TO `a`@`%`'], ['SUPER'])).toBe(true);
    expect(hasGlobalRight(['GRANT ALL PRIVILEGES ON `shop`.* TO `a`@`%`'], ['SUPER'])).toBe(false);
    expect(hasGlobalRight([usage], ['SUPER'])).toBe(false);
  });
});
