import type { Command } from 'commander';
import { systemClock } from '../../clock.ts';
import { createSandbox } from '../../sandbox/run.ts';
import { answer, stopSignal, wholeNumber } from '../output.ts';

type Flags = { port: string; latency: string; autoCreate?: boolean; json?: boolean };

export function addSandbox(program: Command): void {
  program
    .command('sandbox')
    .description('a faithful WeChat for development, in memory; see docs/operations.md for its admin paths')
    .option('--port <n>', '0 takes any free port', '9471')
    .option('--latency <ms>', 'before every answer', '0')
    .option('--auto-create', 'every payment that is asked for exists')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo sandbox --port 9471 --auto-create')
    .action(async (flags: Flags) => {
      const port = wholeNumber('--port', flags.port, { max: 65_535 });
      const latencyMs = wholeNumber('--latency', flags.latency, { max: 600_000 });
      const signal = stopSignal();
      const options = { port, latencyMs, autoCreatePayments: flags.autoCreate === true };
      const sandbox = await createSandbox(options, systemClock);
      answer(
        flags.json,
        { url: sandbox.url },
        () => `The sandbox listens on ${sandbox.url}. Ctrl-C ends it.`,
      );
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      await sandbox.stop();
    });
}
