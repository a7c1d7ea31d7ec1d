import type { Command } from 'commander';
import { userInfo } from 'node:os';
import type { Pool } from '../../../db/client.ts';
import { FahuoError } from '../../errors.ts';
import { retireReceipts } from '../../receipt/verbs-store.ts';
import { countUnfinished, forgetApp, readServers, retire } from '../../upload/retire-store.ts';
import { answer, exitCodes } from '../output.ts';
import { withDatabase } from '../session.ts';

const batch = 500;

type Flags = { reason: string; execute?: boolean; json?: boolean };

export function addRetire(program: Command): void {
  program
    .command('retire <appid>')
    .description(
      'end every unfinished event of an app that is served no more, as rejected; a dry run by default',
    )
    .requiredOption('--reason <text>', 'for those who read it later; it stands in every acknowledgement')
    .option('--execute', 'do it')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo retire wx0123456789abcdef --reason "shop closed" --execute')
    .action((appid: string, flags: Flags) =>
      withDatabase({ max: 1 }, ({ pool, config: { upload } }) =>
        retireApp(pool, { appid, acknowledgements: upload.acknowledgements }, flags),
      ),
    );
}

async function retireApp(
  pool: Pool,
  app: { appid: string; acknowledgements: boolean },
  { reason, execute, json }: Flags,
): Promise<void> {
  const { appid } = app;
  const [server] = await readServers(pool, appid);
  if (server !== undefined && execute === true)
    throw new FahuoError('USAGE', `${appid} is served by the instance ${server}`, {
      remedy:
        'Take it out of FAHUO_APPS_FILE (or WECHAT_APPID), send SIGHUP to the instances or restart them, and run this again.',
    });
  const unfinished = await countUnfinished(pool, appid);
  const said = unfinished.map(({ state, rows }) => `${rows} ${state}`).join(', ') || 'nothing';
  if (execute !== true) {
    if (unfinished.length === 0) process.exitCode = exitCodes.nothingMatched;
    return answer(
      json,
      { appid, executed: false, unfinished },
      () => `Would end ${said} of ${appid}; --execute does it.`,
    );
  }
  const detail = `the app was retired by ${userInfo().username}: ${reason}`;
  let ended = 0;
  for (;;) {
    const moved = await retire(pool, { ...app, detail, limit: batch });
    if (moved === 0) break;
    ended += moved;
  }
  const reminders = await retireReceipts(pool, { appid, detail });
  await forgetApp(pool, appid);
  const left = (await countUnfinished(pool, appid)).reduce((sum, { rows }) => sum + rows, 0);
  if (left > 0) process.exitCode = exitCodes.failed;
  answer(json, { appid, executed: true, ended, reminders, left }, () =>
    left === 0
      ? `${ended} events and ${reminders} reminders of ${appid} are ended, and its tokens, pauses and budget are gone.`
      : `${ended} events of ${appid} are ended; ${left} are leased or locked now: run this again in a minute.`,
  );
}
