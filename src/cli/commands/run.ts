import type { Command } from 'commander';
import { describeConfig, readConfig } from '../../roles/config.ts';
import { stopSignal, usage } from '../output.ts';
import { openLog } from '../../roles/services.ts';
import { roles, startRoles, type Role } from '../../roles/start.ts';

export function addRun(program: Command): void {
  program
    .command('run')
    .description('run the roles until SIGTERM or Ctrl-C; as many instances as you like')
    .option('--roles <list>', `some of ${roles.join(',')}`, roles.join(','))
    .option('--json', 'answer in JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  $ fahuo run\n  $ fahuo run --roles relay\n  $ fahuo run --roles consume,upload',
    )
    .action(async (options: { roles: string; json?: boolean }) => {
      const config = readConfig();
      const log = openLog(config);
      const wanted = parseRoles(options.roles);
      log.info({ roles: wanted, settings: describeConfig(config) }, 'fahuo.starting');
      const { url, done } = await startRoles({ config, log }, wanted, stopSignal());
      process.stdout.write(`${JSON.stringify({ started: true, roles: wanted, http: url })}\n`);
      await done;
      log.info('fahuo.stopped');
    });
}

function parseRoles(text: string): Role[] {
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !roles.some((role) => role === name));
  if (unknown !== undefined) throw usage(`--roles: ${unknown} is not one of ${roles.join(', ')}`);
  return names as Role[];
}
