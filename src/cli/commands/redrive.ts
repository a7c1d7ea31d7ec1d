import type { Command } from 'commander';
import { userInfo } from 'node:os';
import { deadLetterReasons } from '../../../db/states.ts';
import { systemClock } from '../../clock.ts';
import { openCarrierList } from '../../carriers/list.ts';
import type { AcceptOptions } from '../../consumer/accepted.ts';
import { readOpenLetters, type LetterSelection } from '../../consumer/redrive-store.ts';
import { createMetrics } from '../../metrics.ts';
import { executeRedrive, planRedrive, type RedrivePlan } from '../../replay/redrive.ts';
import type { Config } from '../../roles/config.ts';
import type { CarrierIds } from '../../shipment/combinations.ts';
import { fileText } from '../event-file.ts';
import { readEvents } from '../event-text.ts';
import { answer, exitCodes, unknownWord, usage, wholeNumber } from '../output.ts';
import { withDatabase, type Session } from '../session.ts';

type Flags = {
  payment?: string;
  reason?: string;
  edit?: string;
  limit: string;
  after: string;
  execute?: boolean;
  json?: boolean;
};

export function addRedrive(command: Command): void {
  command
    .command('redrive [ids...]')
    .description("offer letters again, judged by today's rules; a dry run unless --execute")
    .option('--payment <id>', "this payment's letters")
    .option('--reason <reason>', `letters with this reason: ${deadLetterReasons.join(', ')}`)
    .option(
      '--edit <file>',
      'offer the event in this file instead of what the letter holds: one letter alone',
    )
    .option('--limit <n>', 'at most so many', '500')
    .option('--after <id>', 'letters behind this id', '0')
    .option('--execute', 'do it')
    .option('--json', 'answer in JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  $ fahuo dead-letters redrive --reason invalid\n  $ fahuo dead-letters show 7 --event > event.json\n  $ fahuo dead-letters redrive 7 --edit event.json --execute',
    )
    .action(async (ids: string[], flags: Flags) => {
      const selection = selectionOf(ids, flags);
      const edited = flags.edit === undefined ? null : await editedEvent(flags.edit);
      return withDatabase({ max: 2 }, (session) => redrive(session, { selection, edited, flags }));
    });
}

function selectionOf(ids: readonly string[], { payment, reason, limit, after }: Flags): LetterSelection {
  if (ids.length === 0 && payment === undefined && reason === undefined)
    throw usage('say which letters: their ids, --payment or --reason; `fahuo dead-letters list` shows them');
  if (reason !== undefined && !deadLetterReasons.some((one) => one === reason))
    throw unknownWord('--reason', reason, deadLetterReasons);
  return {
    ids: ids.length === 0 ? null : ids.map((id) => wholeNumber('ID', id)),
    payment: payment ?? null,
    reason: reason ?? null,
    limit: wholeNumber('--limit', limit, { min: 1 }),
    after: wholeNumber('--after', after),
  };
}

async function editedEvent(file: string): Promise<string> {
  const [event, ...others] = readEvents(await fileText(file));
  if (event?.kind !== 'json' || others.length > 0) throw usage(`${file} must hold one event as JSON`);
  return JSON.stringify(event.value);
}

type Asked = { selection: LetterSelection; edited: string | null; flags: Flags };
type Outcome = RedrivePlan & { done: boolean | null };

async function redrive({ pool, log, config }: Session, { selection, edited, flags }: Asked): Promise<void> {
  const letters = await readOpenLetters(pool, selection);
  if (edited !== null && letters.length > 1) throw usage('--edit takes one letter: give its id');
  const options = { ...acceptOptions(config, await openCarrierList(pool)), by: userInfo().username };
  const outcomes: Outcome[] = [];
  for (const letter of letters) {
    const plan = await planRedrive(pool, { letter, edited }, options);
    const act = flags.execute === true && plan.fate.kind !== 'refused';
    const done = act ? await executeRedrive({ pool, log, metrics: createMetrics() }, plan, options) : null;
    outcomes.push({ ...plan, done });
  }
  process.exitCode = exitCodeOf(outcomes, flags.execute === true);
  answer(flags.json, outcomes.map(jsonOf), () => render(outcomes, flags.execute === true));
}

const acceptOptions = (config: Config, carriers: CarrierIds): AcceptOptions => ({
  carriers,
  maskContacts: config.consumer.maskContacts,
  carrierAliases: config.consumer.carrierAliases,
  acknowledgements: config.upload.acknowledgements,
  clock: systemClock,
});

function exitCodeOf(outcomes: readonly Outcome[], executing: boolean): number {
  if (outcomes.length === 0) return exitCodes.nothingMatched;
  return executing && outcomes.some(({ done }) => done !== true) ? exitCodes.failed : exitCodes.done;
}

const jsonOf = ({ letter, fate, diff, done }: Outcome) => ({
  id: letter.id,
  payment: letter.payment,
  event_id: letter.eventId,
  ...fate,
  diff,
  redriven: done === true,
});

function render(outcomes: readonly Outcome[], executing: boolean): string {
  if (outcomes.length === 0) return 'No dead letter is open that matches.';
  const able = outcomes.filter(({ fate }) => fate.kind !== 'refused').length;
  const done = outcomes.filter((one) => one.done === true).length;
  return [
    ...outcomes.flatMap((one) => [lineOf(one), ...one.diff.map((line) => `    ${line}`)]),
    executing
      ? `${done} of ${outcomes.length} redriven.`
      : `Dry run: ${able} of ${outcomes.length} would be redriven, nothing was changed. Add --execute to do it.`,
  ].join('\n');
}

const lineOf = ({ letter, fate, done }: Outcome): string =>
  `${letter.id}  payment ${letter.payment ?? '-'}  event ${letter.eventId ?? '-'}: ${sayingOf(fate)}${
    done === false ? ' — not redriven: somebody was faster, or it is refused now' : ''
  }`;

function sayingOf(fate: RedrivePlan['fate']): string {
  switch (fate.kind) {
    case 'to_send':
      return 'to be sent';
    case 'superseded':
      return 'goes on record as superseded: WeChat has a newer version';
    case 'second':
      return 'goes on record as superseded: the payment has its one reminder already';
    case 'known':
      return 'known already: nothing is sent';
    case 'refused':
      return `still refused: ${fate.detail}`;
  }
}
