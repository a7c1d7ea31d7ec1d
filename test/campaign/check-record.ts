import type { RequestLine } from '../support/sandbox-client.ts';
import type { Attempt, Evidence, Faults } from './check.ts';

const keyOf = (payment: string, atMs: number): string => `${payment}/${atMs}`;
const unanswered = 'unanswered';

/** One upload_time of a payment is one call: a token that was refused makes it two requests, and two attempts. */
export function recordFaults({
  requests,
  attempts,
}: Evidence): Pick<Faults, 'attemptsWithoutRecord' | 'misrecorded'> & { doubtful: string[] } {
  const attemptsAt = Map.groupBy(attempts, (attempt) => keyOf(attempt.payment, attempt.atMs));
  const requestsAt = Map.groupBy(requests, (seen) => keyOf(seen.payment, Date.parse(seen.uploadTime)));
  const doubtful: string[] = [];
  let misrecorded = 0;
  for (const [key, own] of attemptsAt) {
    const answered = own.filter((attempt) => attempt.outcome !== unanswered);
    const seen = requestsAt.get(key) ?? [];
    const faults = surplusOf(answered) + unborneIn(answered, seen);
    misrecorded += faults;
    if (faults > 0) doubtful.push(describeRecord(key, answered, seen));
  }
  const unnamed = [...requestsAt].map(([key, seen]) => unnamedIn(seen, attemptsAt.get(key) ?? []));
  return { attemptsWithoutRecord: unnamed.reduce((sum, one) => sum + one, 0), misrecorded, doubtful };
}

/** A refused token and the call's final answer may share an upload_time, in this order; nothing else may. */
function surplusOf(answered: readonly Attempt[]): number {
  const mayBeTwo = answered.length === 2 && answered[0]?.outcome === 'token';
  return mayBeTwo ? 0 : Math.max(0, answered.length - 1);
}

/** The final answer is that of the last request; a refused token before it is that of a request before. */
const unborneIn = (answered: readonly Attempt[], seen: readonly RequestLine[]): number =>
  answered.filter((attempt, index) => {
    const isFirstOfTwo = attempt.outcome === 'token' && index < answered.length - 1;
    return !isBorneOut(attempt, isFirstOfTwo ? seen.slice(0, -1) : seen);
  }).length;

/** An attempt whose answer never came on record stands for every request of its call. */
const unnamedIn = (seen: readonly RequestLine[], own: readonly Attempt[]): number =>
  own.some((attempt) => attempt.outcome === unanswered) ? 0 : Math.max(0, seen.length - own.length);

function describeRecord(key: string, answered: readonly Attempt[], seen: readonly RequestLine[]): string {
  const records = answered.map(({ uploadId, outcome, errcode }) => `row ${uploadId} ${outcome} ${errcode}`);
  const answers = seen.map(({ answer, startedAtMs, endedAtMs }) => `${answer} ${startedAtMs}..${endedAtMs}`);
  return `${key}: on record ${records.join(', ')}; WeChat answered ${answers.join(', ') || 'nothing'}`;
}

/** What was answered plainly is what is on record; a success is on record only if WeChat said so. */
function isBorneOut({ errcode }: Attempt, seen: readonly RequestLine[]): boolean {
  if (errcode === null) return true; // no answer in time, or none that could be read
  const last = seen.at(-1)?.answer ?? null;
  if (last !== null && /^-?\d+$/.test(last)) return last === String(errcode);
  return (
    last?.startsWith('delay') === true || last?.includes(`errcode ${errcode}`) === true || isTokens(errcode)
  );
}

/** The token's own endpoint may have refused: then there was no upload at all. */
const isTokens = (errcode: number): boolean => [40001, 40014, 42001].includes(errcode);
