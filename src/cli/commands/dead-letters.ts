import type { Command } from 'commander';
import { readDeadLetters, type DeadLetterStory } from '../../console/story-store.ts';
import { answer, exitCodes, wholeNumber } from '../output.ts';
import { withDatabase } from '../session.ts';

type Flags = { limit: string; after: string; json?: boolean };

export function addDeadLetters(program: Command): void {
  const command = program.command('dead-letters').description('messages that never became uploads');
  command
    .command('list')
    .description('oldest first, with the reason')
    .option('--limit <n>', 'at most so many', '50')
    .option('--after <id>', 'the page behind this id', '0')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo dead-letters list --limit 10')
    .action(async ({ limit, after, json }: Flags) => {
      const page = { limit: wholeNumber('--limit', limit), after: wholeNumber('--after', after) };
      const letters = await withDatabase({ max: 1 }, ({ pool }) => readDeadLetters(pool, page));
      if (letters.length === 0) process.exitCode = exitCodes.nothingMatched;
      answer(json, letters, () =>
        letters.length === 0 ? 'No dead letters.' : letters.map(renderLetter).join('\n'),
      );
    });
}

/** The detail ends with the remedy, and stands whole on lines of its own. */
const renderLetter = (letter: DeadLetterStory): string =>
  [
    `${letter.id}  ${letter.reason}  ${letter.topic}/${letter.partition}@${letter.offset}  payment ${letter.payment ?? '-'}  event ${letter.eventId ?? '-'}  ${letter.receivedAt.toISOString()}`,
    ...letter.detail.split('\n').map((line) => `    ${line}`),
  ].join('\n');
