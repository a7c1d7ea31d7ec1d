import type { Command } from 'commander';
import { readConfig } from '../../roles/config.ts';
import { bundledCarriers } from '../../shipment/carriers.ts';
import { partPlace } from '../../shipment/combined.ts';
import { checkCombined, isCombined, type ContractOptions, type Problem } from '../../shipment/contract.ts';
import { checkEnqueued } from '../../shipment/offer.ts';
import { fileText, nameOf } from '../event-file.ts';
import { readEvents, type Written } from '../event-text.ts';
import { answer, exitCodes, usage } from '../output.ts';

/** What a door would say of one event. */
type Result = { line: number; ok: boolean; notes: string[]; problems: Problem[] };

export function addCheck(program: Command): void {
  program
    .command('check <file>')
    .description('check events against the contract, without any service: one a line, one alone, or an array')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExamples:\n  $ fahuo check events.ndjson\n  $ echo "$EVENT" | fahuo check -')
    .action(async (file: string, { json }: { json?: boolean }) => {
      const { maskContacts, carrierAliases } = readConfig().consumer;
      const options = { carriers: bundledCarriers(), maskContacts, carrierAliases };
      const results = readEvents(await fileText(file)).map((event) => resultOf(event, options));
      if (results.length === 0) throw usage(`${nameOf(file)} holds no event`);
      const problems = results.flatMap((result) =>
        result.problems.map((problem) => ({ line: result.line, ...problem })),
      );
      answer(json, { events: results.length, problems, results }, () => render(results));
      process.exitCode = problems.length === 0 ? exitCodes.done : exitCodes.failed;
    });
}

function resultOf(event: Written, options: ContractOptions): Result {
  const { line } = event;
  const wrong = (problems: Problem[]): Result => ({ line, ok: false, notes: [], problems });
  if (event.kind === 'broken')
    return wrong([{ field: 'event', value: 'no JSON', rule: `must be one JSON object: ${event.why}` }]);
  const checked = isCombined(event.value)
    ? checkCombined(event.value, options)
    : checkEnqueued(event.value, options);
  if (checked.kind === 'invalid') return wrong(checked.problems);
  const notes = 'parts' in checked ? notesOf(checked.parts) : checked.notes;
  return { line, ok: true, notes, problems: [] };
}

/** What was changed in the parts, each where it stands in the combined event; what they share is said once. */
function notesOf(parts: readonly { notes: readonly string[] }[]): string[] {
  const placed = parts.flatMap(({ notes }, at) =>
    notes.map((note) => (note.startsWith('data.payer.') ? note : note.replace(/^data/, partPlace(at)))),
  );
  return [...new Set(placed)];
}

function render(results: readonly Result[]): string {
  const counted = `${results.length} ${results.length === 1 ? 'event' : 'events'} checked`;
  const wrong = results.filter(({ ok }) => !ok).length;
  return [
    ...results.flatMap(linesOf),
    wrong === 0 ? `${counted}: all in order.` : `${counted}: ${wrong} with problems.`,
  ].join('\n');
}

/** A line a problem; one for an event that is taken, and one for each change. */
function linesOf({ line, ok, notes, problems }: Result): string[] {
  if (!ok) return problems.map(({ field, value, rule }) => `line ${line}: ${field} is ${value}: ${rule}`);
  return [`line ${line}: ok`, ...notes.map((note) => `line ${line}: taken, ${note}`)];
}
