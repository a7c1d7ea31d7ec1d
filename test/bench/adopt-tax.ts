import { parseArgs } from 'node:util';
import { benchMysqlTax } from './adopt-tax-mysql.ts';
import { benchPostgresTax } from './adopt-tax-postgres.ts';

/**
 * What the triggers of `fahuo adopt apply` cost the shop's own statement that ships an order: one UPDATE a transaction,
 * on tables as a shop has them, with and without the triggers in turns, on one server: yudao on Postgres, likeshop on MariaDB.
 * `DATABASE_URL` and `MYSQL_URL` take servers that run.
 */
const { values: flags } = parseArgs({
  options: {
    shop: { type: 'string', default: 'both' },
    orders: { type: 'string', default: '100000' },
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '5' },
    /** Keys that wait because fahuo is away. */
    waiting: { type: 'string', default: '200000' },
  },
});
const sizes = {
  orders: Number(flags.orders),
  seconds: Number(flags.seconds),
  rounds: Number(flags.rounds),
  waiting: Number(flags.waiting),
};
if (flags.shop !== 'likeshop') await benchPostgresTax(sizes);
if (flags.shop !== 'yudao') await benchMysqlTax(sizes);
