import { dueNow } from '../../db/due.ts';
import type { Queryable } from '../../db/client.ts';
import type { FindingKind, Sweep } from '../../db/states.ts';
import { isToldOf } from '../payments/told.ts';
import type { Finding, Judged } from './decide.ts';
import type { Progress } from './windows.ts';

/** Puts the sweeps of an app on record, where they are not. */
export async function insertSweeps(db: Queryable, appid: string, sweeps: readonly Sweep[]): Promise<void> {
  await db.query(
    `insert into fahuo.reconcile_sweep (appid, sweep)
     select $1, s::fahuo.sweep from unnest($2::text[]) s on conflict do nothing`,
    [appid, sweeps],
  );
}

export type Lease = { appid: string; sweep: Sweep; owner: string; leaseMs: number };
export type SweepRow = Progress & { failures: number };

const at = (column: string): string => `(date_part('epoch', ${column}) * 1000)::bigint`;
const progressColumns = `sweep, ${at('watermark')} as "watermarkMs", ${at('pass_until')} as "passUntilMs", cursor, failures,
  case when window_end is not null then json_build_object('beginMs', ${at('window_begin')}, 'endMs', ${at('window_end')}) end
    as "window"`;

/** The sweep, for its owner alone while the lease lasts; null while it is not due, or another instance has it. */
export async function takeSweep(db: Queryable, lease: Lease): Promise<SweepRow | null> {
  const { rows } = await db.query<SweepRow>(
    `update fahuo.reconcile_sweep set owner = $3, lease_until = clock_timestamp() + $4 * interval '1 millisecond'
     where appid = $1 and sweep = $2 and next_at <= ${dueNow}
       and (owner = $3 or lease_until is null or lease_until < clock_timestamp())
     returning ${progressColumns}`,
    [lease.appid, lease.sweep, lease.owner, lease.leaseMs],
  );
  return rows[0] ?? null;
}

export type Saved = Pick<Lease, 'appid' | 'sweep' | 'owner'>;

const instant = (parameter: string): string => `to_timestamp(${parameter}::float8 / 1000)`;

/**
 * Where the sweep goes on; part of the transaction that holds what its page said. `stale`: another instance has taken
 * it meanwhile, and goes on where it was.
 */
export async function saveProgress(
  db: Queryable,
  { appid, sweep, owner }: Saved,
  {
    progress,
    begins,
    listed,
    offered,
  }: { progress: Progress; begins: boolean; listed: number; offered: number },
): Promise<'done' | 'stale'> {
  const { watermarkMs, passUntilMs, window, cursor } = progress;
  const { rowCount } = await db.query(
    `update fahuo.reconcile_sweep set watermark = ${instant('$4')}, pass_until = ${instant('$5')},
       window_begin = ${instant('$6')}, window_end = ${instant('$7')}, cursor = $8, failures = 0, failure = null,
       started_at = case when $9 then clock_timestamp() else started_at end,
       listed = $10 + case when $9 then 0 else listed end, offered = $11 + case when $9 then 0 else offered end
     where appid = $1 and sweep = $2 and owner = $3`,
    [
      ...[appid, sweep, owner, watermarkMs, passUntilMs, window?.beginMs ?? null, window?.endMs ?? null],
      ...[cursor, begins, listed, offered],
    ],
  );
  return rowCount === 1 ? 'done' : 'stale';
}

/** A pass is over: the next one may be another instance's. */
export async function endPass(db: Queryable, saved: Saved, everyMs: number): Promise<void> {
  await db.query(
    `update fahuo.reconcile_sweep set pass_until = null, window_begin = null, window_end = null, cursor = null,
       finished_at = clock_timestamp(), owner = null, lease_until = null, failures = 0, failure = null,
       next_at = clock_timestamp() + $4 * interval '1 millisecond'
     where appid = $1 and sweep = $2 and owner = $3`,
    [saved.appid, saved.sweep, saved.owner, everyMs],
  );
}

/** What was asked of WeChat failed: the page is asked for again after `retryMs`, by whoever is there. */
export async function saveFailure(
  db: Queryable,
  saved: Saved,
  { failure, retryMs, dropCursor }: { failure: string; retryMs: number; dropCursor: boolean },
): Promise<void> {
  await db.query(
    `update fahuo.reconcile_sweep set failures = least(failures + 1, 1000), failure = $4, owner = null, lease_until = null,
       cursor = case when $6 then null else cursor end, next_at = clock_timestamp() + $5 * interval '1 millisecond'
     where appid = $1 and sweep = $2 and owner = $3`,
    [saved.appid, saved.sweep, saved.owner, failure, retryMs, dropCursor],
  );
}

export type FindingRow = Finding & { transactionId: string };

/** What is on record of these payments. */
export async function readFindings(
  db: Queryable,
  appid: string,
  transactionIds: readonly string[],
): Promise<FindingRow[]> {
  const { rows } = await db.query<FindingRow>(
    `select transaction_id as "transactionId", kind, upload_id as "uploadId", first_seen_at as "firstSeenAt",
       confirmed_at as "confirmedAt", offers, ended_at is not null as ended
     from fahuo.reconcile_finding where appid = $1 and transaction_id = any($2::text[])`,
    [appid, transactionIds],
  );
  return rows;
}

export type NewFinding = {
  transactionId: string;
  kind: FindingKind;
  uploadId: number | null;
  shown: string | null;
  judged: Judged;
};

/**
 * Puts on record what one read showed of these payments. What was noted anew counts from this read; what was believed is
 * confirmed, and ends with that where something was offered again: if it is seen once more, it is a new one. Resolves with
 * the payments of those that were believed: what another loop has believed a moment ago is none of them.
 */
export async function saveFindings(
  db: Queryable,
  { appid, readAt, findings }: { appid: string; readAt: Date; findings: readonly NewFinding[] },
): Promise<ReadonlySet<string>> {
  if (findings.length === 0) return new Set();
  const of = (judged: Judged): NewFinding[] => findings.filter((one) => one.judged === judged);
  const believed = await confirmFindings(db, { appid, readAt, of: of('believe') });
  await db.query(
    `insert into fahuo.reconcile_finding as f (appid, transaction_id, kind, upload_id, shown, first_seen_at, seen_at)
     select $1, n.transaction_id, n.kind::fahuo.finding_kind, n.upload_id, n.shown, $2, $2
     from unnest($3::text[], $4::text[], $5::bigint[], $6::text[]) n(transaction_id, kind, upload_id, shown) order by 2, 3
     on conflict (transaction_id, appid, kind) do update set seen_at = greatest(f.seen_at, $2), shown = excluded.shown,
       upload_id = excluded.upload_id`,
    [
      appid,
      readAt,
      findings.map((one) => one.transactionId),
      findings.map((one) => one.kind),
      findings.map((one) => one.uploadId),
      findings.map((one) => one.shown),
    ],
  );
  await restartFindings(db, { appid, readAt, of: of('note') });
  return believed;
}

type Marked = { appid: string; readAt: Date; of: readonly NewFinding[] };
const marked = `unnest($3::text[], $4::text[]) n(transaction_id, kind)
  where f.appid = $1 and f.transaction_id = n.transaction_id and f.kind = n.kind::fahuo.finding_kind`;
const markedValues = ({ appid, readAt, of }: Marked): unknown[] => [
  appid,
  readAt,
  of.map((one) => one.transactionId),
  of.map((one) => one.kind),
];

async function confirmFindings(db: Queryable, given: Marked): Promise<ReadonlySet<string>> {
  if (given.of.length === 0) return new Set();
  const { rows } = await db.query<{ id: string }>(
    `update fahuo.reconcile_finding f set confirmed_at = $2, offers = f.offers + (f.kind <> 'console_edit')::int,
       ended_at = case when f.kind <> 'console_edit' then $2 end
     from ${marked} and f.ended_at is null and f.first_seen_at <= $2
       and (f.kind <> 'console_edit' or f.confirmed_at is null)
     returning f.transaction_id as id`,
    markedValues(given),
  );
  return new Set(rows.map(({ id }) => id));
}

/** Not where another loop has read it later, and has believed it since. */
async function restartFindings(db: Queryable, given: Marked): Promise<void> {
  if (given.of.length === 0) return;
  await db.query(
    `update fahuo.reconcile_finding f set first_seen_at = $2, confirmed_at = null, ended_at = null
     from ${marked} and (f.ended_at is null or f.ended_at < $2)`,
    markedValues(given),
  );
}

/** Ends what a read no longer shows; what was only suspected, and never had a consequence, is forgotten. */
export async function endFindings(
  db: Queryable,
  {
    appid,
    readAt,
    shown,
  }: { appid: string; readAt: Date; shown: readonly Pick<NewFinding, 'transactionId' | 'kind'>[] },
  transactionIds: readonly string[],
): Promise<void> {
  await db.query(
    `with over as (
       select transaction_id, kind from fahuo.reconcile_finding
       where appid = $1 and transaction_id = any($2::text[]) and ended_at is null and first_seen_at <= $3
         and (transaction_id, kind::text) not in (select * from unnest($4::text[], $5::text[]))
     ), forgotten as (
       delete from fahuo.reconcile_finding f using over o
       where f.appid = $1 and f.transaction_id = o.transaction_id and f.kind = o.kind and f.confirmed_at is null and f.offers = 0
     )
     update fahuo.reconcile_finding f set ended_at = $3 from over o
     where f.appid = $1 and f.transaction_id = o.transaction_id and f.kind = o.kind
       and (f.confirmed_at is not null or f.offers > 0)`,
    [appid, transactionIds, readAt, shown.map((one) => one.transactionId), shown.map((one) => one.kind)],
  );
}

/** Payments to be read one by one: those that were wished, and suspicions whose second read is due. */
export async function readAsked(
  db: Queryable,
  { appid, limit, now, apartMs }: { appid: string; limit: number; now: Date; apartMs: number },
): Promise<string[]> {
  const { rows } = await db.query<{ transactionId: string }>(
    `select transaction_id as "transactionId" from (
       (select transaction_id from fahuo.reconcile_wish where appid = $1 and asked_at <= ${dueNow}
        order by asked_at limit $2)
       union
       (select transaction_id from fahuo.reconcile_finding
        where appid = $1 and ended_at is null and confirmed_at is null
          and first_seen_at <= $3::timestamptz - $4 * 2 ^ least(offers, 10) * interval '1 millisecond'
        order by first_seen_at limit $2)
     ) a limit $2`,
    [appid, limit, now, apartMs],
  );
  return rows.map(({ transactionId }) => transactionId);
}

/** Wishes that a read which began at `readAt` has answered; a later one for the same payment stays. */
export async function deleteWishes(
  db: Queryable,
  {
    appid,
    transactionIds,
    askedBefore,
  }: { appid: string; transactionIds: readonly string[]; askedBefore: Date },
): Promise<void> {
  await db.query(
    `delete from fahuo.reconcile_wish where appid = $1 and transaction_id = any($2::text[]) and asked_at <= $3`,
    [appid, transactionIds, askedBefore],
  );
}

/** After so many answers that say nothing, ten days with the waits between them, a wish is forgotten. */
const mostOddAnswers = 20;

/**
 * Payments of which WeChat's answer said nothing: their wishes are heard after `byMs`, which doubles up to 64 times, and
 * their suspicions begin anew.
 */
export async function postponeAsked(
  db: Queryable,
  {
    appid,
    transactionIds,
    readAt,
    byMs,
  }: { appid: string; transactionIds: readonly string[]; readAt: Date; byMs: number },
): Promise<void> {
  if (transactionIds.length === 0) return;
  await db.query(
    `with postponed as (
       update fahuo.reconcile_wish set odd_answers = odd_answers + 1,
         asked_at = clock_timestamp() + $4 * 2 ^ least(odd_answers, 6) * interval '1 millisecond'
       where appid = $1 and transaction_id = any($2::text[]) and odd_answers < $5
     ), forgotten as (
       delete from fahuo.reconcile_wish where appid = $1 and transaction_id = any($2::text[]) and odd_answers >= $5
     )
     update fahuo.reconcile_finding set first_seen_at = $3
     where appid = $1 and transaction_id = any($2::text[]) and ended_at is null and confirmed_at is null`,
    [appid, transactionIds, readAt, byMs, mostOddAnswers],
  );
}

/** The database's time: wishes are dated by it. */
export async function readNow(db: Queryable): Promise<Date> {
  const { rows } = await db.query<{ now: Date }>('select clock_timestamp() as now');
  return rows[0]?.now ?? new Date(0);
}

/**
 * Puts the payments of uploads on record as known to us, in the order in which the uploads came; what came within the
 * last minute waits, since an insert with a lower id may be under way. One that names merchant numbers is loose until
 * WeChat tells its transaction. Returns how many uploads it went past.
 */
export async function noticeUploads(db: Queryable, limit: number): Promise<number> {
  const { rows } = await db.query<{ passed: number }>(
    `with place as (
       select upload_id from fahuo.noticed for update skip locked
     ), page as (
       select u.id, u.appid, u.payment, u.received_at > clock_timestamp() - interval '1 minute' as fresh
       from place, lateral (select * from fahuo.upload where id > place.upload_id order by id limit $1) u
     ), aged as (
       select * from page where id < coalesce((select min(id) from page where fresh), 9223372036854775807)
     ), made as (
       insert into fahuo.payment (appid, transaction_id)
       select distinct appid, payment from aged where strpos(payment, ':') = 0 order by 2, 1 on conflict do nothing
     ), loose as (
       insert into fahuo.loose_payment (appid, payment)
       select distinct appid, payment from aged where strpos(payment, ':') > 0 and not ${isToldOf('aged')} order by 2, 1
       on conflict do nothing
     ), moved as (
       update fahuo.noticed set upload_id = a.last from (select max(id) as last from aged) a where a.last is not null
     )
     select count(*) as passed from aged`,
    [limit],
  );
  return rows[0]?.passed ?? 0;
}

export type LooseKey = { payment: string; appid: string };
export const firstLoose: LooseKey = { payment: '', appid: '' };

/**
 * Forgets loose payments that WeChat has told of, and those without an upload, among the next `limit` after `last`. Returns
 * where to go on; at the end the beginning.
 */
export async function forgetLoose(db: Queryable, last: LooseKey, limit: number): Promise<LooseKey> {
  const { rows } = await db.query<LooseKey>(
    `with page as (
       select appid, payment from fahuo.loose_payment where (payment, appid) > ($1, $2) order by payment, appid limit $3
     ), gone as (
       delete from fahuo.loose_payment l using page where l.payment = page.payment and l.appid = page.appid
         and (${isToldOf('page')} or not exists (select from fahuo.upload u where u.payment = page.payment and u.appid = page.appid))
     )
     select payment, appid from page order by payment, appid`,
    [last.payment, last.appid, limit],
  );
  return rows.length === limit ? (rows.at(-1) ?? firstLoose) : firstLoose;
}
