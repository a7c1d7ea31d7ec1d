import type { Command } from 'commander';
import type { Pool } from '../../../db/client.ts';
import type { Config } from '../../roles/config.ts';
import { acceptOlderEvents, readDeployment, takeGroup } from '../../consumer/deployment-store.ts';
import { readStrangers } from '../../consumer/guard.ts';
import type { Admin } from '../../kafka/admin.ts';
import { acceptOlder, countOlder } from '../../upload/older-store.ts';
import { answer, exitCodes } from '../output.ts';
import { topicsOf, webhookGroupOf } from '../../roles/services.ts';
import { table } from '../../table.ts';
import { addAdmin, withDatabase } from '../session.ts';

type Flags = { payment?: string; execute?: boolean; json?: boolean };
type Context = { pool: Pool; admin: Admin; config: Config };

const dry = 'Dry run: nothing was changed. Add --execute to do it.';

export function addDatabase(program: Command): void {
  const database = program
    .command('database')
    .description('which database this is, whose the consumer group is, and what is older than the database');
  database
    .command('show')
    .description('its name and age, the databases that the group belongs to, events that are older')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo database show')
    .action((flags: Flags) => within((context) => show(context, flags)));
  database
    .command('accept-older')
    .description(
      'let events that are older than this database be sent like others; a dry run unless --execute',
    )
    .option('--payment <id>', 'those of one payment; without it all, and those that are yet to come')
    .option('--execute', 'do it')
    .option('--json', 'answer in JSON')
    .addHelpText(
      'after',
      '\nExample:\n  $ fahuo database accept-older --payment 4200001234202611230000000001',
    )
    .action((flags: Flags) => within((context) => accept(context, flags)));
  database
    .command('take-group')
    .description('take the consumer group over from a database that is gone; a dry run unless --execute')
    .option('--execute', 'do it')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo database take-group --execute')
    .action((flags: Flags) => within((context) => take(context, flags)));
}

const within = (work: (context: Context) => Promise<void>): Promise<void> =>
  withDatabase({ max: 2 }, (session) => work({ ...session, admin: addAdmin(session) }));

const groupOf = (config: Config) => ({ group: config.consumer.group, topic: topicsOf(config).events });

async function show({ pool, admin, config }: Context, { json }: Flags): Promise<void> {
  const deployment = await readDeployment(pool);
  const { strangers } = await readStrangers({ pool, admin }, groupOf(config));
  const older = await countOlder(pool, null);
  const shown = {
    id: deployment?.id ?? null,
    created_at: deployment?.createdAt ?? null,
    older_accepted_at: deployment?.olderAcceptedAt ?? null,
    ...groupOf(config),
    group_belongs_also_to: strangers,
    older_events: older,
  };
  answer(json, shown, () =>
    table([
      ['database', shown.id],
      ['made', shown.created_at?.toISOString() ?? '-'],
      ['older events', shown.older_accepted_at === null ? 'are not restated' : 'are accepted'],
      ['  waiting for the newest', older.waiting],
      ['  parked', older.parked],
      [`group ${shown.group}`, strangers.length === 0 ? 'ours' : `belongs to ${strangers.join(', ')}`],
    ]),
  );
}

async function accept({ pool }: Context, { payment, execute, json }: Flags): Promise<void> {
  const of = payment ?? null;
  const older = await countOlder(pool, of);
  if (execute === true) {
    if (of === null) await acceptOlderEvents(pool);
    await acceptOlder(pool, of);
  } else if (of !== null && older.waiting + older.parked === 0) process.exitCode = exitCodes.nothingMatched;
  answer(json, { dry_run: execute !== true, payment: of, ...older }, () =>
    [
      table([
        ['waiting for the newest', older.waiting],
        ['parked', older.parked],
      ]),
      execute === true ? 'Done: they are read first, and then sent like others.' : dry,
    ].join('\n'),
  );
}

/** The groups of a deployment: of events, and where answers are posted theirs. */
const groupsOf = (config: Config) => [
  groupOf(config),
  ...(config.webhook.url === undefined
    ? []
    : [{ group: webhookGroupOf(config), topic: topicsOf(config).acks }]),
];

async function take({ pool, admin, config }: Context, { execute, json }: Flags): Promise<void> {
  const found = [];
  for (const named of groupsOf(config))
    found.push({ named, ...(await readStrangers({ pool, admin }, named)) });
  const own = found[0]?.own;
  const strangers = [...new Set(found.flatMap((one) => one.strangers))];
  if (strangers.length === 0) process.exitCode = exitCodes.nothingMatched;
  else if (execute === true) for (const one of found) await takeGroup(pool, one.named, one.strangers);
  answer(json, { dry_run: execute !== true, ...groupOf(config), own, taken_from: strangers }, () =>
    strangers.length === 0
      ? `The group ${config.consumer.group} belongs to no other database.`
      : `From ${strangers.join(', ')} to ${own ?? ''}. ${execute === true ? 'Done.' : dry}`,
  );
}
