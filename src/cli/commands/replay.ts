import { randomUUID } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import { Option, type Command } from 'commander';
import type { Pool } from '../../../db/client.ts';
import { openCarrierList } from '../../carriers/list.ts';
import type { CarrierIds } from '../../shipment/combinations.ts';
import { systemClock } from '../../clock.ts';
import { createMetrics } from '../../metrics.ts';
import { executeReplay, goOn, leaseOf } from '../../replay/execute.ts';
import { readReplay, readReplays, resumeReplay, stopReplay } from '../../replay/replay-store.ts';
import { planReplay, type ReplayDeps, type ReplayOptions } from '../../replay/run.ts';
import type { Selection } from '../../replay/selection.ts';
import { retryParked } from '../../upload/verbs-store.ts';
import { kafkaConnection, topicsOf } from '../../roles/services.ts';
import { readConfig, type Config } from '../../roles/config.ts';
import { answer, exitCodes, stopSignal, wholeNumber } from '../output.ts';
import { addAdmin, withDatabase, type Session } from '../session.ts';
import { echoOf, selectionOf, wordsOf, type ReplayFlags } from './replay-flags.ts';
import { jsonOf, replayTable, reportPlan, reportReplay, type Report } from './replay-report.ts';

type Flags = ReplayFlags & { execute?: boolean; rate?: string; json?: boolean };

const database = { max: 4, keyLookups: true };

export function addReplay(program: Command): void {
  const command = program
    .command('replay')
    .description('offer events again, through the same idempotent door; a dry run unless --execute')
    .option('--earliest', 'everything that the topic still holds')
    .option('--from-offset <n>', 'from this offset on, in every partition')
    .option('--from-datetime <t>', 'from this time on, zone required: 2026-11-23T10:00:00+08:00')
    .option('--by-duration <d>', 'from so long ago on: PT1H30M, P1D')
    .option('--shift-by <n>', "from the group's committed offsets plus n; -100 goes back a hundred")
    .option(
      '--offsets-file <f>',
      'from topic,partition,offset of this file, as kafka-consumer-groups exports them',
    )
    .option('--until-offset <n>', 'up to this offset, itself left out; the end of now unless given')
    .option('--until-datetime <t>', 'up to this time')
    .option('--partitions <list>', 'these alone: 0,3')
    .option('--payment <id>', 'one payment: missing events are offered again, parked ones tried again')
    .option('--state <state>', 'every upload in this state: parked')
    .option('--rate <n>', 'at most so many events a second')
    .option('--execute', 'do it')
    .option('--json', 'answer in JSON');
  for (const alias of [
    '--to-offset <n>',
    '--to-datetime <t>',
    '--to-earliest',
    '--from-file <f>',
    '--partition <n>',
  ])
    command.addOption(new Option(alias).hideHelp());
  command
    .addHelpText(
      'after',
      '\nExamples:\n  $ fahuo replay --earliest\n  $ fahuo replay --from-datetime 2026-11-23T00:00:00+08:00 --until-datetime 2026-11-23T06:00:00+08:00 --execute --rate 200\n  $ fahuo replay --payment 4200001234202611230000000001 --execute\n  $ fahuo replay resume 3',
    )
    .action((flags: Flags) => run(flags));
  addVerbs(command);
}

/** What is done with a replay that runs or ran. */
function addVerbs(command: Command): void {
  command
    .command('list')
    .description('replays that were executed, the newest first')
    .option('--limit <n>', 'at most so many', '20')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo replay list')
    .action(async ({ limit }: { limit: string }, self: Command) => {
      const rows = await withDatabase({ max: 1 }, ({ pool }) =>
        readReplays(pool, wholeNumber('--limit', limit, { min: 1 })),
      );
      if (rows.length === 0) process.exitCode = exitCodes.nothingMatched;
      answer(isJson(self), rows.map(jsonOf), () => (rows.length === 0 ? 'No replays.' : replayTable(rows)));
    });
  for (const [verb, to, what] of [
    ['pause', 'paused', 'stop a running replay after what it has in hand; it can be resumed'],
    ['cancel', 'cancelled', 'end a replay; what it did stays done'],
  ] as const)
    command
      .command(`${verb} <id>`)
      .description(what)
      .option('--json', 'answer in JSON')
      .addHelpText('after', `\nExample:\n  $ fahuo replay ${verb} 3`)
      .action(async (id: string, _flags: object, self: Command) => {
        await withDatabase({ max: 1 }, async ({ pool }) => {
          const number = wholeNumber('the id', id, { min: 1 });
          const row = await stopReplay(pool, number, to);
          if (row === null) return refuse(pool, { id: number, verb, json: isJson(self) });
          answer(isJson(self), { replay: jsonOf(row) }, () => reportReplay(row).lines.join('\n'));
        });
      });
  command
    .command('resume <id>')
    .description('go on with a replay that was paused, killed, or could not read everything')
    .option('--rate <n>', 'at most so many events a second from here on')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo replay resume 3 --rate 100')
    .action((id: string, _flags: object, self: Command) => resume(id, self));
}

/** The parent has these options, too, and takes them wherever they stand. */
const isJson = (self: Command): boolean => self.optsWithGlobals<Flags>().json === true;
const rateOf = ({ rate }: Flags): number | null =>
  rate === undefined ? null : wholeNumber('--rate', rate, { min: 1, max: 1_000_000 });

async function run(flags: Flags): Promise<void> {
  const config = readConfig();
  const selection = selectionOf(flags, { now: systemClock(), topic: topicsOf(config).events });
  const rate = rateOf(flags);
  await withDatabase(database, async (session) =>
    replay(depsOf(session), optionsOf(session.config, await openCarrierList(session.pool)), {
      selection,
      rate,
      execute: flags.execute === true,
      json: flags.json === true,
      signal: stopSignal(),
    }),
  );
}

async function resume(id: string, self: Command): Promise<void> {
  const number = wholeNumber('the id', id, { min: 1 });
  const rate = rateOf(self.optsWithGlobals());
  const signal = stopSignal();
  const owner = randomUUID();
  await withDatabase(database, async (session) => {
    const deps = depsOf(session);
    const row = await resumeReplay(deps.pool, number, { ...leaseOf(owner), rate });
    if (row === null) return refuse(deps.pool, { id: number, verb: 'resume', json: isJson(self) });
    const carriers = await openCarrierList(deps.pool);
    const options = { ...optionsOf(session.config, carriers), topic: row.topic };
    tell(reportReplay(await goOn(deps, options, { row, owner, signal })), { json: isJson(self) });
  });
}

/** Why nothing was done, and with which exit code. */
async function refuse(
  pool: Pool,
  { id, verb, json }: { id: number; verb: string; json: boolean },
): Promise<void> {
  const row = await readReplay(pool, id);
  process.exitCode = row === null ? exitCodes.nothingMatched : exitCodes.failed;
  answer(json, { replay: row === null ? null : jsonOf(row) }, () => {
    if (row === null) return `There is no replay ${id}: see \`fahuo replay list\`.`;
    const works = row.state === 'running' && row.leased ? ', and a process works at it' : '';
    return `Replay ${id} is ${row.state}${works}: there is nothing to ${verb}.`;
  });
}

const depsOf = (session: Session): ReplayDeps => ({
  pool: session.pool,
  log: session.log,
  admin: addAdmin(session),
  metrics: createMetrics(),
  connection: kafkaConnection(session.config),
  retryParked,
});

/** What the command does once it has its connections. */
export async function replay(
  deps: ReplayDeps,
  options: ReplayOptions,
  {
    selection,
    ...how
  }: { selection: Selection; rate: number | null; execute: boolean; json: boolean; signal: AbortSignal },
): Promise<void> {
  const planned = await planReplay(deps, options, selection);
  // A plan that could not read everything is no ground to act on, and one of nothing is not worth a record.
  const acts = how.execute && planned.unread.length === 0 && planned.plan.events > 0;
  const echo = echoOf(selection);
  if (!acts) return tell(reportPlan(planned), { json: how.json, echo });
  const row = await executeReplay(deps, options, {
    planned,
    selection: wordsOf(selection),
    rate: how.rate,
    startedBy: `${userInfo().username}@${hostname()}`,
    owner: randomUUID(),
    signal: how.signal,
  });
  tell(reportReplay(row), { json: how.json, echo });
}

function tell({ exitCode, json, lines }: Report, to: { json: boolean; echo?: readonly string[] }): void {
  if (exitCode !== exitCodes.done) process.exitCode = exitCode;
  answer(to.json, json, () => [...(to.echo ?? []), ...lines].join('\n'));
}

function optionsOf(config: Config, carriers: CarrierIds): ReplayOptions {
  const topics = topicsOf(config);
  return {
    topic: topics.events,
    acks: topics.acks,
    group: config.consumer.group,
    carriers,
    maskContacts: config.consumer.maskContacts,
    carrierAliases: config.consumer.carrierAliases,
    acknowledgements: config.upload.acknowledgements,
    clock: systemClock,
  };
}
