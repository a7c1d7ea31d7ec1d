import type { Command } from 'commander';
import { systemClock } from '../../clock.ts';
import { readMoney } from '../../payments/read-money.ts';
import { readListed } from '../../reconcile/status-store.ts';
import { topicsOf } from '../../roles/services.ts';
import { answer, exitCodes, wholeNumber } from '../output.ts';
import { withDatabase } from '../session.ts';
import { listedLines, moneyLines } from './money-report.ts';

type Flags = { app?: string; limit: string; json?: boolean };

export function addMoney(program: Command): void {
  program
    .command('money')
    .description('how much waits and why, what settles on which day, and whose 48 hours end')
    .option('--app <appid>', 'this app alone')
    .option('--limit <n>', 'so many of the dearest that are due', '10')
    .option('--json', 'answer in JSON; amounts in fen')
    .addHelpText('after', '\nExamples:\n  $ fahuo money\n  $ fahuo money --json')
    .action(async ({ app, json, ...flags }: Flags) => {
      const limit = wholeNumber('--limit', flags.limit, { max: 10_000 });
      const now = systemClock();
      const appid = app ?? null;
      const { money, listed } = await withDatabase({ max: 1 }, async ({ pool, config }) => ({
        money: await readMoney(pool, { appid, now, limit, topic: topicsOf(config).events }),
        listed: await readListed(pool, appid),
      }));
      const isEmpty = Object.values(money.places).every(({ payments }) => payments === 0);
      if (isEmpty) process.exitCode = exitCodes.nothingMatched;
      answer(json, { ...jsonOf(money), listed }, () =>
        isEmpty && app !== undefined
          ? `No payment of ${app} is known.`
          : [...moneyLines(money, now), '', ...listedLines(listed, now)].join('\n'),
      );
    });
}

const jsonOf = ({ dearest, ...money }: Awaited<ReturnType<typeof readMoney>>): object => ({
  ...money,
  dearest: dearest.map(({ paidAt, ...one }) => ({ ...one, paid_at: paidAt })),
});
