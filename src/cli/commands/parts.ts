import type { Command } from 'commander';
import { sleep } from '../../clock.ts';
import { FahuoError, messageOf } from '../../errors.ts';
import type { PartName } from '../../parts/start.ts';
import { answer, exitCodes, stopSignal } from '../output.ts';

export function addParts(program: Command): void {
  program
    .command('parts')
    .description(
      'start Postgres, Kafka and Redis of your own, without Docker, and leave them running until Ctrl-C',
    )
    .option('--mysql', "start a MariaDB as well, to try `fahuo adopt` on a shop's tables")
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo parts        # copy what it prints into another terminal')
    .action(async ({ json, mysql }: { json?: boolean; mysql?: boolean }) => {
      const signal = stopSignal();
      note(`Starting Postgres, Kafka${mysql === true ? ', Redis and MariaDB' : ' and Redis'} …`);
      const { ownParts, startEach } = await import('../../parts/start.ts'); // `fahuo run` would keep it in memory
      const parts = await startEach(mysql === true ? [...ownParts, 'MYSQL_URL'] : ownParts);
      try {
        if (signal.aborted) return; // Ctrl-C reaches what was just starting as well: its failures say nothing
        for (const [name, failure] of Object.entries(parts.failures))
          note(missing(name as PartName, failure));
        const urls = Object.entries(parts.services).map(([name, { url }]) => [name, url] as const);
        process.exitCode = urls.length === 0 ? exitCodes.failed : exitCodes.done;
        if (process.exitCode === exitCodes.failed) return;
        answer(json, Object.fromEntries(urls), () => exportsOf(urls));
        note('They run until Ctrl-C, which removes their data as well.');
        await untilAborted(signal);
      } finally {
        await parts.stop();
      }
    });
}

const note = (line: string): void => void process.stderr.write(`${line}\n`);

const programs: Record<PartName, string> = {
  DATABASE_URL: 'Postgres',
  KAFKA_BROKERS: 'Kafka',
  REDIS_URL: 'Redis',
  MYSQL_URL: 'MariaDB',
};

/** A part that is missing, and the command that brings it, in one line. */
const missing = (name: PartName, failure: unknown): string =>
  `fahuo: no ${programs[name]}: ${firstLine(messageOf(failure))}. ${failure instanceof FahuoError ? failure.remedy : ''}`.trimEnd();

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? '';

const exportsOf = (urls: readonly (readonly [string, string])[]): string =>
  urls.map(([name, url]) => `export ${name}=${url}`).join('\n');

const dayMs = 86_400_000;

/** The parts keep no process alive, and a handler of signals does not either: a timer does. */
async function untilAborted(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) await sleep(dayMs, signal);
}
