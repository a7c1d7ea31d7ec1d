import type { Command } from 'commander';
import { readDeadLetters, type DeadLetterStory } from '../../console/story-store.ts';
import { readLetter, type Letter } from '../../consumer/redrive-store.ts';
import { header } from '../../consumer/candidate.ts';
import { eventText } from '../../replay/redrive.ts';
import { answer, exitCodes, wholeNumber } from '../output.ts';
import { withDatabase } from '../session.ts';
import { addRedrive } from './redrive.ts';

type Flags = { limit: string; after: string; all?: boolean; json?: boolean };

export function addDeadLetters(program: Command): void {
  const command = program.command('dead-letters').description('messages that never became uploads');
  addListing(command);
  addLetter(command);
  addRedrive(command);
}

function addListing(command: Command): void {
  command
    .command('list')
    .description('oldest first, with the reason; what was redriven is left out')
    .option('--limit <n>', 'at most so many', '50')
    .option('--after <id>', 'the page behind this id', '0')
    .option('--all', 'those that were redriven as well')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo dead-letters list --limit 10')
    .action(async ({ limit, after, all = false, json }: Flags) => {
      const page = {
        limit: wholeNumber('--limit', limit, { min: 1 }),
        after: wholeNumber('--after', after),
        all,
      };
      const letters = await withDatabase({ max: 1 }, ({ pool }) => readDeadLetters(pool, page));
      if (letters.length === 0) process.exitCode = exitCodes.nothingMatched;
      answer(json, letters, () =>
        letters.length === 0 ? 'No dead letters.' : letters.map(renderLetter).join('\n'),
      );
    });
}

function addLetter(command: Command): void {
  command
    .command('show <id>')
    .description('one letter whole: its reason, its message, and what was done about it')
    .option('--event', 'the event alone, to be edited and given to redrive --edit')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo dead-letters show 7 --event > event.json')
    .action(async (id: string, { event, json }: { event?: boolean; json?: boolean }) => {
      const number = wholeNumber('ID', id);
      const letter = await withDatabase({ max: 1 }, ({ pool }) => readLetter(pool, number));
      if (letter === null) process.exitCode = exitCodes.nothingMatched;
      answer(json, letter === null ? null : jsonOf(letter), () => {
        if (letter === null) return `There is no dead letter ${id}.`;
        return event === true ? eventText(letter.received) : renderWhole(letter);
      });
    });
}

const jsonOf = ({ received, ...letter }: Letter) => ({
  ...letter,
  topic: received.topic,
  partition: received.partition,
  offset: received.offset,
  key: received.key?.toString('utf8') ?? null,
  headers: Object.fromEntries(Object.keys(received.headers).map((name) => [name, header(received, name)])),
  event: eventText(received),
});

const renderWhole = (letter: Letter): string =>
  [
    renderLetter({ ...letter, ...letter.received }),
    ...Object.keys(letter.received.headers).map(
      (name) => `    ${name}: ${header(letter.received, name) ?? ''}`,
    ),
    eventText(letter.received),
    ...(letter.redrivenEvent === null ? [] : ['redriven as', letter.redrivenEvent]),
  ].join('\n');

/** The detail ends with the remedy, and stands whole on lines of its own. */
const renderLetter = (letter: DeadLetterStory): string =>
  [
    `${letter.id}  ${letter.reason}  ${letter.topic}/${letter.partition}@${letter.offset}  payment ${letter.payment ?? '-'}  event ${letter.eventId ?? '-'}  ${letter.receivedAt.toISOString()}`,
    ...letter.detail.split('\n').map((line) => `    ${line}`),
    ...(letter.redrivenAt === null
      ? []
      : [`    redriven ${letter.redrivenAt.toISOString()} by ${letter.redrivenBy ?? '-'}`]),
  ].join('\n');
