import type { Command } from 'commander';
import { migrate, MigrateError, type MigrateRefusal } from '../../../db/migrate.ts';
import { readConfig } from '../../roles/config.ts';
import { databaseUrlOf } from '../../roles/postgres.ts';
import { databaseError, openLog } from '../../roles/services.ts';
import { FahuoError, messageOf, type ErrorCode } from '../../errors.ts';
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
      const config = readConfig();
      openLog(config);
      const url = databaseUrlOf(config);
      const { applied, notices } = await migrate(url).catch((error: unknown) => {
        throw refused(error);
      });
      for (const notice of notices) process.stderr.write(`fahuo: ${notice}\n`);
      answer(json, { migrated: true, applied, notices }, () =>
        applied.length === 0
          ? 'The schema fahuo is up to date; there was nothing to apply.'
          : `Applied ${applied.join(', ')}. The schema fahuo is up to date.`,
      );
    });
}

const codes = {
  pooled: 'POOLED_CONNECTION',
  newer: 'SCHEMA_NEWER',
  foreign: 'SCHEMA_FOREIGN',
  denied: 'RIGHTS_MISSING',
  held_up: 'MIGRATION_BLOCKED',
} satisfies Record<MigrateRefusal, ErrorCode>;

function refused(error: unknown): FahuoError {
  if (!(error instanceof MigrateError)) return databaseError(error, 'migrate: Postgres');
  const message = `migrate: ${messageOf(error)}`;
  const { refusal, statements } = error;
  return new FahuoError(codes[refusal], message, {
    cause: error,
    ...(statements === undefined
      ? {}
      : { remedy: `Let an administrator run \`${statements}\` once, then migrate again.` }),
  });
}
