import type { Command } from 'commander';
import type { Pool } from '../../../db/client.ts';
import { sleep } from '../../clock.ts';
import { FahuoError } from '../../errors.ts';
import {
  countReleased,
  findParked,
  listParked,
  releasePayment,
  type ParkedRow,
} from '../../relay/parked-store.ts';
import { executeRepair, planRepair, type Repair } from '../../relay/repair-store.ts';
import { table } from '../../table.ts';
import { answer, exitCodes, wholeNumber } from '../output.ts';
import { withDatabase } from '../session.ts';

export function addOutbox(program: Command): void {
  const command = program.command('outbox').description('rows that the relay cannot publish in their turn');
  addParked(command);
  addUnpark(command);
  addRepair(command);
}

const withPool = <T>(work: (pool: Pool) => Promise<T>): Promise<T> =>
  withDatabase({ max: 1 }, ({ pool }) => work(pool));

function addParked(command: Command): void {
  command
    .command('parked')
    .description('rows that Kafka refuses for their size, and what waits behind them, oldest first')
    .option('--limit <n>', 'at most so many', '50')
    .option('--after <id>', 'the page behind this outbox id', '0')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo outbox parked --limit 10')
    .action(async (flags: { limit: string; after: string; json?: boolean }) => {
      const page = {
        limit: wholeNumber('--limit', flags.limit),
        after: wholeNumber('--after', flags.after),
      };
      const rows = await withPool((pool) => listParked(pool, page));
      if (rows.length === 0) process.exitCode = exitCodes.nothingMatched;
      answer(flags.json, rows, () => (rows.length === 0 ? 'No parked rows.' : tableOf(rows)));
    });
}

const tableOf = (rows: readonly ParkedRow[]): string =>
  table([
    ['outbox', 'payment', 'version', 'event', 'reason', 'bytes', 'since'],
    ...rows.map((row) => [
      row.outboxId,
      `${row.appid}/${row.payment}`,
      row.version,
      row.eventId,
      row.releasedAt === null ? row.reason : `${row.reason}, released`,
      row.bytes,
      row.parkedAt.toISOString(),
    ]),
  ]);

function addUnpark(command: Command): void {
  command
    .command('unpark <payment>')
    .description(
      "publish a payment's parked rows in their order, by the payment or the outbox id of one of them; a dry run unless --execute",
    )
    .option('--execute', 'do it')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo outbox unpark 4200001234202611230000000001 --execute')
    .action(async (name: string, { execute, json }: { execute?: boolean; json?: boolean }) => {
      const { rows, done } = await withPool((pool) => unpark(pool, name, execute === true));
      if (rows.length === 0) process.exitCode = exitCodes.nothingMatched;
      else if (done !== null && done.published < rows.length) process.exitCode = exitCodes.failed;
      answer(json, { dry_run: done === null, rows, done }, () =>
        rows.length === 0
          ? `Nothing of ${name} is parked.`
          : `${tableOf(rows)}\n${outcomeOf(rows.length, done)}`,
      );
    });
}

type Released = { published: number; refused: number };

async function unpark(
  pool: Pool,
  name: string,
  execute: boolean,
): Promise<{ rows: ParkedRow[]; done: Released | null }> {
  const rows = await findParked(pool, name);
  const [first] = rows;
  if (rows.some((row) => row.appid !== first?.appid || row.payment !== first.payment))
    throw new FahuoError('USAGE', `${name} names rows of more than one payment`, {
      remedy: 'Give the outbox id of one of them: `fahuo outbox parked` lists them.',
    });
  if (!execute || first === undefined) return { rows, done: null };
  await releasePayment(pool, first);
  return { rows, done: await awaitReleased(pool, rows) };
}

/** The leader looks every 5 s; whoever asked wants to see what Kafka says now. */
const patienceMs = 20_000;
const lookEveryMs = 250;

async function awaitReleased(pool: Pool, rows: readonly ParkedRow[]): Promise<Released> {
  for (let waitedMs = 0; ; waitedMs += lookEveryMs) {
    const done = await countReleased(pool, rows);
    if (done.published + done.refused >= rows.length || waitedMs >= patienceMs) return done;
    await sleep(lookEveryMs);
  }
}

function outcomeOf(rows: number, done: Released | null): string {
  if (done === null) return 'Dry run: nothing was changed. Add --execute to publish them.';
  if (done.published === rows) return `Published ${rows}, in this order.`;
  return done.refused > 0
    ? `Kafka refuses them still, after ${done.published}: raise max.message.bytes of the topic.`
    : `Released, and published ${done.published} so far: the relay that leads does the rest. \`fahuo status\` says whether one does.`;
}

function addRepair(command: Command): void {
  command
    .command('repair')
    .description(
      'bring back what the relay cannot reach: a sequence behind the cursor, rows that were written there, rows in the default partition; a dry run unless --execute',
    )
    .option('--execute', 'do it, while writers and the relay go on')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo outbox repair --execute')
    .action(async ({ execute, json }: { execute?: boolean; json?: boolean }) => {
      const { found, done } = await withPool(async (pool) => {
        const plan = await planRepair(pool);
        return { found: plan, done: execute === true && plan.needed ? await executeRepair(pool) : null };
      });
      if (!found.needed) process.exitCode = exitCodes.nothingMatched;
      answer(json, { dry_run: execute !== true, found, done }, () => renderRepair(found, done));
    });
}

function renderRepair(found: Repair, done: Awaited<ReturnType<typeof executeRepair>> | null): string {
  if (!found.needed) return 'Nothing to repair.';
  const findings = table([
    [
      'sequence behind the cursor or a row',
      found.sequence === null ? 'no' : `yes: ${found.sequence.statement}`,
    ],
    ['rows behind the cursor that nobody published', found.passedOver],
    ['rows in the default partition', found.defaultRows],
    ['rows left from a repair that was cut off', found.movedRows],
  ]);
  return `${findings}\n${
    done === null
      ? 'Dry run: nothing was changed. Add --execute to repair it.'
      : `Done: ${done.released} rows handed to the relay, ${done.moved} moved out of the default partition.`
  }`;
}
