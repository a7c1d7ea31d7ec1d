import { parseArgs } from 'node:util';
import { benchPostgresTax } from './adopt-tax-postgres.ts';

/**
 * What the triggers of `fahuo adopt apply` cost the shop's own statement that ships an order: one UPDATE a transaction,
 * on tables as a shop has them, with and without the triggers in turns, on one server. `DATABASE_URL` takes a Postgres that runs.
 */
const { values: flags } = parseArgs({
  options: {
    orders: { type: 'string', default: '100000' },
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '5' },
    /** Keys that wait because fahuo is away. */
    waiting: { type: 'string', default: '200000' },
  },
});
await benchPostgresTax({
  orders: Number(flags.orders),
  seconds: Number(flags.seconds),
  rounds: Number(flags.rounds),
  waiting: Number(flags.waiting),
});
