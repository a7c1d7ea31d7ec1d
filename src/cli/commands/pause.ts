import type { Command } from 'commander';
import { deletePauses, insertPause } from '../../apps/pause-store.ts';
import { answer, exitCodes } from '../output.ts';
import { withDatabase } from '../session.ts';

export function addPause(program: Command): void {
  program
    .command('pause <appid>')
    .description('make no call for this app until it is resumed; calls under way end as usual')
    .requiredOption('--reason <text>', 'for those who read it later')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo pause wx0123456789abcdef --reason "console migration"')
    .action(async (appid: string, { reason, json }: { reason: string; json?: boolean }) => {
      const pause = { appid, endpoint: '*', errcode: null, reason, resumeAt: null } as const;
      const fresh = await withDatabase({ max: 1 }, ({ pool }) => insertPause(pool, pause));
      answer(json, { appid, paused: true, fresh }, () =>
        fresh ? `${appid} is paused.` : `${appid} was paused already.`,
      );
    });
  program
    .command('resume <appid>')
    .description('lift every pause of this app, those that WeChat caused included')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo resume wx0123456789abcdef')
    .action(async (appid: string, { json }: { json?: boolean }) => {
      const lifted = await withDatabase({ max: 1 }, ({ pool }) => deletePauses(pool, appid));
      if (lifted === 0) process.exitCode = exitCodes.nothingMatched;
      answer(json, { appid, lifted }, () =>
        lifted === 0 ? `${appid} was not paused.` : `${appid} is resumed.`,
      );
    });
}
