import type { Command } from 'commander';
import { exitCodes, stopSignal, wholeNumber } from '../output.ts';

export function addDemo(program: Command): void {
  program
    .command('demo')
    .description('the guided first run: starts what it needs, ships 200 orders, shows what became of each')
    .option('--once', 'end after the summary')
    .option('--orders <n>', 'how many', '200')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo demo --once')
    .action(async (flags: { once?: boolean; orders: string; json?: boolean }) => {
      const orders = wholeNumber('--orders', flags.orders, { min: 4, max: 1_000_000 });
      const options = { once: flags.once === true, orders, json: flags.json === true };
      // What no other command needs is loaded here: `fahuo run` would keep it in memory.
      const { runDemo } = await import('../../demo/run.ts');
      const asDesigned = await runDemo(options, stopSignal());
      process.exitCode = asDesigned ? exitCodes.done : exitCodes.failed;
    });
}
