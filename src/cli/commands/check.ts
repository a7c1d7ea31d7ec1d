import { readFileSync } from 'node:fs';
import { text as readText } from 'node:stream/consumers';
import type { Command } from 'commander';
import { messageOf } from '../../errors.ts';
import { readConfig } from '../../roles/config.ts';
import { bundledCarriers } from '../../shipment/carriers.ts';
import { checkEvent, type Problem } from '../../shipment/contract.ts';
import { maskContacts } from '../../shipment/mask.ts';
import { readEvents, type Written } from '../event-text.ts';
import { answer, exitCodes, usage } from '../output.ts';

type Found = Problem & { line: number };

export function addCheck(program: Command): void {
  program
    .command('check <file>')
    .description('check events against the contract, without any service: one a line, one alone, or an array')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExamples:\n  $ fahuo check events.ndjson\n  $ echo "$EVENT" | fahuo check -')
    .action(async (file: string, { json }: { json?: boolean }) => {
      const mask = readConfig().consumer.maskContacts;
      const events = readEvents(await textOf(file));
      if (events.length === 0) throw usage(`${nameOf(file)} holds no event`);
      const problems = events.flatMap((event) => problemsOf(event, mask));
      answer(json, { events: events.length, problems }, () => render(events.length, problems));
      process.exitCode = problems.length === 0 ? exitCodes.done : exitCodes.failed;
    });
}

const nameOf = (file: string): string => (file === '-' ? 'standard input' : file);

async function textOf(file: string): Promise<string> {
  try {
    return file === '-' ? await readText(process.stdin) : readFileSync(file, 'utf8');
  } catch (error) {
    throw usage(`${nameOf(file)} cannot be read: ${messageOf(error)}`);
  }
}

function problemsOf(event: Written, mask: boolean): Found[] {
  const { line } = event;
  if (event.kind === 'broken')
    return [{ line, field: 'event', value: 'no JSON', rule: `must be one JSON object: ${event.why}` }];
  return contractProblems(mask ? maskContacts(event.value) : event.value).map((problem) => ({
    line,
    ...problem,
  }));
}

/** What `enqueue` would refuse. */
function contractProblems(event: unknown): Problem[] {
  const checked = checkEvent(event, { carriers: bundledCarriers() });
  return checked.kind === 'valid' ? [] : checked.problems;
}

function render(events: number, problems: readonly Found[]): string {
  const counted = `${events} ${events === 1 ? 'event' : 'events'} checked`;
  if (problems.length === 0) return `${counted}: all in order.`;
  const wrong = new Set(problems.map(({ line }) => line)).size;
  return [
    ...problems.map(({ line, field, value, rule }) => `line ${line}: ${field} is ${value}: ${rule}`),
    `${counted}: ${wrong} with problems.`,
  ].join('\n');
}
