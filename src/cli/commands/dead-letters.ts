import type { Command } from 'commander';
import { readConfig } from '../../roles/config.ts';
import { readDeadLetters } from '../../console/story-store.ts';
import { answer, exitCodes, table, usage } from '../output.ts';
import { openLog, openPool } from '../../roles/services.ts';

export function addDeadLetters(program: Command): void {
  const command = program.command('dead-letters').description('messages that never became uploads');
  command
    .command('list')
    .description('oldest first, with the reason')
    .option('--limit <n>', 'at most so many', '50')
    .option('--after <id>', 'the page behind this id', '0')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo dead-letters list --limit 10')
    .action(async (flags: { limit: string; after: string; json?: boolean }) => {
      if (!/^\d+$/.test(flags.limit) || !/^\d+$/.test(flags.after))
        throw usage('--limit and --after must be whole numbers');
      const config = readConfig();
      const pool = await openPool(config, openLog(config), { max: 1 });
      const letters = await readDeadLetters(pool, { limit: Number(flags.limit), after: Number(flags.after) });
      await pool.end();
      if (letters.length === 0) process.exitCode = exitCodes.nothingMatched;
      answer(flags.json, letters, () =>
        letters.length === 0
          ? 'No dead letters.'
          : table(
              letters.map((letter) => [
                letter.id,
                letter.reason,
                `${letter.topic}/${letter.partition}@${letter.offset}`,
                letter.detail.slice(0, 120),
              ]),
            ),
      );
    });
}
