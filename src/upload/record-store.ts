import type { Queryable } from '../../db/client.ts';
import { acknowledgementColumns, acknowledgementInsert } from './acknowledgement-store.ts';
import { cutText, keptCharacters, storable } from '../text.ts';
import type { AttemptRecord, LeasedRow, Transition } from './row.ts';

/** One decided row: where it goes and what is put on record with it. */
export type Decided<T extends Transition = Transition> = {
  row: LeasedRow;
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

/** A row in neither list was locked by another session: it is decided still, and waits for the next try. */
export type Written = { moved: number[]; stale: number[] };

type To<K extends Transition['to']> = Extract<Transition, { to: K }>;

const attemptColumns = `number integer, kind fahuo.attempt_kind, outcome text, upload_time_ms bigint, http_status integer,
  errcode bigint, errmsg text, rid text, failure text, answer text, duration_ms integer`;
const decidedShape = `as i(id bigint, epoch bigint, "from" fahuo.upload_state, detail text, after_ms bigint,
  absent_reads smallint, failed_reads smallint, park_reason fahuo.park_reason, earlier json, ${attemptColumns})`;
const earlierShape = `as e(${attemptColumns})`;
const attemptNames = `number, kind, outcome, upload_time_ms, http_status, errcode, errmsg, rid, failure, answer, duration_ms`;
const qualified = (alias: string): string =>
  attemptNames
    .split(', ')
    .map((name) => `${alias}.${name}`)
    .join(', ');

/** Puts the attempts of the decided rows in `rows` on record, those of the reads before a send among them. */
const attemptsOf = (rows: string): string => `recorded as (
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

/** A read that leaves its row `unknown` must not hide the errcode of the send that it is about. */
const rowErrcode = (afterRead: 'keep' | 'take'): string =>
  afterRead === 'take'
    ? 'coalesce(i.errcode, u.errcode)'
    : `case when i.kind = 'read' then u.errcode else coalesce(i.errcode, u.errcode) end`;

/**
 * One statement a transition and batch: the rows move if they are still in the state and under the epoch that the
 * decision was made for, their attempts go on record, final rows are acknowledged in the outbox in the same
 * transaction, their payment's next row is woken, and what they outdate is superseded. JSON carries the batch: one
 * parameter, parsed once, is cheaper on both sides than a dozen arrays.
 *
 * The statement is a writer of the outbox from its start, and the relay waits for those: so it waits for no lock of a
 * row (P7). A row that another session has locked is left out, and {@link recordStale} tells it from a lost lease.
 */
const statement = (
  set: string,
  after: 'final' | 'wake' | 'nothing',
  {
    supersedes = false,
    errcodeAfterRead = 'take',
  }: { supersedes?: boolean; errcodeAfterRead?: 'keep' | 'take' } = {},
): Statement => {
  const looksAround = after !== 'nothing';
  const source = looksAround ? 'unrivalled' : 'free';
  const text = (acknowledges: boolean): string => `
with free as materialized (
  select i.*${looksAround ? ', u.appid, u.payment, u.version' : ''} from json_to_recordset($1::json) ${decidedShape}
  join fahuo.upload u on u.id = i.id and u.lease_epoch = i.epoch and u.state = i."from"
  for update of u skip locked
)${looksAround ? rivals : ''}, moved as (
  update fahuo.upload u set ${set}, lease_owner = null, lease_until = null,
    errcode = ${rowErrcode(errcodeAfterRead)}, errmsg = coalesce(i.errmsg, u.errmsg), rid = coalesce(i.rid, u.rid),
    detail = i.detail
  from ${source} i where u.id = i.id and u.lease_epoch = i.epoch and u.state = i."from"
  returning ${acknowledgementColumns('u')}
), ${attemptsOf(source)}${looksAround ? waiting + woken : ''}${supersedes ? superseded : ''}${acknowledges ? told(supersedes) : ''}
select id from moved`;
  return { silent: text(false), telling: text(after === 'final') };
};

/** `telling` writes the acknowledgements of final rows; without them the outbox is not touched at all. */
type Statement = { silent: string; telling: string };

/**
 * The payment's other rows that wait: looked for once, and hardly ever there. The two statements that use them compare the
 * state as text: no partial index serves that, so a plan made while few rows were pending cannot begin with all of them.
 *
 * An older row that is locked may be in a claim that began before this row was claimed, and knows nothing of it. While
 * this row is in flight, upload_one_in_flight refuses that claim; were it final, the older version would be sent
 * blindly after it (P3, P5). So its end is not put on record before that claim has ended: it is left for the next try.
 */
const rivals = `, rival as materialized (
  select i.id as mover, i.version as moved_version, o.id, o.version, o.state, o.attempts
  from free i join fahuo.upload o on o.appid = i.appid and o.payment = i.payment
    and o.version <> i.version and o.state in ('pending', 'parked')
), unlocked as materialized (
  select o.id from rival r join fahuo.upload o on o.id = r.id for update of o skip locked
), unrivalled as materialized (
  select * from free where id not in (
    select mover from rival where version < moved_version and id not in (select id from unlocked)
  )
)`;

const waiting = `, waiting as materialized (
  select r.* from rival r join unlocked using (id) join moved m on m.id = r.mover
)`;

/** Older rows that still wait are restated by the acknowledged one: the parcel list is cumulative (wechat.md §6.9). */
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

/** `uploading | unknown → acknowledged`. */
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
): Promise<Written> {
  const values = [JSON.stringify(decided.map(decidedRow)), options.owner, options.again ?? false];
  const kind = options.acknowledgements ? 'telling' : 'silent';
  const { rows } = await db.query<{ id: number }>({
    name: `upload_${transition}_${kind}`,
    text: sql[transition][kind],
    values,
  });
  const moved = rows.map((row) => row.id);
  if (moved.length === decided.length) return { moved, stale: [] };
  const known = new Set(moved);
  const others = decided.filter(({ row }) => !known.has(row.id));
  return { moved, stale: await recordStale(db, others, options) };
}

/** The rows whose lease was lost: nothing moves them any more, and their attempts go on record all the same (P6). */
async function recordStale(
  db: Queryable,
  decided: readonly Decided[],
  options: RecordOptions,
): Promise<number[]> {
  const { rows } = await db.query<{ id: number }>({
    name: 'upload_record_stale',
    text: `with stale as materialized (
      select i.* from json_to_recordset($1::json) ${decidedShape}
      where not exists (
        select 1 from fahuo.upload u where u.id = i.id and u.lease_epoch = i.epoch and u.state = i."from"
      )
    ), ${attemptsOf('stale')}
    select id from stale`,
    values: [JSON.stringify(decided.map(decidedRow)), options.owner, options.again ?? false],
  });
  return rows.map((row) => row.id);
}

function decidedRow(decided: Decided): object {
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
