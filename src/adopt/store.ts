import { dueNow } from '../../db/due.ts';
import { FahuoError } from '../errors.ts';
import type { AdoptState } from '../../db/states.ts';
import type { Queryable } from '../../db/client.ts';
import type { Shipment } from '../shipment/events.ts';
import type { Known } from './decide.ts';
import type { Key } from './shop.ts';

/**
 * SQL on fahuo's own side of an adoption; the shop's side stands in postgres/ and mysql/. Rows of a batch are looked up in a
 * `lateral … offset 0`: a joined table is read whole for each batch while its statistics are missing or old, and a shop's first
 * hour is when it grows fastest.
 */

/** Whether `owner` is the one who follows the source, until the lease ends. */
export async function takeLease(
  db: Queryable,
  { name, owner, leaseMs }: { name: string; owner: string; leaseMs: number },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `insert into fahuo.adopt_source as s (name, owner, lease_until)
     values ($1, $2, clock_timestamp() + $3 * interval '1 millisecond')
     on conflict (name) do update set owner = $2, lease_until = clock_timestamp() + $3 * interval '1 millisecond'
     where s.owner = $2 or s.owner is null or s.lease_until < clock_timestamp()`,
    [name, owner, leaseMs],
  );
  return rowCount === 1;
}

export async function giveLeaseBack(db: Queryable, name: string, owner: string): Promise<void> {
  await db.query(
    'update fahuo.adopt_source set owner = null, lease_until = null where name = $1 and owner = $2',
    [name, owner],
  );
}

/** How many writes the source has had. Read before the parts, it tells later whether they may be older than what was said. */
export async function readWrites(db: Queryable, name: string): Promise<number> {
  const { rows } = await db.query<{ writes: number }>(
    'select writes from fahuo.adopt_source where name = $1',
    [name],
  );
  return rows[0]?.writes ?? 0;
}

/** Begins the next write of the source; nobody else's begins before the transaction ends. */
export async function beginWrite(tx: Queryable, name: string): Promise<number> {
  const { rows } = await tx.query<{ writes: number }>(
    `insert into fahuo.adopt_source as s (name, writes) values ($1, 1)
     on conflict (name) do update set writes = s.writes + 1 returning writes`,
    [name],
  );
  return rows[0]?.writes ?? 0;
}

/** Whether one of these payments was written after the write `seen`. */
export async function isOvertaken(
  tx: Queryable,
  source: string,
  { names, seen }: { names: readonly PaymentName[]; seen: number },
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `select from unnest($2::text[], $3::text[]) as n (appid, payment)
     join lateral (select write from fahuo.adopt_payment p where p.payment = n.payment and p.appid = n.appid and p.source = $1
       offset 0) p on p.write > $4 limit 1`,
    [source, names.map(({ appid }) => appid), names.map(({ payment }) => payment), seen],
  );
  return rowCount === 1;
}

export type Health = { waiting: number; waitingSinceMs: number | null; failure: string | null };

export async function saveHealth(
  db: Queryable,
  name: string,
  { waiting, waitingSinceMs, failure }: Health,
): Promise<void> {
  await db.query(
    `update fahuo.adopt_source set waiting = $2, waiting_since = to_timestamp($3::float8 / 1000), looked_at = clock_timestamp(),
       failure = $4, failed_at = case when $4::text is not null then clock_timestamp() end where name = $1`,
    [name, waiting, waitingSinceMs, failure],
  );
}

export async function saveFailure(db: Queryable, name: string, failure: string): Promise<void> {
  await db.query(
    `insert into fahuo.adopt_source as s (name, failure, failed_at) values ($1, $2, clock_timestamp())
     on conflict (name) do update set failure = $2, failed_at = coalesce(s.failed_at, clock_timestamp())`,
    [name, failure],
  );
}

export type PaymentName = { appid: string; payment: string };
export type KnownPayment = Known &
  PaymentName & {
    state: AdoptState;
    proposed: string | null;
    dismissed: string | null;
    version: number | null;
  };

/** What was said of these payments before; those that are new are left out. */
export async function readKnown(
  db: Queryable,
  source: string,
  names: readonly PaymentName[],
): Promise<KnownPayment[]> {
  const { rows } = await db.query<Omit<KnownPayment, 'said'> & { said: string | null }>(
    `select p.appid, p.payment, p.state, p.said, p.version, p.corrected, p.proposed, p.dismissed,
       (p.said is not null and u.state is distinct from 'rejected') as stands
     from unnest($2::text[], $3::text[]) as n (appid, payment)
     cross join lateral (select * from fahuo.adopt_payment o where o.payment = n.payment and o.appid = n.appid and o.source = $1
       offset 0) p
     left join lateral (select state from fahuo.upload u where u.payment = p.payment and u.appid = p.appid and u.version = p.version
       offset 0) u on true`,
    [source, names.map(({ appid }) => appid), names.map(({ payment }) => payment)],
  );
  return rows.map(({ said, ...row }) => ({
    ...row,
    said: said === null ? null : (JSON.parse(said) as Shipment),
  }));
}

export type KeyRow = Key & {
  appid: string | null;
  payment: string | null;
  state: AdoptState;
  detail: string | null;
  /** Milliseconds until the next look; null where none is due. */
  nextLookMs: number | null;
};

/** What is only known as "nothing shipped" is written where a row stands already: most orders are touched before they ship. */
export async function saveKeys(tx: Queryable, source: string, keys: readonly KeyRow[]): Promise<void> {
  if (keys.length === 0) return;
  await tx.query(
    `with given as (
       select k.*, o.kind is not null as known
       from json_to_recordset($2::json) as k (kind text, ref text, appid text, payment text, state fahuo.adopt_state,
         detail text, "nextLookMs" float8)
       left join lateral (select o.kind from fahuo.adopt_key o where o.source = $1 and o.kind = k.kind and o.ref = k.ref
         offset 0) o on true
     )
     insert into fahuo.adopt_key as k (source, kind, ref, appid, payment, state, detail, failures, next_look_at)
     select $1, g.kind, g.ref, g.appid, g.payment, g.state, g.detail, (g.state = 'failed')::int,
       clock_timestamp() + g."nextLookMs" * interval '1 millisecond'
     from given g
     where g.state <> 'nothing' or g.known
     order by g.kind, g.ref
     on conflict (source, kind, ref) do update set appid = coalesce(excluded.appid, k.appid), payment = coalesce(excluded.payment, k.payment),
       state = excluded.state, detail = excluded.detail, next_look_at = excluded.next_look_at,
       failures = case when excluded.state = 'failed' then k.failures + 1 else 0 end, updated_at = clock_timestamp()
     where (k.state, k.appid, k.payment, k.detail, k.next_look_at)
       is distinct from (excluded.state, excluded.appid, excluded.payment, excluded.detail, excluded.next_look_at)`,
    [source, JSON.stringify(keys)],
  );
}

/** Of keys of which rows are known: how often each failed, and whether it was said. */
export async function readKeys(
  db: Queryable,
  source: string,
  keys: readonly Key[],
): Promise<(Key & { state: AdoptState; failures: number })[]> {
  const { rows } = await db.query<Key & { state: AdoptState; failures: number }>(
    `select k.* from unnest($2::text[], $3::text[]) as n (kind, ref)
     cross join lateral (select k.kind, k.ref, k.state, k.failures from fahuo.adopt_key k
       where k.source = $1 and k.kind = n.kind and k.ref = n.ref offset 0) k`,
    [source, keys.map(({ kind }) => kind), keys.map(({ ref }) => ref)],
  );
  return rows;
}

/** Keys whose look failed, and whose next one is due. */
export async function readDue(db: Queryable, source: string, limit: number): Promise<Key[]> {
  const { rows } = await db.query<Key>(
    `select kind, ref from fahuo.adopt_key where source = $1 and next_look_at <= ${dueNow} order by next_look_at limit $2`,
    [source, limit],
  );
  return rows;
}

/**
 * Writes events through the database's own door; the version that each was given, null where it was refused. Two statements:
 * the first does not see the rows that the door's function writes meanwhile.
 */
export async function offerEvents(tx: Queryable, events: readonly string[]): Promise<(number | null)[]> {
  if (events.length === 0) return [];
  const offered = await tx.query<{ id: number | null }>(
    'select fahuo.offer(e.event) as id from unnest($1::text[]) with ordinality as e (event, n) order by e.n',
    [events],
  );
  const ids = offered.rows.map(({ id }) => id);
  const { rows } = await tx.query<{ id: number; version: number }>(
    'select id, version from fahuo.outbox where id = any($1::bigint[])',
    [ids],
  );
  const versions = new Map(rows.map(({ id, version }) => [id, version]));
  return ids.map((id) => (id === null ? null : versionOf(versions, id)));
}

/** An event that was taken and looked like one that was refused would be said twice: better nothing at all. */
function versionOf(versions: ReadonlyMap<number, number>, id: number): number {
  const version = versions.get(id);
  if (version === undefined)
    throw new FahuoError('INVARIANT', `fahuo.offer took an event as outbox row ${id}, which is not there`);
  return version;
}

/** Why the door refused an event of ours. */
export async function readRefusal(tx: Queryable, eventId: string): Promise<string | null> {
  const { rows } = await tx.query<{ detail: string }>(
    'select detail from fahuo.refused_offer where event_id = $1',
    [eventId],
  );
  return rows[0]?.detail ?? null;
}

export type PaymentRow = PaymentName & {
  state: AdoptState;
  reason: string | null;
  detail: string | null;
  /** Null: what was said stays. */
  said: string | null;
  version: number | null;
  corrected: boolean;
  proposed: string | null;
  touchedAtMs: number;
};

/** What was said is overwritten by what was said now alone; the shop is to be told when anything else changed. */
export async function savePayments(
  tx: Queryable,
  { source, write, readFirst }: { source: string; write: number; readFirst: boolean },
  payments: readonly PaymentRow[],
): Promise<void> {
  if (payments.length === 0) return;
  await tx.query(
    `with given as materialized (
       select g.*, o.id as known
       from json_to_recordset($2::json) as g (appid text, payment text, state fahuo.adopt_state, reason text, detail text,
         said text, version int, corrected boolean, proposed text, "touchedAtMs" float8)
       left join lateral (select p.id from fahuo.adopt_payment p where p.payment = g.payment and p.appid = g.appid and p.source = $1
         offset 0) o on true
     ), updated as (
       update fahuo.adopt_payment p set state = g.state, reason = g.reason, detail = g.detail, said = coalesce(g.said, p.said),
         version = coalesce(g.version, p.version), corrected = p.corrected or g.corrected, proposed = g.proposed,
         touched_at = to_timestamp(g."touchedAtMs" / 1000), updated_at = clock_timestamp(), answer_final = false, write = $3, read_first = $4 and g.said is not null
       from given g where p.id = g.known
         and (g.said is not null or (p.state, p.reason, p.detail, p.proposed) is distinct from (g.state, g.reason, g.detail, g.proposed))
       returning p.id
     )
     insert into fahuo.adopt_payment (source, appid, payment, state, reason, detail, said, version, corrected, proposed, touched_at, write, read_first)
     select $1, g.appid, g.payment, g.state, g.reason, g.detail, g.said, g.version, g.corrected, g.proposed, to_timestamp(g."touchedAtMs" / 1000), $3, $4
     from given g where g.state in ('said', 'held', 'proposed') and g.known is null`,
    [source, JSON.stringify(payments), write, readFirst],
  );
}

/** Whoever begins to follow a source may have another file: what is held or failed is looked at anew. */
export async function lookAgain(db: Queryable, source: string): Promise<void> {
  await db.query(
    `update fahuo.adopt_key set next_look_at = clock_timestamp() where source = $1 and state in ('held', 'failed')`,
    [source],
  );
}

export type Unanswered = PaymentName & {
  id: number;
  state: AdoptState;
  detail: string | null;
  version: number | null;
  answered: string | null;
  updatedAt: string;
  /** The same in whole milliseconds: when the payment came into its state. */
  updatedMs: number;
  upload: AdoptUpload | null;
  keys: Key[];
};
export type AdoptUpload = {
  state: string;
  errcode: number | null;
  errmsg: string | null;
  rid: string | null;
  detail: string | null;
  finishedMs: number | null;
};

/** A stretch of payments, by id, and those of them of which the shop is to hear something. */
export type UnansweredPage = {
  rows: Unanswered[];
  /** Where the next stretch begins; 0 where this was the last. */
  nextId: number;
};

/**
 * Of the payments beyond `afterId` of which the shop has not had the last word, those with news: never told, not waiting for
 * WeChat, or with WeChat's answer. `page` of them are looked through, however few have news: most of a backlog waits.
 */
export async function readUnanswered(
  db: Queryable,
  source: string,
  { afterId, page, limit }: { afterId: number; page: number; limit: number },
): Promise<UnansweredPage> {
  const { rows } = await db.query<{ rows: Unanswered[]; lastId: number; scanned: number }>(
    `with page as materialized (
       select * from fahuo.adopt_payment where source = $1 and not answer_final and id > $2 order by id limit $3
     ), news as (
       select p.id, p.appid, p.payment, p.state, p.detail, p.version, p.answered, p.updated_at::text as "updatedAt",
         floor(extract(epoch from p.updated_at) * 1000)::float8 as "updatedMs",
         case when u.id is not null then json_build_object('state', u.state, 'errcode', u.errcode, 'errmsg', u.errmsg, 'rid', u.rid,
           'detail', u.detail, 'finishedMs', floor(extract(epoch from u.finished_at) * 1000)) end as upload,
         (select coalesce(json_agg(json_build_object('kind', k.kind, 'ref', k.ref) order by k.kind, k.ref), '[]') from fahuo.adopt_key k
          where k.payment = p.payment and k.appid = p.appid and k.source = p.source) as keys
       from page p left join fahuo.upload u on u.payment = p.payment and u.appid = p.appid and u.version = p.version
       where p.answered is null or p.state <> 'said' or u.state in ('acknowledged', 'rejected', 'superseded')
       order by p.id limit $4
     )
     select (select coalesce(json_agg(n order by n.id), '[]') from news n) as rows,
       (select coalesce(max(id), 0) from page) as "lastId", (select count(*) from page)::int as scanned`,
    [source, afterId, page, limit],
  );
  const { rows: news = [], lastId = 0, scanned = 0 } = rows[0] ?? {};
  if (news.length === limit) return { rows: news, nextId: news.at(-1)?.id ?? 0 };
  return { rows: news, nextId: scanned === page ? lastId : 0 };
}

export type Answered = { id: number; updatedAt: string; answered: string; final: boolean };

/** Unless the row changed since it was read: then the shop is told again. */
export async function saveAnswered(db: Queryable, answers: readonly Answered[]): Promise<void> {
  await db.query(
    `update fahuo.adopt_payment p set answered = g.answered, answer_final = g.final
     from json_to_recordset($1::json) as g (id bigint, "updatedAt" timestamptz, answered text, final boolean)
     where p.id = g.id and p.updated_at = g."updatedAt"`,
    [JSON.stringify(answers)],
  );
}

/** The shop's answers went with an undo: whoever applies anew is told all of them once more. */
export async function tellAgain(db: Queryable, source: string): Promise<void> {
  await db.query(
    `update fahuo.adopt_payment set answered = null, answer_final = false
     where source = $1 and state in ('said', 'held', 'proposed')`,
    [source],
  );
}
