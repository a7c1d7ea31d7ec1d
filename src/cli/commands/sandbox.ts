import type { Command } from 'commander';
import { systemClock } from '../../clock.ts';
import { createSandbox } from '../../sandbox/run.ts';
import { answer, stopSignal, usage } from '../output.ts';

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
      const port = Number(flags.port);
      if (!Number.isInteger(port) || port < 0 || port > 65_535)
        throw usage(`--port ${flags.port} must be 0 to 65535`);
      const signal = stopSignal();
      const options = {
        port,
        latencyMs: Number(flags.latency),
        autoCreatePayments: flags.autoCreate === true,
      };
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
