import type { Answer } from './answer.ts';
import { outcomeTable, type OutcomeKind, type OutcomeRow } from './outcome-table.ts';

export type { Answer } from './answer.ts';
export { outcomeKinds, outcomeTable, outcomeTableVersion } from './outcome-table.ts';
export type { OutcomeKind, OutcomeRow } from './outcome-table.ts';

/**
 * What an upload came to. `unknown` with `notSent` is its opposite in one respect: provably nothing went out, so it
 * may be sent again without a read. `throttled` with scope `day` lasts until {@link beijingMidnightAfter} at most: what
 * `quota/get` says decides (quota.ts).
 */
export type Outcome =
  | { kind: 'accepted' }
  | { kind: 'unchanged' }
  | { kind: 'not_yet_visible' }
  | { kind: 'read_first'; reason: string }
  | { kind: 'invalid'; reason: string }
  | { kind: 'throttled'; retryAfterMs: number; scope: 'minute' | 'day' }
  | { kind: 'token' }
  | { kind: 'account_stop'; errcode: number; reason: string; resumesAt?: Date }
  | { kind: 'unknown'; reason: string; notSent?: boolean };

/** By errcode; an answer without one (null) has no row. */
const rows: ReadonlyMap<number | null, OutcomeRow> = new Map(outcomeTable.map((row) => [row.errcode, row]));

/** Whether the table has a row for the code. */
export const isListed = (errcode: number): boolean => rows.has(errcode);

/** The codes that say the token was at fault and the call itself was not looked at; wechat.md §2.2. */
export const isTokenErrcode = (errcode: number | null): boolean => rows.get(errcode)?.kind === 'token';

/**
 * Classifies the answer to an upload. The errcode decides; a body without one, an unlisted code and everything that
 * ended early are `unknown`: WeChat may or may not hold the upload, only a read can tell. A success is believed
 * with a 2xx status alone. Pure; `now` only turns the day's throttle into milliseconds (one hour without it).
 */
export function classifyUpload(answer: Answer, now?: Date): Outcome {
  if (answer.notSent === true)
    return { kind: 'unknown', reason: `not sent: ${answer.failure ?? 'no token'}`, notSent: true };
  if (answer.failure !== null) return { kind: 'unknown', reason: `${answer.failure}${statusText(answer)}` };
  if (answer.errcode === null)
    return { kind: 'unknown', reason: `${missingErrcode(answer)}${statusText(answer)}` };
  const row = rows.get(answer.errcode);
  if (row === undefined) return { kind: 'unknown', reason: `unlisted errcode ${answer.errcode}` };
  if (isSuccess(row) && !is2xx(answer))
    return { kind: 'unknown', reason: `errcode ${row.errcode}${statusText(answer)}` };
  return outcomeOf(row, answer, now);
}

/**
 * Classifies the answer to a token call that brought no token. Nothing of the business call was sent, so what is
 * not a clear stop or throttle is `unknown` with `notSent`. 40001 here means a wrong secret, not an old token.
 */
export function classifyTokenFailure(answer: Answer, now?: Date): Outcome {
  const row = rows.get(answer.errcode);
  if (row?.kind === 'throttled') return throttledOf(row, now);
  if (row !== undefined && stopsTokens.includes(row.kind))
    return stopOf(row, `token call: ${reasonOf(row, answer)}`);
  return {
    kind: 'unknown',
    reason: `no token: ${answer.errmsg ?? answer.failure ?? 'none in the answer'}`,
    notSent: true,
  };
}

/** What a token call cannot recover from by itself. */
const stopsTokens: readonly OutcomeKind[] = ['account_stop', 'token', 'invalid'];

/** The next 00:00 in Beijing strictly after `now`, when daily quotas start again; wechat.md §2.2 (general knowledge). */
export function beijingMidnightAfter(now: Date): Date {
  const offsetMs = 8 * 3_600_000;
  const dayMs = 24 * 3_600_000;
  return new Date((Math.floor((now.getTime() + offsetMs) / dayMs) + 1) * dayMs - offsetMs);
}

function outcomeOf(row: OutcomeRow, answer: Answer, now: Date | undefined): Outcome {
  switch (row.kind) {
    case 'accepted':
    case 'unchanged':
    case 'not_yet_visible':
    case 'token':
      return { kind: row.kind };
    case 'read_first':
    case 'invalid':
    case 'unknown':
      return { kind: row.kind, reason: reasonOf(row, answer) };
    case 'account_stop':
      return stopOf(row, reasonOf(row, answer));
    case 'throttled':
      return throttledOf(row, now);
  }
}

const stopOf = ({ errcode }: OutcomeRow, reason: string): Outcome => ({
  kind: 'account_stop',
  errcode,
  reason,
});

const throttledOf = (row: OutcomeRow, now: Date | undefined): Outcome =>
  row.period === 'day'
    ? { kind: 'throttled', scope: 'day', retryAfterMs: untilMidnightMs(now) }
    : { kind: 'throttled', scope: 'minute', retryAfterMs: 60_000 };

const untilMidnightMs = (now: Date | undefined): number =>
  now === undefined ? 3_600_000 : beijingMidnightAfter(now).getTime() - now.getTime();

const reasonOf = (row: OutcomeRow, answer: Answer): string =>
  answer.errmsg === null
    ? `${row.errcode} ${row.meaning}`
    : `${row.errcode} ${row.meaning}: ${answer.errmsg}`;

const missingErrcode = ({ oddErrcode }: Answer): string =>
  oddErrcode === undefined ? 'answer without an errcode' : `answer with the errcode ${oddErrcode}`;
const isSuccess = (row: OutcomeRow): boolean => row.kind === 'accepted' || row.kind === 'unchanged';
const is2xx = ({ httpStatus }: Answer): boolean => Math.floor((httpStatus ?? 0) / 100) === 2;
const statusText = (answer: Answer): string =>
  answer.httpStatus === null ? '' : ` (HTTP ${answer.httpStatus})`;
