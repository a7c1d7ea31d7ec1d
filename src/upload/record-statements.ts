import type { UploadState } from '../../db/states.ts';
import { acknowledgementColumns, acknowledgementInsert } from './acknowledgement-store.ts';
import { attemptsOf, decidedShape } from './record-rows.ts';
import type { ClaimedState, Decided, Transition } from './row.ts';

/** A legal transition of a claimed row, and the statement that makes it for a batch of rows. */
export type RecordStatement = {
  leaves: readonly ClaimedState[];
  enters: Extract<UploadState, Transition['to']>;
  /** Whether the order service hears of it: the state is final. */
  tells: boolean;
  /** `telling` writes the acknowledgements; without them the outbox is not touched at all. */
  text: { silent: string; telling: string };
};

/** Which statement makes a transition. */
export function statementOf(transition: Transition): StatementName {
  switch (transition.to) {
    case 'acknowledged':
      return 'acknowledge';
    case 'rejected':
      return 'reject';
    case 'parked':
      return 'park';
    case 'pending':
      return transition.spent ? 'postpone' : 'giveBack';
    case 'unknown':
      return 'doubt';
  }
}

/** A read that leaves its row `unknown` must not hide the errcode of the send that it is about. */
const rowErrcode = (afterRead: 'keep' | 'take'): string =>
  afterRead === 'take'
    ? 'coalesce(i.errcode, u.errcode)'
    : `case when i.kind = 'read' then u.errcode else coalesce(i.errcode, u.errcode) end`;

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

const woken = `, woken as (
  update fahuo.upload n set next_attempt_at = clock_timestamp()
  from (
    select distinct on (mover) id, attempts from waiting
    where version > moved_version and state = 'pending' order by mover, version
  ) w
  where n.id = w.id and w.attempts = 0 and n.state::text = 'pending'
)`;

/** Older rows that still wait are restated by the acknowledged one: the parcel list is cumulative (wechat.md §6.9). */
const superseded = `, superseded as (
  update fahuo.upload o set state = 'superseded', park_reason = null, finished_at = clock_timestamp(),
    detail = 'version ' || w.moved_version || ' restated the parcels'
  from waiting w
  where w.version < w.moved_version and o.id = w.id and o.state::text in ('pending', 'parked')
  returning ${acknowledgementColumns('o')}
)`;

const acknowledged = (supersedes: boolean): string => `, acknowledged as (
  ${acknowledgementInsert(`(select * from moved${supersedes ? ' union all select * from superseded' : ''})`)}
)`;

type Effects = {
  set: string;
  /** The payment's next row may be due now. */
  wakes?: boolean;
  supersedes?: boolean;
  errcodeAfterRead?: 'keep' | 'take';
};

const textOf = (enters: UploadState, effects: Effects, tells: boolean): string => {
  const { set, wakes = false, supersedes = false, errcodeAfterRead = 'take' } = effects;
  const source = wakes ? 'unrivalled' : 'free';
  return `
with free as materialized (
  select i.*${wakes ? ', u.appid, u.payment, u.version' : ''} from json_to_recordset($1::json) ${decidedShape}
  join fahuo.upload u on u.id = i.id and u.lease_epoch = i.epoch and u.state = i."from"
  for update of u skip locked
)${wakes ? rivals : ''}, moved as (
  update fahuo.upload u set state = '${enters}', ${set}, lease_owner = null, lease_until = null,
    errcode = ${rowErrcode(errcodeAfterRead)}, errmsg = coalesce(i.errmsg, u.errmsg), rid = coalesce(i.rid, u.rid),
    detail = i.detail
  from ${source} i where u.id = i.id and u.lease_epoch = i.epoch and u.state = i."from"
  returning ${acknowledgementColumns('u')}
), ${attemptsOf(source)}${wakes ? waiting + woken : ''}${supersedes ? superseded : ''}${tells ? acknowledged(supersedes) : ''}
select id from moved`;
};

/**
 * One statement a transition and batch: the rows move if they are still in the state and under the epoch that the
 * decision was made for, their attempts go on record, final rows are acknowledged in the outbox in the same
 * transaction, their payment's next row is woken, and what they outdate is superseded. JSON carries the batch: one
 * parameter, parsed once, is cheaper on both sides than a dozen arrays.
 *
 * The statement is a writer of the outbox from its start, and the relay waits for those: so it waits for no lock of a
 * row (P7). A row that another session has locked is left out, and {@link staleText} tells it from a lost lease.
 */
const statement = <const S extends Omit<RecordStatement, 'text'>>(
  facts: S,
  effects: Effects,
): S & Pick<RecordStatement, 'text'> => ({
  ...facts,
  text: {
    silent: textOf(facts.enters, effects, false),
    telling: textOf(facts.enters, effects, facts.tells),
  },
});

/** A read that failed counts, and the first of them starts the clock; an answered one ends both; null leaves them. */
const unread = `failed_reads = coalesce(i.failed_reads, u.failed_reads),
  unread_since = case when coalesce(i.failed_reads, u.failed_reads) > 0 then coalesce(u.unread_since, clock_timestamp()) end`;
const after = `clock_timestamp() + i.after_ms * interval '1 millisecond'`;

const claimed = ['uploading', 'unknown'] as const;

export const recordStatements = {
  acknowledge: statement(
    { leaves: claimed, enters: 'acknowledged', tells: true },
    { set: 'finished_at = clock_timestamp()', wakes: true, supersedes: true },
  ),
  reject: statement(
    { leaves: claimed, enters: 'rejected', tells: true },
    { set: 'finished_at = clock_timestamp()', wakes: true },
  ),
  park: statement(
    { leaves: claimed, enters: 'parked', tells: false },
    { set: `park_reason = i.park_reason, next_attempt_at = coalesce(${after}, 'infinity')`, wakes: true },
  ),
  /** The attempt is spent. */
  postpone: statement(
    { leaves: claimed, enters: 'pending', tells: false },
    { set: `absent_reads = 0, failed_reads = 0, unread_since = null, next_attempt_at = ${after}` },
  ),
  /** The attempt is given back: nothing reached the payment. */
  giveBack: statement(
    { leaves: ['uploading'], enters: 'pending', tells: false },
    {
      set: `attempts = u.attempts - 1, first_sent_at = case when u.attempts > 1 then u.first_sent_at end, ${unread},
        next_attempt_at = ${after}`,
    },
  ),
  /** Only a read may follow. */
  doubt: statement(
    { leaves: claimed, enters: 'unknown', tells: false },
    { set: `absent_reads = i.absent_reads, ${unread}, next_attempt_at = ${after}`, errcodeAfterRead: 'keep' },
  ),
} satisfies Record<string, RecordStatement>;

export type StatementName = keyof typeof recordStatements;

/** What the statement of this name may be given. */
export type DecidedFor<N extends StatementName> = Decided<
  Extract<Transition, { to: (typeof recordStatements)[N]['enters'] }>
> & { from: (typeof recordStatements)[N]['leaves'][number] };

/** The rows whose lease was lost: nothing moves them any more, and their attempts go on record all the same (P6). */
export const staleText = `
with stale as materialized (
  select i.* from json_to_recordset($1::json) ${decidedShape}
  where not exists (
    select 1 from fahuo.upload u where u.id = i.id and u.lease_epoch = i.epoch and u.state = i."from"
  )
), ${attemptsOf('stale')}
select id from stale`;
