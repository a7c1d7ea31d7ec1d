import { cutText, keptCharacters, storable } from '../text.ts';
import type { AttemptRecord, Decided, LeasedRow, Transition } from './row.ts';

/** Decided rows as the statements take them: one JSON text, read as a record set. */

const attemptColumns = `number integer, kind fahuo.attempt_kind, outcome text, upload_time_ms bigint, http_status integer,
  errcode bigint, errmsg text, rid text, failure text, answer text, duration_ms integer`;
export const decidedShape = `as i(id bigint, epoch bigint, "from" fahuo.upload_state, detail text, after_ms bigint,
  absent_reads smallint, failed_reads smallint, park_reason fahuo.park_reason, earlier json, ${attemptColumns})`;
const earlierShape = `as e(${attemptColumns})`;
const attemptNames = `number, kind, outcome, upload_time_ms, http_status, errcode, errmsg, rid, failure, answer, duration_ms`;
const qualified = (alias: string): string =>
  attemptNames
    .split(', ')
    .map((name) => `${alias}.${name}`)
    .join(', ');

/** Puts the attempts of the decided rows in `rows` on record, in the order of their requests. */
export const attemptsOf = (rows: string): string => `recorded as (
  insert into fahuo.attempt (upload_id, number, kind, outcome, upload_time, http_status, errcode, errmsg, rid, failure,
    answer, duration_ms, owner)
  select a.id, number, kind, outcome, to_timestamp(upload_time_ms / 1000.0), http_status, errcode, errmsg, rid,
    failure, answer, duration_ms, $2
  from (
    select r.id, ${qualified('e')} from ${rows} r cross join lateral json_to_recordset(r.earlier) ${earlierShape}
    where r.earlier is not null
    union all
    select id, ${attemptNames} from ${rows} where kind is not null
  ) a
  where not $3::boolean or not exists (
    select 1 from fahuo.attempt x where x.upload_id = a.id and x.number = a.number and x.kind = a.kind
      and x.rid is not distinct from a.rid and x.duration_ms = a.duration_ms
  )
)`;

/** One row of the record set. */
export function decidedRow(decided: Decided): object {
  const { row, from, transition, attempts } = decided;
  const last = attempts.at(-1);
  const earlier = attempts.slice(0, -1);
  return {
    id: row.id,
    epoch: row.epoch,
    from,
    detail: kept(transition.detail),
    failed_reads: failedReadsOf(decided),
    ...waitOf(transition),
    ...(last === undefined ? {} : attemptRow(row, last)),
    ...(earlier.length === 0 ? {} : { earlier: earlier.map((attempt) => attemptRow(row, attempt)) }),
  };
}

/** What the decision says; an answered read ends the count, also when a send came after it. */
function failedReadsOf({ transition, attempts }: Decided): number | undefined {
  if ('failedReads' in transition) return transition.failedReads;
  const isAnswered = ({ kind, outcome }: AttemptRecord): boolean =>
    kind === 'read' && (outcome === 'order' || outcome === 'absent');
  return attempts.some(isAnswered) ? 0 : undefined;
}

function waitOf(transition: Transition): object {
  switch (transition.to) {
    case 'acknowledged':
    case 'rejected':
      return {};
    case 'parked':
      return { after_ms: transition.retryAfterMs, park_reason: transition.reason };
    case 'pending':
      return { after_ms: transition.afterMs };
    case 'unknown':
      return { after_ms: transition.readAfterMs, absent_reads: transition.absentReads };
  }
}

/** Members without a value are left out: undefined is not written, and the record set reads it as null. */
const attemptRow = (row: LeasedRow, { kind, outcome, answer, uploadTimeMs }: AttemptRecord): object => ({
  number: row.attempts,
  kind,
  outcome,
  upload_time_ms: uploadTimeMs ?? undefined,
  http_status: answer.httpStatus ?? undefined,
  errcode: answer.errcode ?? undefined,
  errmsg: kept(answer.errmsg),
  rid: kept(answer.rid),
  failure: answer.failure ?? undefined,
  // An accepted send says everything in errcode, errmsg and rid; the read that decided is kept whole.
  answer: kind === 'send' && answer.errcode === 0 ? undefined : kept(answer.bodyText, 2 * keptAnswer),
  duration_ms: answer.durationMs,
});

/** The answer was cut when it came, with its length noted: this is for what was made of it. */
const keptAnswer = 4_096;

/** No text of others makes an acknowledgement larger than the outbox takes. */
const kept = (text: string | null, max = 2 * keptCharacters): string | undefined =>
  text === null ? undefined : storable(cutText(text, max));
