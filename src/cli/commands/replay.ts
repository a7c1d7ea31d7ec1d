import type { Command } from 'commander';
import { bundledCarriers } from '../../shipment/carriers.ts';
import { systemClock } from '../../clock.ts';
import type { Config } from '../../roles/config.ts';
import { createMetrics } from '../../metrics.ts';
import {
  executeReplay,
  planReplay,
  type Planned,
  type ReplayDeps,
  type ReplayOptions,
} from '../../replay/run.ts';
import type { Selection } from '../../replay/selection.ts';
import { parseDuration, parseInstant } from '../../replay/when.ts';
import { retryParked } from '../../upload/verbs-store.ts';
import { kafkaConnection, topicsOf } from '../../roles/services.ts';
import { answer, exitCodes, table, usage } from '../output.ts';
import { addAdmin, withDatabase, type Session } from '../session.ts';

type Flags = {
  toOffset?: string;
  partition?: string;
  toDatetime?: string;
  byDuration?: string;
  toEarliest?: boolean;
  shiftBy?: string;
  payment?: string;
  state?: string;
  execute?: boolean;
  json?: boolean;
};

export function addReplay(program: Command): void {
  program
    .command('replay')
    .description('offer events again, through the same idempotent door; a dry run unless --execute')
    .option('--to-offset <n>', 'from this offset to the end, in every partition or in --partition')
    .option('--partition <n>', 'with --to-offset')
    .option('--to-datetime <t>', 'from this time on, zone required: 2026-11-23T10:00:00+08:00')
    .option('--by-duration <d>', 'from so long ago on: PT1H30M, P1D')
    .option('--to-earliest', 'everything that the topic still holds')
    .option('--shift-by <n>', "from the group's committed offsets plus n; -100 goes back a hundred")
    .option('--payment <id>', 'one payment: missing events are offered again, parked ones tried again')
    .option('--state <state>', 'every upload in this state: parked')
    .option('--execute', 'do it')
    .option('--json', 'answer in JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  $ fahuo replay --to-earliest\n  $ fahuo replay --to-datetime 2026-11-23T00:00:00+08:00 --execute\n  $ fahuo replay --payment 4200001234202611230000000001 --execute',
    )
    .action(async (flags: Flags) => {
      const selection = selectionOf(flags, systemClock());
      await withDatabase({ max: 4, keyLookups: true }, (session) =>
        replay(depsOf(session), optionsOf(session.config), { selection, flags }),
      );
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
  { selection, flags }: { selection: Selection; flags: Flags },
): Promise<void> {
  const planned = await planReplay(deps, options, selection);
  // A plan that could not read everything is no ground to act on.
  const act = flags.execute === true && planned.unread.length === 0;
  const done = act ? await executeReplay(deps, options, planned) : null;
  const { exitCode, json, lines } = reportReplay(planned, done);
  if (exitCode !== exitCodes.done) process.exitCode = exitCode;
  const since = selection.kind === 'since' ? echo(selection.at) : [];
  answer(flags.json, json, () => [...since, ...lines].join('\n'));
}

type Done = Awaited<ReturnType<typeof executeReplay>>;

/** What the command says of a dry run, or of a replay, and how it ends. Pure. */
export function reportReplay({ plan, ranges, retryIds, unread: unplanned }: Planned, done: Done | null) {
  const unread = done?.unread ?? unplanned;
  const exitCode =
    unread.length > 0 ? exitCodes.failed : plan.events === 0 ? exitCodes.nothingMatched : exitCodes.done;
  const lines = [
    table([
      ['events', plan.events],
      ['acknowledged already', plan.acknowledged],
      ['rejected, superseded or forgotten', plan.finished],
      ['under way', plan.underWay],
      ['parked', plan.parked],
      ['dead letters', plan.dead],
      ['to send', plan.toSend],
      ['to try again', retryIds.length],
    ]),
    ...unread.map(({ partition, from, to }) => `incomplete, partition ${partition} read to ${from} of ${to}`),
    outcomeLine(done, unread.length > 0),
  ];
  const json = { dry_run: done === null, plan, retry: retryIds.length, ranges, done, incomplete: unread };
  return { exitCode, json, lines };
}

function outcomeLine(done: Done | null, incomplete: boolean): string {
  const remedy = 'The topic gave no more: run `fahuo doctor`, then the same command again.';
  if (done === null)
    return incomplete
      ? `Nothing was changed. ${remedy}`
      : 'Dry run: nothing was changed. Add --execute to do it.';
  return `${incomplete ? 'In part' : 'Done'}: ${done.inserted} to send, ${done.retried} to try again, ${done.duplicate} known already, ${done.dead} dead letters.${
    incomplete ? ` ${remedy} What was taken is known then.` : ''
  }`;
}

const echo = (at: Date): string[] => [`from ${at.toISOString()} UTC = ${at.toString()}`];

function optionsOf(config: Config): ReplayOptions {
  const topics = topicsOf(config);
  return {
    topic: topics.events,
    acks: topics.acks,
    group: config.consumer.group,
    carriers: bundledCarriers(),
    maskContacts: config.consumer.maskContacts,
    carrierAliases: config.consumer.carrierAliases,
    acknowledgements: config.upload.acknowledgements,
  };
}

const choices = [
  'toOffset',
  'toDatetime',
  'byDuration',
  'toEarliest',
  'shiftBy',
  'payment',
  'state',
] as const;

/** Exactly one selector, as kafka-consumer-groups has it. */
function selectionOf(flags: Flags, now: Date): Selection {
  const given = choices.filter((name) => flags[name] !== undefined);
  const [only] = given;
  if (only === undefined || given.length > 1)
    throw usage(
      'give exactly one of --to-offset --to-datetime --by-duration --to-earliest --shift-by --payment --state',
    );
  return parsers[only](flags, now);
}

const parsers: Record<(typeof choices)[number], (flags: Flags, now: Date) => Selection> = {
  toEarliest: () => ({ kind: 'earliest' }),
  toOffset: ({ toOffset, partition }) => ({
    kind: 'offset',
    offset: whole('--to-offset', toOffset),
    partition: partition === undefined ? null : whole('--partition', partition),
  }),
  shiftBy: ({ shiftBy }) => ({ kind: 'shift', by: whole('--shift-by', shiftBy, /^-?\d+$/) }),
  toDatetime: ({ toDatetime }) => {
    const when = parseInstant(toDatetime ?? '');
    if (when.kind === 'bad') throw usage(`--to-datetime ${toDatetime ?? ''} ${when.rule}`);
    return { kind: 'since', at: when.at };
  },
  byDuration: ({ byDuration }, now) => {
    const ms = parseDuration(byDuration ?? '');
    if (ms === null)
      throw usage(`--by-duration ${byDuration ?? ''} must be an ISO-8601 duration like PT1H30M or P1D`);
    return { kind: 'since', at: new Date(now.getTime() - ms) };
  },
  payment: ({ payment }) => ({ kind: 'payment', payment: payment ?? '' }),
  state: ({ state }) => {
    if (state !== 'parked')
      throw usage(
        `--state ${state ?? ''}: only parked rows wait for somebody; the others move by themselves or are final`,
      );
    return { kind: 'state', state };
  },
};

function whole(flag: string, text: string | undefined, shape = /^\d+$/): number {
  if (text === undefined || !shape.test(text)) throw usage(`${flag} ${text ?? ''} must be a whole number`);
  return Number(text);
}
