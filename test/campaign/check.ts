import { isDeepStrictEqual } from 'node:util';
import type { Pool } from '../../db/client.ts';
import type { LooseEvent } from '../support/events.ts';
import {
  heldBy,
  requestsOf,
  wholeEffectsOf,
  type HeldLine,
  type RequestLine,
  type WholeEffect,
} from '../support/sandbox-client.ts';
import { heldOtherwiseIn } from './check-held.ts';
import { recordFaults } from './check-record.ts';
import { namesOf, type End, type Fate, type Planned } from './plan.ts';

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
  /** Those of them that used the two names of the payment. */
  bothKeysAtOnce: number;
  /** Payments whose newest acknowledged event says another thing than WeChat holds. */
  heldOtherwise: number;
  /** Uploads of a shipped event after the answer "finished" or "chance used" (10060002, 10060003) was on record. */
  sentThoughFinished: number;
  /** Rows whose last answer never came on record: still under way, or in doubt, when all is quiet. */
  unrecorded: number;
  /** Final rows without their one acknowledgement in the outbox. */
  unacknowledged: number;
};

/** `combined`: acknowledged parts of combined events. */
export type Counts = {
  acknowledged: number;
  combined: number;
  superseded: number;
  corrections: number;
  reships: number;
};

/** `suspects`: a line for each payment whose events did not end as they must. */
export type Judged = Faults & Counts & { suspects: string[] };

export type Row = {
  id: number;
  payment: string;
  version: number;
  kind: string;
  state: string;
  reason: string | null;
};
export type Attempt = {
  uploadId: number;
  payment: string;
  atMs: number;
  outcome: string;
  errcode: number | null;
};
export type Evidence = {
  plans: readonly Planned[];
  rows: readonly Row[];
  attempts: readonly Attempt[];
  outbox: ReadonlyMap<string, number>;
  effects: readonly WholeEffect[];
  requests: readonly RequestLine[];
  held: readonly HeldLine[];
};

/** Reads what is left in the database and in the sandbox, and counts what is wrong with it. */
export async function check(
  pool: Pool,
  { plans, sandbox }: { plans: readonly Planned[]; sandbox: string },
): Promise<Judged> {
  return judge({
    plans,
    rows: await readRows(pool),
    attempts: await readAttempts(pool),
    outbox: await readOutbox(pool),
    effects: await wholeEffectsOf(sandbox),
    requests: await requestsOf(sandbox),
    held: await heldBy(sandbox),
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
     from fahuo.attempt a join fahuo.upload u on u.id = a.upload_id where a.kind = 'send' order by a.id`,
  );
  return rows;
}

async function readOutbox(pool: Pool): Promise<Map<string, number>> {
  const { rows } = await pool.query<{ name: string; n: number }>(
    // An answer's name ends with its time: one that is given twice is one too many all the same.
    `select regexp_replace(event_id, '^(ack-[0-9]+)-[0-9]+$', '\\1') as name, count(*) as n from fahuo.outbox group by 1`,
  );
  return new Map(rows.map(({ name, n }) => [name, n]));
}

/** A row and its attempts may have either name of their payment. */
function underOneName(evidence: Evidence): Evidence {
  const names = namesOf(evidence.plans);
  const named = <T extends { payment: string }>(list: readonly T[]): T[] =>
    list.map((one) => ({ ...one, payment: names.get(one.payment) ?? one.payment }));
  return { ...evidence, rows: named(evidence.rows), attempts: named(evidence.attempts) };
}

/** Pure: everything against everything. */
export function judge(found: Evidence): Judged {
  const evidence = underOneName(found);
  const { plans, rows, outbox, effects } = evidence;
  const rowsOf = Map.groupBy(rows, (row) => row.payment);
  const effectsOf = Map.groupBy(effects, (effect) => effect.payment);
  const sum = { lost: 0, effectsNotOne: 0, orderViolations: 0, reshipsWithoutCorrection: 0 };
  const suspects: string[] = [];
  for (const plan of plans) {
    const before = { ...sum };
    const own = rowsOf.get(plan.payment) ?? [];
    const seen = (effectsOf.get(plan.payment) ?? []).filter((effect) => !effect.byHand);
    const versions = seen.map((effect) => versionOf(plan, effect));
    const newest = Math.max(0, ...own.filter(isAcknowledged).map((row) => row.version));
    for (const [index, event] of plan.events.entries()) {
      const row = own.find((one) => one.version === event['version']);
      const end = plan.ends[index]!;
      const inOutbox = outbox.get(String(event['id'])) ?? 0;
      sum.lost += Number(inOutbox !== timesInOutbox(plan.fate, event) || !endedWell(end, row, newest));
      const times = versions.filter((version) => version === event['version']).length;
      sum.effectsNotOne += Math.abs(times - wantedEffects(end, row, times));
    }
    sum.effectsNotOne += versions.filter((version) => version === null).length;
    sum.orderViolations += disorder(seen, versions);
    sum.reshipsWithoutCorrection += seen.filter(
      (effect, index) => effect.kind === 'reship' && !isCorrection(plan, versions[index] ?? null),
    ).length;
    if (!isDeepStrictEqual(sum, before)) suspects.push(describe(plan, own, seen));
  }
  const { doubtful, ...recorded } = recordFaults(evidence);
  return {
    suspects: [...suspects, ...doubtful],
    ...sum,
    ...recorded,
    ...overtakenIn(evidence.requests),
    heldOtherwise: heldOtherwiseIn(evidence),
    sentThoughFinished: sentThoughFinishedIn(evidence),
    unrecorded: rows.filter(({ state }) => ['uploading', 'unknown'].includes(state)).length,
    unacknowledged: rows.filter((row) => isFinal(row) && outbox.get(`ack-${row.id}`) !== 1).length,
    ...countsOf(evidence),
  };
}

function describe(plan: Planned, rows: readonly Row[], effects: readonly WholeEffect[]): string {
  const events = plan.events.map((event, index) => {
    const row = rows.find((one) => one.version === event['version']);
    return `${String(event['version'])} ${plan.ends[index]}: ${row?.state ?? 'no row'} ${row?.reason ?? ''}`.trim();
  });
  const kinds = effects.map((effect) => `${effect.kind} ${versionOf(plan, effect) ?? 'of none'}`);
  return `${plan.payment} ${plan.fate}: ${events.join(', ')}; effects ${kinds.join(', ')}`;
}

/** The late one of an inverted payment came past the outbox. */
const timesInOutbox = (fate: Fate, event: LooseEvent): number =>
  Number(fate !== 'inverted' || event['version'] !== 1);

const isAcknowledged = ({ state }: Row): boolean => state === 'acknowledged';
const isFinal = ({ state }: Row): boolean => ['acknowledged', 'rejected', 'superseded'].includes(state);

/** The event whose content this effect carries, to the letter; null when no event of the payment does. */
function versionOf({ events }: Planned, { body }: WholeEffect): number | null {
  const { upload_time: _time, ...content } = JSON.parse(body) as Record<string, unknown>;
  const found = events.find((event) => isDeepStrictEqual(event.data, content));
  return found === undefined ? null : Number(found['version']);
}

const isCorrection = ({ events }: Planned, version: number | null): boolean =>
  events.some((event) => event['version'] === version && String(event['type']).includes('corrected'));

/** Unsent: a person looks at it, or a newer event made it needless. `newest` is the last version acknowledged. */
const isUnsent = (row: Row, newest: number): boolean =>
  ['parked', 'rejected'].includes(row.state) || isSuperseded(row, newest);
const isSuperseded = (row: Row, newest: number): boolean =>
  row.state === 'superseded' && newest > row.version;

const ends: Readonly<Record<End, (row: Row, newest: number) => boolean>> = {
  acknowledged: isAcknowledged,
  elsewhere: isAcknowledged,
  rejected: (row) => row.state === 'rejected',
  conflict: (row, newest) =>
    (row.state === 'parked' && row.reason === 'conflict') || isSuperseded(row, newest),
  overtaken: (row, newest) => isAcknowledged(row) || isSuperseded(row, newest),
  unsent: isUnsent,
  either: (row, newest) => isAcknowledged(row) || isUnsent(row, newest),
  contested: (row, newest) => isAcknowledged(row) || isUnsent(row, newest),
};

const endedWell = (end: End, row: Row | undefined, newest: number): boolean =>
  row !== undefined && ends[end](row, newest);

function wantedEffects(end: End, row: Row | undefined, times: number): number {
  if (row?.state === 'acknowledged') return end === 'elsewhere' ? 0 : 1;
  return end === 'contested' ? Math.min(times, 1) : 0;
}

function disorder(effects: readonly WholeEffect[], versions: readonly (number | null)[]): number {
  return effects.filter((effect, index) => {
    const before = effects[index - 1];
    if (before === undefined) return false;
    return effect.uploadTimeMs <= before.uploadTimeMs || (versions[index] ?? 0) < (versions[index - 1] ?? 0);
  }).length;
}

function overtakenIn(requests: readonly RequestLine[]): Pick<Faults, 'overtaken' | 'bothKeysAtOnce'> {
  const sum = { overtaken: 0, bothKeysAtOnce: 0 };
  for (const own of Map.groupBy(requests, (seen) => seen.payment).values()) {
    const byStart = own.toSorted((left, right) => left.startedAtMs - right.startedAtMs);
    let latest: RequestLine | null = null;
    for (const seen of byStart) {
      if (latest !== null && seen.startedAtMs < endOf(latest)) {
        sum.overtaken += 1;
        sum.bothKeysAtOnce += Number(seen.key !== latest.key);
      }
      if (latest === null || endOf(seen) > endOf(latest)) latest = seen;
    }
  }
  return sum;
}

const endOf = (seen: RequestLine): number => seen.endedAtMs ?? Infinity;

const finishedCodes: readonly (number | null)[] = [10060002, 10060003];

/** One such answer of a payment is news; the second was asked for in spite of the first. A correction may ask. */
function sentThoughFinishedIn({ rows, attempts }: Evidence): number {
  const shipped = new Set(rows.filter((row) => row.kind === 'shipped').map((row) => row.id));
  const answered = attempts.filter(
    ({ uploadId, errcode }) => shipped.has(uploadId) && finishedCodes.includes(errcode),
  );
  const payments = new Set(answered.map(({ payment }) => payment));
  return answered.length - payments.size;
}

const partsIn = (plans: readonly Planned[]): ReadonlySet<string> =>
  new Set(plans.flatMap(({ combined, payment }) => (combined === undefined ? [] : [payment])));

const countsOf = ({ plans, rows, effects }: Evidence, parts = partsIn(plans)): Counts => ({
  acknowledged: rows.filter((row) => row.state === 'acknowledged').length,
  combined: rows.filter((row) => row.state === 'acknowledged' && parts.has(row.payment)).length,
  superseded: rows.filter((row) => row.state === 'superseded').length,
  corrections: rows.filter((row) => row.kind === 'corrected' && row.state === 'acknowledged').length,
  reships: effects.filter((effect) => effect.kind === 'reship').length,
});
