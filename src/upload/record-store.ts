import type { Queryable } from '../../db/client.ts';
import { acknowledgementColumns, acknowledgementInsert } from './acknowledgement-store.ts';
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

const attemptColumns = `number integer, kind fahuo.attempt_kind, outcome text, upload_time_ms bigint, http_status integer,
  errcode integer, errmsg text, rid text, failure text, answer text, duration_ms integer`;
const decidedShape = `as i(id bigint, epoch bigint, "from" fahuo.upload_state, detail text, after_ms bigint,
  absent_reads smallint, failed_reads smallint, park_reason fahuo.park_reason, ${attemptColumns})`;
const earlierShape = `as a(id bigint, ${attemptColumns})`;

/** A read that leaves its row `unknown` must not hide the errcode of the send that it is about. */
const rowErrcode = (afterRead: 'keep' | 'take'): string =>
  afterRead === 'take'
    ? 'coalesce(i.errcode, u.errcode)'
    : `case when i.kind = 'read' then u.errcode else coalesce(i.errcode, u.errcode) end`;

/**
 * One statement a transition and batch: the rows move if they are still in the state and under the epoch that the
 * decision was made for; every attempt goes on record whether they moved or not (P6); final rows are acknowledged
 * in the outbox in the same transaction, their payment's next row is woken, and what they outdate is superseded.
 * JSON carries the batch: one parameter, parsed once, is cheaper on both sides than a dozen arrays. $1 is a line a
 * decision with its last attempt; $2 has the earlier attempts, of the few rows that were read before they were sent.
 */
const statement = (
  set: string,
  after: 'final' | 'wake' | 'nothing',
  {
    supersedes = false,
    errcodeAfterRead = 'take',
  }: { supersedes?: boolean; errcodeAfterRead?: 'keep' | 'take' } = {},
): string => `
with i as materialized (select * from json_to_recordset($1::json) ${decidedShape}),
moved as (
  update fahuo.upload u set ${set}, lease_owner = null, lease_until = null,
    errcode = ${rowErrcode(errcodeAfterRead)}, errmsg = coalesce(i.errmsg, u.errmsg), rid = coalesce(i.rid, u.rid),
    detail = i.detail
  from i where u.id = i.id and u.lease_epoch = i.epoch and u.state = i."from"
  returning ${acknowledgementColumns('u')}
), recorded as (
  insert into fahuo.attempt (upload_id, number, kind, outcome, upload_time, http_status, errcode, errmsg, rid, failure,
    answer, duration_ms, owner)
  select a.id, number, kind, outcome, to_timestamp(upload_time_ms / 1000.0), http_status, errcode, errmsg, rid,
    failure, answer, duration_ms, $3
  from (
    select * from json_to_recordset($2::json) ${earlierShape}
    union all
    select id, number, kind, outcome, upload_time_ms, http_status, errcode, errmsg, rid, failure, answer, duration_ms
    from i where kind is not null
  ) a
  where not $4::boolean or not exists (
    select 1 from fahuo.attempt x where x.upload_id = a.id and x.number = a.number and x.kind = a.kind
      and x.rid is not distinct from a.rid and x.duration_ms = a.duration_ms
  )
)${after === 'nothing' ? '' : waiting + woken}${supersedes ? superseded : ''}${after === 'final' ? told(supersedes) : ''}
select id from moved`;

/**
 * The payment's other rows that wait: looked for once, and hardly ever there. The two statements that use them compare the
 * state as text: no partial index serves that, so a plan made while few rows were pending cannot begin with all of them.
 */
const waiting = `, waiting as materialized (
  select m.id as mover, m.version as moved_version, o.id, o.version, o.state, o.attempts
  from moved m join fahuo.upload o on o.appid = m.appid and o.payment = m.payment
    and o.version <> m.version and o.state in ('pending', 'parked')
)`;

/** Older rows that still wait are restated by the acknowledged one: the parcel list is cumulative (facts.md §6.9). */
const superseded = `, superseded as (
  update fahuo.upload o set state = 'superseded', park_reason = null, finished_at = clock_timestamp(),
    detail = 'version ' || w.moved_version || ' restated the parcels'
  from waiting w
  where w.version < w.moved_version and o.id = w.id and o.state::text in ('pending', 'parked')
  returning ${acknowledgementColumns('o')}
)`;

const woken = `, woken as (
  update fahuo.upload n set next_attempt_at = clock_timestamp()
  from (
    select distinct on (mover) id, attempts from waiting
    where version > moved_version and state = 'pending' order by mover, version
  ) w
  where n.id = w.id and w.attempts = 0 and n.state::text = 'pending'
)`;

const told = (supersedes: boolean): string => `, told as (
  ${acknowledgementInsert(`(select * from moved${supersedes ? ' union all select * from superseded' : ''})`)}
  where $5::boolean
)`;

/** A read that failed counts, and the first of them starts the clock; an answered one ends both; null leaves them. */
const unread = `failed_reads = coalesce(i.failed_reads, u.failed_reads),
  unread_since = case when coalesce(i.failed_reads, u.failed_reads) > 0 then coalesce(u.unread_since, clock_timestamp()) end`;
const back = `next_attempt_at = clock_timestamp() + i.after_ms * interval '1 millisecond'`;

const sql = {
  acknowledge: statement(`state = 'acknowledged', finished_at = clock_timestamp()`, 'final', {
    supersedes: true,
  }),
  reject: statement(`state = 'rejected', finished_at = clock_timestamp()`, 'final'),
  park: statement(
    `state = 'parked', park_reason = i.park_reason,
     next_attempt_at = coalesce(clock_timestamp() + i.after_ms * interval '1 millisecond', 'infinity')`,
    'wake',
  ),
  postpone: statement(
    `state = 'pending', absent_reads = 0, failed_reads = 0, unread_since = null, ${back}`,
    'nothing',
  ),
  giveBack: statement(
    `state = 'pending', attempts = u.attempts - 1,
     first_sent_at = case when u.attempts > 1 then u.first_sent_at end, ${unread}, ${back}`,
    'nothing',
  ),
  doubt: statement(`state = 'unknown', absent_reads = i.absent_reads, ${unread}, ${back}`, 'nothing', {
    errcodeAfterRead: 'keep',
  }),
};

/** `uploading | unknown → acknowledged`. Each of these returns the ids that moved; the others had lost their lease. */
export const acknowledge = (db: Queryable, rows: Decided<To<'acknowledged'>>[], options: RecordOptions) =>
  run(db, 'acknowledge', rows, options);

/** `uploading | unknown → rejected`. */
export const reject = (db: Queryable, rows: Decided<To<'rejected'>>[], options: RecordOptions) =>
  run(db, 'reject', rows, options);

/** `uploading | unknown → parked`. */
export const park = (db: Queryable, rows: Decided<To<'parked'>>[], options: RecordOptions) =>
  run(db, 'park', rows, options);

/** `uploading | unknown → pending`, the attempt spent. */
export const postpone = (db: Queryable, rows: Decided<To<'pending'>>[], options: RecordOptions) =>
  run(db, 'postpone', rows, options);

/** `uploading → pending`, the attempt given back: nothing reached the payment. */
export const giveBack = (db: Queryable, rows: Decided<To<'pending'>>[], options: RecordOptions) =>
  run(db, 'giveBack', rows, options);

/** `uploading | unknown → unknown`: only a read may follow. */
export const doubt = (db: Queryable, rows: Decided<To<'unknown'>>[], options: RecordOptions) =>
  run(db, 'doubt', rows, options);

async function run(
  db: Queryable,
  transition: keyof typeof sql,
  decided: readonly Decided[],
  options: RecordOptions,
): Promise<number[]> {
  const values = [
    JSON.stringify(decided.map(decidedRow)),
    JSON.stringify(decided.flatMap(earlierRows)),
    options.owner,
    options.again ?? false,
  ];
  const text = sql[transition];
  const toldToo = text.includes('$5') ? [options.acknowledgements] : [];
  const { rows } = await db.query<{ id: number }>({
    name: `upload_${transition}`,
    text,
    values: [...values, ...toldToo],
  });
  return rows.map((row) => row.id);
}

function decidedRow(decided: Decided): object {
  const { row, from, transition, attempts } = decided;
  const last = attempts.at(-1);
  return {
    id: row.id,
    epoch: row.epoch,
    from,
    detail: storable(transition.detail),
    failed_reads: failedReadsOf(decided),
    ...waitOf(transition),
    ...(last === undefined ? {} : attemptRow(row, last)),
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

const earlierRows = ({ row, attempts }: Decided): object[] =>
  attempts.slice(0, -1).map((attempt) => ({ id: row.id, ...attemptRow(row, attempt) }));

/** Members without a value are left out: undefined is not written, and the record set reads it as null. */
const attemptRow = (row: Held, { kind, outcome, answer, uploadTimeMs }: AttemptRecord): object => ({
  number: row.attempts,
  kind,
  outcome,
  upload_time_ms: uploadTimeMs ?? undefined,
  http_status: answer.httpStatus ?? undefined,
  errcode: answer.errcode ?? undefined,
  errmsg: storable(answer.errmsg),
  rid: answer.rid ?? undefined,
  failure: answer.failure ?? undefined,
  // An accepted send says everything in errcode, errmsg and rid; the read that decided is kept whole.
  answer: kind === 'send' && answer.errcode === 0 ? undefined : storable(answer.bodyText),
  duration_ms: answer.durationMs,
});

/** Postgres text holds neither NUL nor half a surrogate pair, and an answer may hold anything. */
const storable = (text: string | null): string | undefined =>
  text === null ? undefined : text.toWellFormed().replaceAll('\u0000', '\uFFFD');
