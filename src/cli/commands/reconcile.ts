import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { createAppSet } from '../../apps/app-set.ts';
import { createPauses } from '../../apps/pauses.ts';
import { keepRates } from '../../apps/rates.ts';
import { openCarrierList } from '../../carriers/list.ts';
import { systemClock, systemRandom } from '../../clock.ts';
import { acceptMessages } from '../../consumer/handle.ts';
import { createMetrics } from '../../metrics.ts';
import { listRange, type Ranged } from '../../reconcile/range.ts';
import type { Span } from '../../reconcile/windows.ts';
import { parseInstant } from '../../replay/when.ts';
import { readApps } from '../../roles/apps.ts';
import { reconcileOptionsOf } from '../../roles/reconcile.ts';
import { createBudget, openWechat } from '../../roles/shared-state.ts';
import { answer, exitCodes, stopSignal, unknownWord, usage } from '../output.ts';
import { withDatabase, type Session } from '../session.ts';
import { reportRanged } from './reconcile-report.ts';

type Flags = { from?: string; to?: string; app?: string; execute?: boolean; json?: boolean };

const examples = `
Examples:
  $ fahuo reconcile --from 2026-11-23T00:00:00+08:00
  $ fahuo reconcile --from 2026-11-23T00:00:00+08:00 --to 2026-11-24T00:00:00+08:00 --execute`;

export function addReconcile(program: Command): void {
  program
    .command('reconcile')
    .description("WeChat's list of payments beside what we hold; a dry run unless --execute")
    .option('--from <t>', 'paid from this time on, zone required: 2026-11-23T10:00:00+08:00')
    .option('--to <t>', 'paid before this time; now unless given')
    .option('--app <appid>', 'this app alone')
    .option('--execute', 'record what WeChat shows, and offer again what two reads, apart, show as missing')
    .option('--json', 'answer in JSON')
    .addHelpText('after', examples)
    .action((flags: Flags) => {
      const span = spanOf(flags, systemClock());
      return withDatabase({ max: 4, keyLookups: true }, (session) => run(session, flags, span));
    });
}

/** @throws FahuoError USAGE */
function spanOf({ from, to }: Flags, now: Date): Span {
  if (from === undefined) throw usage('give --from: the time from which on payments were made');
  const [beginMs, endMs] = [
    instantOf('--from', from),
    to === undefined ? now.getTime() : instantOf('--to', to),
  ];
  if (beginMs >= endMs)
    throw usage(`--from ${from} is not before ${to === undefined ? 'now' : `--to ${to}`}`);
  return { beginMs, endMs };
}

function instantOf(flag: string, text: string): number {
  const parsed = parseInstant(text);
  if (parsed.kind === 'bad') throw usage(`${flag} ${text} ${parsed.rule}`);
  return parsed.at.getTime();
}

async function run(session: Session, flags: Flags, span: Span): Promise<void> {
  const { config, log, pool } = session;
  const apps = readApps(config);
  const chosen = apps.filter(({ appid }) => flags.app === undefined || appid === flags.app);
  if (chosen.length === 0)
    throw unknownWord(
      '--app',
      flags.app ?? '',
      apps.map(({ appid }) => appid),
    );
  const { redis, wechat } = openWechat({ ...session, apps: createAppSet(apps) });
  const metrics = createMetrics();
  const budget = createBudget({ config, pool, redis, log });
  const pauses = createPauses({ pool, log, metrics });
  const shared = { pool, log, metrics, budget, wechat, pauses, clock: systemClock, random: systemRandom };
  const options = reconcileOptionsOf(config, randomUUID(), await openCarrierList(pool));
  const execute = flags.execute === true;
  const stop = stopSignal();
  const rates = new AbortController();
  const rated = keepRates(shared, createAppSet(chosen), AbortSignal.any([stop, rates.signal])).catch(
    () => undefined,
  );
  await pauses.refresh();
  const ranged: Ranged[] = [];
  for (const { appid } of chosen)
    ranged.push(await listRange({ ...shared, acceptMessages }, options, { appid, span, execute }, stop));
  rates.abort();
  await rated;
  const { apartMs } = options;
  const { exitCode, json, lines } = reportRanged(ranged, { execute, now: systemClock(), apartMs });
  if (exitCode !== exitCodes.done) process.exitCode = exitCode;
  answer(flags.json, json, () => [...echoOf(span), ...lines].join('\n'));
}

const echoOf = ({ beginMs, endMs }: Span): string[] =>
  [new Date(beginMs), new Date(endMs)].map(
    (at, index) => `${index === 0 ? 'from' : 'to'} ${at.toISOString()} UTC = ${at.toString()}`,
  );
