import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { FahuoError } from '../errors.ts';
import { addCheck } from './commands/check.ts';
import { addDatabase } from './commands/database.ts';
import { addDeadLetters } from './commands/dead-letters.ts';
import { addDemo } from './commands/demo.ts';
import { addDoctor } from './commands/doctor.ts';
import { addEnqueue } from './commands/enqueue.ts';
import { addMigrate } from './commands/migrate.ts';
import { addOutbox } from './commands/outbox.ts';
import { addParts } from './commands/parts.ts';
import { addPause } from './commands/pause.ts';
import { addReplay } from './commands/replay.ts';
import { addRetire } from './commands/retire.ts';
import { addRun } from './commands/run.ts';
import { addSandbox } from './commands/sandbox.ts';
import { addShow } from './commands/show.ts';
import { addStatus } from './commands/status.ts';
import { exitCodes } from './output.ts';

const { version } = createRequire(import.meta.url)('fahuo/package.json') as { version: string };

const program = new Command('fahuo')
  .version(version)
  .description("carries shipping events from an order database to WeChat's order-shipping API, once")
  .exitOverride()
  .showHelpAfterError()
  .addHelpText('after', '\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 nothing matched.');
for (const add of [
  addMigrate,
  addRun,
  addCheck,
  addEnqueue,
  addStatus,
  addShow,
  addReplay,
  addDeadLetters,
  addOutbox,
  addPause,
  addDatabase,
  addRetire,
  addDoctor,
  addSandbox,
  addParts,
  addDemo,
])
  add(program);

// `fahuo … | head`: a reader that has seen enough is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(exitCodes.done);
  throw error;
});

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

/** One line and its remedy; a stack only for bugs. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  if (!(error instanceof FahuoError)) throw error;
  process.stderr.write(`fahuo: ${error.message}\n${error.remedy}\n`);
  return error.code === 'USAGE' ? exitCodes.usage : exitCodes.failed;
}
