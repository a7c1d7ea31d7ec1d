import type { Command } from 'commander';
import { userInfo } from 'node:os';
import type { Pool } from '../../../db/client.ts';
import {
  readPaymentRows,
  resolveParked,
  type PaymentRow,
  type Resolution,
} from '../../upload/verbs-store.ts';
import { answer, exitCodes, unknownWord, usage, wholeNumber } from '../output.ts';
import { withDatabase } from '../session.ts';

type Flags = { as: string; reason: string; version?: string; app?: string; json?: boolean };

const ends = ['acknowledged', 'rejected'] as const;

/**
 * An event has a version, and so has the program: it looks at all words first, and would say its own and do nothing. So
 * it does not get to see this word.
 */
function keepVersion(program: Command, command: Command): void {
  const rename = (words: readonly string[], from: RegExp, to: string): string[] =>
    words.map((word) => word.replace(from, to));
  const parse = (of: Command) => of.parseOptions.bind(of);
  const [ofProgram, ofCommand] = [parse(program), parse(command)];
  program.parseOptions = (words) =>
    ofProgram(words.includes(command.name()) ? rename(words, /^--version(?==|$)/, '--:version') : words);
  command.parseOptions = (words) => ofCommand(rename(words, /^--:version(?==|$)/, '--version'));
}

export function addResolve(program: Command): void {
  const command = program.command('resolve <payment>');
  keepVersion(program, command);
  command
    .description('end a parked event by the word of a person who has looked at WeChat; sends nothing')
    .requiredOption('--as <state>', 'acknowledged: WeChat holds what the event says; rejected: it never will')
    .requiredOption('--reason <text>', 'for those who read it later; it stands in the acknowledgement')
    .option('--version <n>', 'which event, where several of the payment are parked')
    .option('--app <appid>', 'which app, where the payment is parked under several')
    .option('--json', 'answer in JSON')
    .addHelpText(
      'after',
      '\nExample:\n  $ fahuo resolve 4200001234202611230000000001 --as acknowledged --reason "shown as shipped in the console"',
    )
    .action((payment: string, flags: Flags) =>
      withDatabase({ max: 1 }, ({ pool, config: { upload } }) =>
        resolve(pool, payment, { ...flags, acknowledgements: upload.acknowledgements }),
      ),
    );
}

async function resolve(
  pool: Pool,
  payment: string,
  flags: Flags & { acknowledgements: boolean },
): Promise<void> {
  const as = ends.find((end) => end === flags.as);
  if (as === undefined) throw unknownWord('--as', flags.as, ends);
  if (flags.reason.trim() === '') throw usage('--reason must say why');
  const rows = await readPaymentRows(pool, payment);
  const row = chosen(rows, flags);
  if (row === null) {
    process.exitCode = exitCodes.nothingMatched;
    return answer(flags.json, { payment, resolved: false, rows }, () => nothingParked(payment, rows));
  }
  const { reason, acknowledgements } = flags;
  const resolution: Resolution = { id: row.id, as, by: userInfo().username, reason, acknowledgements };
  const done = (await resolveParked(pool, resolution)) === 'done';
  if (!done) process.exitCode = exitCodes.failed;
  const { version, appid, eventId } = row;
  answer(flags.json, { payment, appid, version, event_id: eventId, resolved: done, as }, () =>
    done
      ? `Version ${version} of ${payment} (event ${eventId}) is ${as}. Nothing was sent.`
      : `Version ${version} of ${payment} is being worked on: look again with fahuo show ${payment}.`,
  );
}

/** The one parked row that is meant. */
function chosen(rows: readonly PaymentRow[], { version, app }: Flags): PaymentRow | null {
  const wanted = version === undefined ? null : wholeNumber('--version', version, { min: 1 });
  const parked = rows.filter(
    (row) =>
      row.state === 'parked' &&
      (wanted === null || row.version === wanted) &&
      (app === undefined || row.appid === app),
  );
  if (parked.length > 1)
    throw usage(`several events are parked: give --version or --app\n(${parked.map(lineOf).join('; ')})`);
  return parked[0] ?? null;
}

const lineOf = (row: PaymentRow): string =>
  `${row.appid} v${row.version} ${row.state}${row.parkReason === null ? '' : ` (${row.parkReason})`} event ${row.eventId}`;

const nothingParked = (payment: string, rows: readonly PaymentRow[]): string =>
  rows.length === 0
    ? `No upload of ${payment} is known: fahuo show ${payment} has its outbox rows and dead letters.`
    : [
        `Nothing of that is parked, and only what is parked waits for a person:`,
        ...rows.map((row) => `  ${lineOf(row)}`),
      ].join('\n');
