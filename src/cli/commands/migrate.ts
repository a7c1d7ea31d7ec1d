import type { Command } from 'commander';
import { migrate } from '../../../db/migrate.ts';
import { readConfig, required } from '../../config.ts';
import { FahuoError, messageOf } from '../../errors.ts';
import { answer } from '../output.ts';

export function addMigrate(program: Command): void {
  program
    .command('migrate')
    .description(
      'bring the schema fahuo of DATABASE_URL up to date; safe to repeat, and from several machines',
    )
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ DATABASE_URL=postgres://app@db/shop fahuo migrate')
    .action(async ({ json }: { json?: boolean }) => {
      const url = required(readConfig(), 'databaseUrl');
      await migrate(url).catch((cause: unknown) => {
        throw new FahuoError('DATABASE_UNREACHABLE', `migrate: ${messageOf(cause)}`, { cause });
      });
      answer(json, { migrated: true }, () => 'The schema fahuo is up to date.');
    });
}
