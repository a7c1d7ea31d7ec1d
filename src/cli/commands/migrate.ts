import type { Command } from 'commander';
import type { MigrateError, MigrateRefusal } from '../../../db/migrate.ts';
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
      // Loading drizzle alone takes 160 MB for a moment, of which `fahuo run` would have its share.
      const { migrate, MigrateError } = await import('../../../db/migrate.ts');
      const { applied, notices } = await migrate(url).catch((error: unknown) => {
        throw error instanceof MigrateError ? refused(error) : databaseError(error, 'migrate: Postgres');
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

function refused(error: MigrateError): FahuoError {
  const message = `migrate: ${messageOf(error)}`;
  const { refusal, statements } = error;
  return new FahuoError(codes[refusal], message, {
    cause: error,
    ...(statements === undefined
      ? {}
      : { remedy: `Let an administrator run \`${statements}\` once, then migrate again.` }),
  });
}
