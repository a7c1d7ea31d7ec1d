import { isDeepStrictEqual } from 'node:util';
import type { Pool } from '../../db/client.ts';
import type { LooseEvent } from '../support/events.ts';
import { requestsOf, wholeEffectsOf, type RequestLine, type WholeEffect } from '../support/sandbox-client.ts';
import type { Fate, Planned } from './plan.ts';

/** What must all be zero. */
export type Faults = {
  /** Events that are not in the outbox once, or whose upload did not end as it must. */
  lost: number;
  /** By event: how far the number of times that its content took effect is from what it must be. */
  effectsNotOne: number;
  /** Effects that came after a newer version's, or with an upload_time that was not newer. */
  orderViolations: number;
  /** Re-ship chances spent by anything but a correction's own content. */
  reshipsWithoutCorrection: number;
  /** Requests that WeChat saw and no attempt names, by payment and upload_time. */
  attemptsWithoutRecord: number;
  /** Attempts that say another thing than what WeChat answered, or that are on record twice. */
  misrecorded: number;
  /** Two uploads of one payment on the wire at once. */
  overtaken: number;
  /** Final rows without their one acknowledgement in the outbox. */
  unacknowledged: number;
};

export type Counts = { acknowledged: number; superseded: number; corrections: number; reships: number };

type Row = {
  id: number;
  payment: string;
  version: number;
  kind: string;
  state: string;
  reason: string | null;
};
type Attempt = { uploadId: number; payment: string; atMs: number; outcome: string; errcode: number | null };
export type Evidence = {
  plans: readonly Planned[];
  rows: readonly Row[];
  attempts: readonly Attempt[];
  outbox: ReadonlyMap<string, number>;
  effects: readonly WholeEffect[];
  requests: readonly RequestLine[];
};

/** Reads what is left in the database and in the sandbox, and counts what is wrong with it. */
export async function check(
  pool: Pool,
  { plans, sandbox }: { plans: readonly Planned[]; sandbox: string },
): Promise<Faults & Counts> {
  return judge({
    plans,
    rows: await readRows(pool),
    attempts: await readAttempts(pool),
    outbox: await readOutbox(pool),
    effects: await wholeEffectsOf(sandbox),
    requests: await requestsOf(sandbox),
  });
}

async function readRows(pool: Pool): Promise<Row[]> {
  const { rows } = await pool.query<Row>(
    `select id, payment, version, kind::text, state::text, park_reason::text as reason from fahuo.upload`,
  );
  return rows;
}

async function readAttempts(pool: Pool): Promise<Attempt[]> {
  const { rows } = await pool.query<Attempt>(
    `select a.upload_id as "uploadId", u.payment, a.outcome, a.errcode,
       round(extract(epoch from a.upload_time) * 1000)::bigint as "atMs"
     from fahuo.attempt a join fahuo.upload u on u.id = a.upload_id where a.kind = 'send'`,
  );
  return rows;
}

async function readOutbox(pool: Pool): Promise<Map<string, number>> {
  const { rows } = await pool.query<{ name: string; n: number }>(
    'select event_id as name, count(*) as n from fahuo.outbox group by event_id',
  );
  return new Map(rows.map(({ name, n }) => [name, n]));
}

/** Pure: everything against everything. */
export function judge(evidence: Evidence): Faults & Counts {
  const { plans, rows, outbox, effects } = evidence;
  const rowsOf = Map.groupBy(rows, (row) => row.payment);
  const effectsOf = Map.groupBy(effects, (effect) => effect.payment);
  const sum = { lost: 0, effectsNotOne: 0, orderViolations: 0, reshipsWithoutCorrection: 0 };
  for (const plan of plans) {
    const own = rowsOf.get(plan.payment) ?? [];
    const seen = (effectsOf.get(plan.payment) ?? []).filter((effect) => !effect.byHand);
    const versions = seen.map((effect) => versionOf(plan, effect));
    for (const event of plan.events) {
      const row = own.find((one) => one.version === event['version']);
      const inOutbox = outbox.get(String(event['id'])) ?? 0;
      sum.lost += Number(inOutbox !== timesInOutbox(plan.fate, event) || !endedWell(plan.fate, event, row));
      const times = versions.filter((version) => version === event['version']).length;
      sum.effectsNotOne += Math.abs(times - wantedEffects(plan.fate, row));
    }
    sum.effectsNotOne += versions.filter((version) => version === null).length;
    sum.orderViolations += disorder(seen, versions);
    sum.reshipsWithoutCorrection += seen.filter(
      (effect, index) => effect.kind === 'reship' && !isCorrection(plan, versions[index] ?? null),
    ).length;
  }
  return {
    ...sum,
    ...recordFaults(evidence),
    overtaken: overtakenIn(evidence.requests),
    unacknowledged: rows.filter((row) => isFinal(row) && outbox.get(`ack-${row.id}`) !== 1).length,
    ...countsOf(evidence),
  };
}

/** The late one of an inverted payment came past the outbox. */
const timesInOutbox = (fate: Fate, event: LooseEvent): number =>
  Number(fate !== 'inverted' || event['version'] !== 1);

const isFinal = ({ state }: Row): boolean => ['acknowledged', 'rejected', 'superseded'].includes(state);

/** The event whose content this effect carries, to the letter; null when no event of the payment does. */
function versionOf({ events }: Planned, { body }: WholeEffect): number | null {
  const { upload_time: _time, ...content } = JSON.parse(body) as Record<string, unknown>;
  const found = events.find((event) => isDeepStrictEqual(event.data, content));
  return found === undefined ? null : Number(found['version']);
}

const isCorrection = ({ events }: Planned, version: number | null): boolean =>
  events.some((event) => event['version'] === version && String(event['type']).includes('corrected'));

function endedWell(fate: Fate, event: LooseEvent, row: Row | undefined): boolean {
  if (row === undefined) return false;
  switch (fate) {
    case 'applied':
    case 'elsewhere':
      return row.state === 'acknowledged';
    case 'refused':
      return row.state === 'rejected';
    case 'conflict':
      return row.state === 'parked' && row.reason === 'conflict';
    case 'inverted':
      return row.state === 'acknowledged' || (event['version'] === 1 && row.state === 'superseded');
  }
}

const wantedEffects = (fate: Fate, row: Row | undefined): number =>
  row?.state === 'acknowledged' && fate !== 'elsewhere' ? 1 : 0;

function disorder(effects: readonly WholeEffect[], versions: readonly (number | null)[]): number {
  return effects.filter((effect, index) => {
    const before = effects[index - 1];
    if (before === undefined) return false;
    return effect.uploadTimeMs <= before.uploadTimeMs || (versions[index] ?? 0) < (versions[index - 1] ?? 0);
  }).length;
}

const keyOf = (payment: string, atMs: number): string => `${payment}/${atMs}`;
const unanswered = 'unanswered';

/** One upload_time of a payment is one attempt: a token that was refused may make it two requests. */
function recordFaults({
  requests,
  attempts,
}: Evidence): Pick<Faults, 'attemptsWithoutRecord' | 'misrecorded'> {
  const attemptsAt = Map.groupBy(attempts, (attempt) => keyOf(attempt.payment, attempt.atMs));
  const requestsAt = Map.groupBy(requests, (seen) => keyOf(seen.payment, Date.parse(seen.uploadTime)));
  let misrecorded = 0;
  for (const [key, own] of attemptsAt) {
    const told = own.filter((attempt) => attempt.outcome !== unanswered);
    misrecorded += Math.max(0, told.length - 1);
    misrecorded += told.filter((attempt) => !isBorneOut(attempt, requestsAt.get(key) ?? [])).length;
  }
  const unnamed = requests.filter(
    (seen) => !attemptsAt.has(keyOf(seen.payment, Date.parse(seen.uploadTime))),
  );
  return { attemptsWithoutRecord: unnamed.length, misrecorded };
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

function overtakenIn(requests: readonly RequestLine[]): number {
  let overtaken = 0;
  for (const own of Map.groupBy(requests, (seen) => seen.payment).values()) {
    const byStart = own.toSorted((left, right) => left.startedAtMs - right.startedAtMs);
    let latestEnd = -Infinity;
    for (const seen of byStart) {
      if (seen.startedAtMs < latestEnd) overtaken += 1;
      latestEnd = Math.max(latestEnd, seen.endedAtMs ?? Infinity);
    }
  }
  return overtaken;
}

const countsOf = ({ rows, effects }: Evidence): Counts => ({
  acknowledged: rows.filter((row) => row.state === 'acknowledged').length,
  superseded: rows.filter((row) => row.state === 'superseded').length,
  corrections: rows.filter((row) => row.kind === 'corrected' && row.state === 'acknowledged').length,
  reships: effects.filter((effect) => effect.kind === 'reship').length,
});
