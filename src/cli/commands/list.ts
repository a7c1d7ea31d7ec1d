import type { Command } from 'commander';
import { deadLetterReasons, eventReasons } from '../../../db/states.ts';
import { systemClock } from '../../clock.ts';
import {
  listStates,
  readListed,
  type Listed,
  type ListQuery,
  type ListState,
} from '../../console/list-store.ts';
import { ageMs, showAge } from '../age.ts';
import { answer, exitCodes, unknownWord, wholeNumber } from '../output.ts';
import { withDatabase } from '../session.ts';

type Flags = {
  state: string;
  olderThan: string;
  reason?: string;
  app?: string;
  limit: string;
  json?: boolean;
};

export function addList(program: Command): void {
  program
    .command('list')
    .description('events that are not done or went wrong, each with its reason, next attempt and remedy')
    .requiredOption('--state <state>', listStates.join(', '))
    .option('--older-than <age>', 'in that state for so long: 90s, 15m, 2h, 7d', '0s')
    .option('--reason <reason>', 'with this reason alone: conflict, app_not_served, invalid …')
    .option('--app <appid>', 'of this app alone')
    .option('--limit <n>', 'at most so many', '50')
    .option('--json', 'answer in JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  $ fahuo list --state parked --older-than 2h\n  $ fahuo list --state pending --reason app_not_served --json\n  $ fahuo list --state dead',
    )
    .action(async (flags: Flags) => {
      const { state, query } = queryOf(flags);
      const found = await withDatabase({ max: 1 }, ({ pool }) => readListed(pool, state, query));
      if (found.length === 0) process.exitCode = exitCodes.nothingMatched;
      const nowMs = systemClock().getTime();
      answer(flags.json, found, () =>
        found.length === 0
          ? `Nothing is ${state}${query.olderThanMs > 0 ? ` for ${flags.olderThan}` : ''}.`
          : found.map((one) => renderListed(one, nowMs)).join('\n'),
      );
    });
}

function queryOf({ state, olderThan, reason, app, limit }: Flags): { state: ListState; query: ListQuery } {
  const known = listStates.find((one) => one === state);
  if (known === undefined) throw unknownWord('--state', state, listStates);
  const reasons = state === 'dead' ? deadLetterReasons : eventReasons;
  if (reason !== undefined && !reasons.some((one) => one === reason))
    throw unknownWord('--reason', reason, reasons);
  const query = {
    olderThanMs: ageMs('--older-than', olderThan),
    reason: reason ?? null,
    appid: app ?? null,
    limit: wholeNumber('--limit', limit, { min: 1 }),
  };
  return { state: known, query };
}

/** What a person must know, whole: one event in four lines at most. */
const renderListed = (one: Listed, nowMs: number): string =>
  [
    `${one.payment ?? '-'}  v${one.version ?? '-'}  event ${one.eventId ?? '-'}  app ${one.appid ?? '-'}${
      one.letterId === null ? '' : `  dead letter ${one.letterId}`
    }`,
    `    ${one.state} (${one.reason}) for ${showAge(nowMs - one.since.getTime())}${
      one.nextAttemptAt === null ? '' : `, next ${one.nextAttemptAt.toISOString()}`
    }`,
    ...(one.detail === null ? [] : one.detail.split('\n').map((line) => `    ${line}`)),
    ...(one.remedy === null
      ? []
      : [`    remedy: ${one.remedy.replaceAll('PAYMENT', one.payment ?? 'PAYMENT')}`]),
  ].join('\n');
