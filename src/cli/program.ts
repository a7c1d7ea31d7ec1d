import { Command } from 'commander';
import { addAdopt } from './commands/adopt.ts';
import { addCarriers } from './commands/carriers.ts';
import { addCheck } from './commands/check.ts';
import { addCompletion } from './commands/completion.ts';
import { addDatabase } from './commands/database.ts';
import { addDeadLetters } from './commands/dead-letters.ts';
import { addDemo } from './commands/demo.ts';
import { addDoctor } from './commands/doctor.ts';
import { addEnqueue } from './commands/enqueue.ts';
import { addInit } from './commands/init.ts';
import { addList } from './commands/list.ts';
import { addMigrate } from './commands/migrate.ts';
import { addMoney } from './commands/money.ts';
import { addOutbox } from './commands/outbox.ts';
import { addParts } from './commands/parts.ts';
import { addPause } from './commands/pause.ts';
import { addReconcile } from './commands/reconcile.ts';
import { addReplay } from './commands/replay.ts';
import { addResolve } from './commands/resolve.ts';
import { addRetire } from './commands/retire.ts';
import { addRun } from './commands/run.ts';
import { addSandbox } from './commands/sandbox.ts';
import { addShow } from './commands/show.ts';
import { addStatus } from './commands/status.ts';
import { loadEnvFile } from './env-file.ts';
import { version } from './version.ts';

const commands = [
  addInit,
  addMigrate,
  addDoctor,
  addRun,
  addCheck,
  addEnqueue,
  addStatus,
  addList,
  addShow,
  addReplay,
  addReconcile,
  addMoney,
  addDeadLetters,
  addResolve,
  addAdopt,
  addOutbox,
  addPause,
  addDatabase,
  addRetire,
  addCarriers,
  addSandbox,
  addParts,
  addDemo,
  addCompletion,
];

/**
 * These make services and databases of their own where the environment names none: a `.env` that lies in the folder
 * for `fahuo run` must not lead the demo into a shop's database.
 */
const withoutDefaultFile = ['init', 'demo', 'parts', 'sandbox', 'completion'];
export const readsEnvFile = (command: Command): boolean => !withoutDefaultFile.includes(command.name());

const examples = `
Examples:
  $ fahuo init && fahuo doctor     # write .env, then check what it says
  $ fahuo run                      # everything, until Ctrl-C
  $ fahuo show PAYMENT             # one payment's story

Settings come from the environment and from .env: docs/settings.md.
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 nothing matched.`;

/** The whole command line. Errors are thrown, and said by {@link explain}. */
export function createProgram(): Command {
  const program = new Command('fahuo')
    .description("carries shipping events from an order database to WeChat's order-shipping API, once")
    .version(version, '-V, --version', 'print the version')
    .option('--env-file <path>', 'read settings from this file instead of .env; the environment wins')
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
    .addHelpText('after', examples)
    .hook('preAction', (_program, command) => {
      const { envFile } = program.opts<{ envFile?: string }>();
      if (envFile !== undefined || readsEnvFile(command)) loadEnvFile(envFile);
    });
  for (const add of commands) add(program);
  return program;
}
