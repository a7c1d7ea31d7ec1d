import type { Queryable } from '../../db/client.ts';
import type { UploadState } from '../../db/states.ts';
import { acknowledgementInsert } from './acknowledgement-store.ts';
import type { AttemptRecord, Held, Transition } from './row.ts';

/** One decided row: where it goes and what is put on record with it. */
export type Decided<T extends Transition = Transition> = {
  row: Held;
  from: 'uploading' | 'unknown';
  transition: T;
  attempts: readonly AttemptRecord[];
};

export type RecordOptions = {
  owner: string;
  acknowledgements: boolean;
  /** The batch may have been written already: its answer was lost. Attempts are then not put on record twice. */
  again?: boolean;
};

type To<K extends Transition['to']> = Extract<Transition, { to: K }>;

const decidedShape = `as i(id bigint, epoch bigint, "from" fahuo.upload_state, errcode integer, errmsg text, rid text,
  detail text, after_ms bigint, absent_reads smallint, park_reason fahuo.park_reason)`;

const attemptShape = `as a(upload_id bigint, number integer, kind fahuo.attempt_kind, outcome text, upload_time_ms bigint,
  http_status integer, errcode integer, errmsg text, rid text, failure text, answer text, duration_ms integer)`;

/**
 * One statement a transition and batch: the rows move if they are still in the state and under the epoch that the
 * decision was made for; every attempt goes on record whether they moved or not (P6); final rows are acknowledged
 * in the outbox in the same transaction, their payment's next row is woken, and what they outdate is superseded.
 * JSON carries the batch: one parameter, parsed once, is cheaper on both sides than a dozen arrays.
 */
const statement = (set: string, after: 'final' | 'wake' | 'nothing', supersedes = false): string => `
with i as (select * from json_to_recordset($1::json) ${decidedShape}),
moved as (
  update fahuo.upload u set ${set}, lease_owner = null, lease_until = null,
    errcode = coalesce(i.errcode, u.errcode), errmsg = coalesce(i.errmsg, u.errmsg), rid = coalesce(i.rid, u.rid),
    detail = i.detail
  from i where u.id = i.id and u.lease_epoch = i.epoch and u.state = i."from"
  returning u.*
), recorded as (
  insert into fahuo.attempt (upload_id, number, kind, outcome, upload_time, http_status, errcode, errmsg, rid, failure,
    answer, duration_ms, owner)
  select upload_id, number, kind, outcome, to_timestamp(upload_time_ms / 1000.0), http_status, errcode, errmsg, rid,
    failure, answer, duration_ms, $3
  from json_to_recordset($2::json) ${attemptShape}
  where not $4::boolean or not exists (
    select 1 from fahuo.attempt x where x.upload_id = a.upload_id and x.number = a.number and x.kind = a.kind
      and x.rid is not distinct from a.rid and x.duration_ms = a.duration_ms
  )
)${supersedes ? superseded : ''}${after === 'nothing' ? '' : woken}${after === 'final' ? told(supersedes) : ''}
select id from moved`;

/** Older rows that still wait are restated by the acknowledged one: the parcel list is cumulative (facts.md §6.9). */
const superseded = `, superseded as (
  update fahuo.upload o set state = 'superseded', park_reason = null, finished_at = clock_timestamp(),
    detail = 'version ' || m.version || ' restated the parcels'
  from moved m
  where o.appid = m.appid and o.payment = m.payment and o.version < m.version and o.state in ('pending', 'parked')
  returning o.*
)`;

const woken = `, woken as (
  update fahuo.upload n set next_attempt_at = clock_timestamp()
  from moved m cross join lateral (
    select o.id from fahuo.upload o
    where o.appid = m.appid and o.payment = m.payment and o.version > m.version and o.state = 'pending'
    order by o.version limit 1
  ) o
  where n.id = o.id and n.attempts = 0
)`;

const told = (supersedes: boolean): string => `, told as (
  ${acknowledgementInsert(`(select * from moved${supersedes ? ' union all select * from superseded' : ''})`)}
  where $5::boolean
)`;

const back = `next_attempt_at = clock_timestamp() + i.after_ms * interval '1 millisecond'`;

const sql = {
  acknowledge: statement(`state = 'acknowledged', finished_at = clock_timestamp()`, 'final', true),
  reject: statement(`state = 'rejected', finished_at = clock_timestamp()`, 'final'),
  park: statement(
    `state = 'parked', park_reason = i.park_reason,
     next_attempt_at = coalesce(clock_timestamp() + i.after_ms * interval '1 millisecond', 'infinity')`,
    'wake',
  ),
  postpone: statement(`state = 'pending', absent_reads = 0, ${back}`, 'nothing'),
  giveBack: statement(`state = 'pending', attempts = u.attempts - 1, ${back}`, 'nothing'),
  doubt: statement(`state = 'unknown', absent_reads = i.absent_reads, ${back}`, 'nothing'),
};

/** `uploading | unknown → acknowledged`. Each of these returns the ids that moved; the others had lost their lease. */
export const acknowledge = (db: Queryable, rows: Decided<To<'acknowledged'>>[], options: RecordOptions) =>
  run(db, sql.acknowledge, rows, options);

/** `uploading | unknown → rejected`. */
export const reject = (db: Queryable, rows: Decided<To<'rejected'>>[], options: RecordOptions) =>
  run(db, sql.reject, rows, options);

/** `uploading | unknown → parked`. */
export const park = (db: Queryable, rows: Decided<To<'parked'>>[], options: RecordOptions) =>
  run(db, sql.park, rows, options);

/** `uploading | unknown → pending`, the attempt spent. */
export const postpone = (db: Queryable, rows: Decided<To<'pending'>>[], options: RecordOptions) =>
  run(db, sql.postpone, rows, options);

/** `uploading → pending`, the attempt given back: nothing reached the payment. */
export const giveBack = (db: Queryable, rows: Decided<To<'pending'>>[], options: RecordOptions) =>
  run(db, sql.giveBack, rows, options);

/** `uploading | unknown → unknown`: only a read may follow. */
export const doubt = (db: Queryable, rows: Decided<To<'unknown'>>[], options: RecordOptions) =>
  run(db, sql.doubt, rows, options);

async function run(
  db: Queryable,
  text: string,
  decided: readonly Decided[],
  options: RecordOptions,
): Promise<number[]> {
  const values = [
    JSON.stringify(decided.map(decidedRow)),
    JSON.stringify(decided.flatMap(attemptRows)),
    options.owner,
    options.again ?? false,
  ];
  const toldToo = text.includes('$5') ? [options.acknowledgements] : [];
  const { rows } = await db.query<{ id: number }>(text, [...values, ...toldToo]);
  return rows.map((row) => row.id);
}

function decidedRow({ row, from, transition, attempts }: Decided): object {
  const last = attempts.at(-1)?.answer;
  return {
    id: row.id,
    epoch: row.epoch,
    from,
    errcode: keepsErrcode(transition.to, attempts) ? null : (last?.errcode ?? null),
    errmsg: storable(last?.errmsg ?? null),
    rid: last?.rid ?? null,
    detail: storable(transition.detail),
    ...waitOf(transition),
  };
}

/** A read that leaves its row `unknown` must not hide the errcode of the send that it is about. */
const keepsErrcode = (to: UploadState, attempts: readonly AttemptRecord[]): boolean =>
  to === 'unknown' && attempts.at(-1)?.kind === 'read';

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

const attemptRows = ({ row, attempts }: Decided): object[] =>
  attempts.map(({ kind, outcome, answer, uploadTimeMs }) => ({
    upload_id: row.id,
    number: row.attempts,
    kind,
    outcome,
    upload_time_ms: uploadTimeMs,
    http_status: answer.httpStatus,
    errcode: answer.errcode,
    errmsg: storable(answer.errmsg),
    rid: answer.rid,
    failure: answer.failure,
    // An accepted send says everything in errcode, errmsg and rid; the read that decided is kept whole.
    answer: kind === 'send' && answer.errcode === 0 ? null : storable(answer.bodyText),
    duration_ms: answer.durationMs,
  }));

/** Postgres text holds neither NUL nor half a surrogate pair, and an answer may hold anything. */
const storable = (text: string | null): string | null =>
  text === null ? null : text.toWellFormed().replaceAll('\u0000', '\uFFFD');
