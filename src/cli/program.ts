import { Command } from 'commander';
import { loadEnvFile } from './env-file.ts';
import { version } from './version.ts';

type Add = (program: Command) => void;
type CommandModule = { names: readonly string[]; load: () => Promise<Add> };

/** In the order of the help. A process loads the one that it runs: all of them take 0.3 s of CPU and 25 MB. */
const modules: readonly CommandModule[] = [
  { names: ['init'], load: async () => (await import('./commands/init.ts')).addInit },
  { names: ['migrate'], load: async () => (await import('./commands/migrate.ts')).addMigrate },
  { names: ['doctor'], load: async () => (await import('./commands/doctor.ts')).addDoctor },
  { names: ['run'], load: async () => (await import('./commands/run.ts')).addRun },
  { names: ['check'], load: async () => (await import('./commands/check.ts')).addCheck },
  { names: ['enqueue'], load: async () => (await import('./commands/enqueue.ts')).addEnqueue },
  { names: ['status'], load: async () => (await import('./commands/status.ts')).addStatus },
  { names: ['list'], load: async () => (await import('./commands/list.ts')).addList },
  { names: ['show'], load: async () => (await import('./commands/show.ts')).addShow },
  { names: ['replay'], load: async () => (await import('./commands/replay.ts')).addReplay },
  { names: ['reconcile'], load: async () => (await import('./commands/reconcile.ts')).addReconcile },
  { names: ['money'], load: async () => (await import('./commands/money.ts')).addMoney },
  { names: ['dead-letters'], load: async () => (await import('./commands/dead-letters.ts')).addDeadLetters },
  { names: ['resolve'], load: async () => (await import('./commands/resolve.ts')).addResolve },
  { names: ['adopt'], load: async () => (await import('./commands/adopt.ts')).addAdopt },
  { names: ['outbox'], load: async () => (await import('./commands/outbox.ts')).addOutbox },
  { names: ['pause', 'resume'], load: async () => (await import('./commands/pause.ts')).addPause },
  { names: ['webhook'], load: async () => (await import('./commands/webhook.ts')).addWebhook },
  { names: ['database'], load: async () => (await import('./commands/database.ts')).addDatabase },
  { names: ['retire'], load: async () => (await import('./commands/retire.ts')).addRetire },
  { names: ['wechat'], load: async () => (await import('./commands/wechat.ts')).addWechat },
  { names: ['carriers'], load: async () => (await import('./commands/carriers.ts')).addCarriers },
  { names: ['sandbox'], load: async () => (await import('./commands/sandbox.ts')).addSandbox },
  { names: ['parts'], load: async () => (await import('./commands/parts.ts')).addParts },
  { names: ['demo'], load: async () => (await import('./commands/demo.ts')).addDemo },
];
/** The shell's completion knows them all: it needs the whole tree, as help and a word that is none do. */
const lastModule: CommandModule = {
  names: ['completion'],
  load: async () => (await import('./commands/completion.ts')).addCompletion,
};

/** Of the modules, those that these words need. */
function neededFor(words: readonly string[]): readonly CommandModule[] {
  const [first, second, third] = words;
  const word = first === '--env-file' ? third : first?.startsWith('--env-file=') === true ? second : first;
  const named = modules.filter(({ names }) => word !== undefined && names.includes(word));
  return named.length === 1 ? named : [...modules, lastModule];
}

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

/**
 * The command line, as much of it as `words` need; all of it without. Errors are thrown, and said by {@link explain}.
 */
export async function createProgram(words: readonly string[] = []): Promise<Command> {
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
  for (const { load } of neededFor(words)) (await load())(program);
  return program;
}
