import type { Command } from 'commander';
import { shopNames } from '../../demo/sample-shop.ts';
import type { FahuoError } from '../../errors.ts';
import { exitCodes, stopSignal, unknownWord, usage, wholeNumber } from '../output.ts';

const examples = `
Examples:
  $ fahuo demo --once
  $ fahuo demo --shop yudao --once      # tables, statements and answers of a shop that knows nothing of fahuo`;

type Flags = { once?: boolean; orders?: string; shop?: string; json?: boolean };

export function addDemo(program: Command): void {
  program
    .command('demo')
    .description('the guided first run: starts what it needs, ships 200 orders, shows what became of each')
    .option('--once', 'end after the summary')
    .option('--orders <n>', 'how many, instead of 200')
    .option(
      '--shop <name>',
      'adopt an open-source shop on its own tables: yudao (Postgres), likeshop (MariaDB)',
    )
    .option('--json', 'answer in JSON')
    .addHelpText('after', examples)
    .action(async (flags: Flags) => {
      const run = demoOf(flags);
      process.exitCode = (await run(stopSignal())) ? exitCodes.done : exitCodes.failed;
    });
}

// What no other command needs is loaded where it is run: `fahuo run` would keep it in memory.
function demoOf({ shop: name, orders, once, json }: Flags): (signal: AbortSignal) => Promise<boolean> {
  const options = { once: once === true, json: json === true };
  if (name === undefined) {
    const count = wholeNumber('--orders', orders ?? '200', { min: 4, max: 1_000_000 });
    return async (signal) =>
      (await import('../../demo/run.ts')).runDemo({ ...options, orders: count }, signal);
  }
  const shop = shopNames.find((one) => one === name);
  if (shop === undefined) throw unknownShop(name);
  if (orders !== undefined) throw usage('--orders does not go with --shop, which has 20 orders of its own');
  return async (signal) => (await import('../../demo/shop-run.ts')).runShopDemo({ ...options, shop }, signal);
}

/** Where no word is near, another shop was meant. */
function unknownShop(name: string): FahuoError {
  const unknown = unknownWord('the shop', name, shopNames);
  return unknown.message.includes('\n')
    ? unknown
    : usage(`${unknown.message}\n(Any other shop is adopted with a file of its own: docs/adopting.md.)`);
}
