import type { Command } from 'commander';
import { createAppSet } from '../../apps/app-set.ts';
import { systemRandom } from '../../clock.ts';
import { refreshNow } from '../../carriers/refresh.ts';
import { readApps } from '../../roles/apps.ts';
import { openWechat } from '../../roles/shared-state.ts';
import { answer, exitCodes, stopSignal } from '../output.ts';
import { withDatabase, type Session } from '../session.ts';

export function addCarriers(program: Command): void {
  program
    .command('carriers')
    .description('the carriers that events may name')
    .command('refresh')
    .description("take WeChat's list of carriers now; the instances do so daily")
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo carriers refresh')
    .action(({ json }: { json?: boolean }) => withDatabase({ max: 2 }, (session) => refresh(session, json)));
}

async function refresh(session: Session, json: boolean | undefined): Promise<void> {
  const { log, pool } = session;
  const apps = readApps(session.config);
  const { wechat } = openWechat({ ...session, apps: createAppSet(apps) });
  const appids = apps.map(({ appid }) => appid);
  const result = await refreshNow({ pool, log, wechat, random: systemRandom }, appids, stopSignal());
  if (result.kind === 'kept') process.exitCode = exitCodes.failed;
  answer(json, result, () =>
    result.kind === 'kept'
      ? `The list stays as it is: ${result.why}.`
      : `${result.added.length} added${result.added.length === 0 ? '' : `: ${result.added.join(', ')}`}; ${result.renamed.length} renamed.`,
  );
}
