import { textArray } from '../../db/binary-array.ts';
import type { Queryable } from '../../db/client.ts';
import type { UploadKind, UploadState } from '../../db/states.ts';
import {
  acknowledgementColumns,
  lateAcknowledgements,
  lateLetterAcknowledgements,
  lateSecondAcknowledgements,
  secondColumns,
} from './acknowledgement-store.ts';
import { columnsOf, insertColumns, notesOf, offered, publishedOf, type NewUpload } from './offered-rows.ts';

export type { NewUpload } from './offered-rows.ts';
export { lateLetterAcknowledgements, lateSecondAcknowledgements, secondColumns };

/**
 * `positions` names the inserted rows, see {@link positionOf}; null says that every offered row is in. `forgotten` are
 * those of the others that repeat what a tombstone stands for: they have had their effect, and nothing follows.
 */
export type Inserted = {
  count: number;
  superseded: number;
  positions: ReadonlySet<string> | null;
  forgotten: ReadonlySet<string>;
};

/** Where a row came from: tells apart two that are one event by id and source. */
export const positionOf = (row: { topic: string; partition: number; offset: number }): string =>
  `${row.topic}/${row.partition}/${row.offset}`;

/** How far a group has come in a partition: every message below `next` is in the tables. */
export type Progress = { group: string; topic: string; partition: number; next: number };

/**
 * Notes progress in the statement that makes it: `where` says when. Not the greatest of both: a group that was sent back
 * has its rows again up to there alone, and a topic made again begins at 0. It starts at the parameter of this number.
 */
export const progressUpsert = (first: number, where: string): string => `
  insert into fahuo.consumer_offset as c (consumer_group, topic, partition, next_offset)
  select $${first}::text, $${first + 1}::text, $${first + 2}::int4, $${first + 3}::int8 where ${where}
  on conflict (consumer_group, topic, partition)
  do update set next_offset = excluded.next_offset, updated_at = excluded.updated_at`;

export const progressValues = (progress: Progress | null): (string | number | null)[] =>
  progress === null
    ? [null, null, null, null]
    : [progress.group, progress.topic, progress.partition, progress.next];

/**
 * The one door by which events become uploads: a row that breaks a unique rule is left out (see {@link readRivals}),
 * one whose payment has a newer version acknowledged is recorded as superseded. Of two offered rows that share an id and
 * a source, only one is inserted. A version that a tombstone covers is left out; a newer one, and an event that is older than
 * this database by more than clocks differ (a minute), carries a caution, and so do an old order of an adopted shop and what
 * was lost (`readFirst`). The second waits until its payment's newest is
 * here, see older-store.ts. `progress` is noted in the same statement if every row is in; what was left out may have to
 * become a dead letter first.
 *
 * A redelivered row may wait for whoever has it locked, and the relay waits for writers of the outbox: so the outbox is
 * locked when all waits are over, and only for rows that are superseded.
 */
export async function insertUploads(
  db: Queryable,
  uploads: readonly NewUpload[],
  options: { acknowledgements: boolean; progress: Progress | null; readFirst?: boolean | undefined },
): Promise<Inserted> {
  const { rows } = await db.query<{
    count: number;
    superseded: number;
    positions: string[] | null;
    forgotten: string[] | null;
  }>({
    name: 'insert_uploads',
    text: insertText,
    values: [
      ...columnsOf(uploads),
      options.acknowledgements,
      uploads.length,
      publishedOf(uploads),
      ...progressValues(options.progress),
      notesOf(uploads),
      options.readFirst ?? false,
    ],
  });
  const { count = 0, superseded = 0, positions = [], forgotten } = rows[0] ?? {};
  return {
    count,
    superseded,
    positions: positions === null ? null : new Set(positions),
    forgotten: new Set(forgotten ?? []),
  };
}

const insertText = `with base as materialized (
      select date_part('epoch', created_at - interval '1 minute') * 1000 as created_ms, older_accepted_at is not null as accepted
      from fahuo.deployment
    ), judged as (
      select r.*, exists (
        select 1 from fahuo.upload o
        where o.appid = r.appid and o.payment = r.payment and o.version > r.version and o.state = 'acknowledged'
      ) as outdated, coalesce(r.version <= t.last_version, false) as forgotten,
      case
        when r.published_ms < (select created_ms from base) and not (select accepted from base) then 'older'
        when t.last_version is not null or r.published_ms < (select created_ms from base) then 'forgotten'
        when r.event_id like 'adopt-%' and exists (
          select from fahuo.adopt_payment a where a.payment = r.payment and a.appid = r.appid and a.read_first and a.version = r.version
        ) then 'backfill'
        when $24::boolean then 'lost'
      end as caution
      from ${offered} left join fahuo.tombstone t on t.appid = r.appid and t.payment = r.payment
    ), inserted as (
      insert into fahuo.upload (${insertColumns})
      select appid, payment, version, kind::fahuo.upload_kind, event_id, source, event_time, reason, approved_by,
        traceparent, topic, partition, "offset", body, body_hash,
        (case when outdated then 'superseded' else 'pending' end)::fahuo.upload_state,
        case when outdated then clock_timestamp() end,
        case when outdated then 'a newer version was acknowledged before this one arrived' end,
        caution::fahuo.upload_caution,
        case when caution = 'older' and not outdated then 'infinity' else clock_timestamp() end,
        notes
      from judged where not forgotten
      on conflict do nothing
      returning topic, partition, "offset", ${acknowledgementColumns('upload')}
    ), noted as (
      ${progressUpsert(19, `$19::text is not null and (select count(*) from inserted) = $17`)}
      returning 1
    ), final as materialized (
      select * from inserted
      where state = 'superseded' and $16::boolean and (select count(*) from noted) >= 0
    )
    select count(*), count(*) filter (where state = 'superseded') as superseded,
      ${lateAcknowledgements('final')},
      case when count(*) < $17 then coalesce(array_agg(topic || '/' || partition || '/' || "offset"), '{}') end as positions,
      (select array_agg(topic || '/' || partition || '/' || "offset") from judged where forgotten) as forgotten
    from inserted`;

/** What names an event: its source and its id together, as CloudEvents has it. */
export const eventKey = (eventId: string, source: string): string => `${eventId}\n${source}`;

/** The rows that stand where a left-out one wanted to be. */
export type Rival = {
  appid: string;
  payment: string;
  version: number;
  kind: UploadKind;
  eventId: string;
  source: string;
  bodyHash: string;
  state: UploadState;
};

/**
 * Every row of these events and of their payments. Two look-ups by index: with an `or` between them Postgres reads the
 * whole table. `offset 0` keeps the planner, whatever its
 * statistics say, from reading the table once and joining.
 */
export async function readRivals(
  db: Queryable,
  uploads: readonly Pick<NewUpload, 'event_id' | 'source' | 'appid' | 'payment'>[],
): Promise<Rival[]> {
  const events = new Map(uploads.map((upload) => [eventKey(upload.event_id, upload.source), upload]));
  const payments = new Map(uploads.map((upload) => [`${upload.appid}/${upload.payment}`, upload]));
  const { rows } = await db.query<Rival>({
    name: 'read_rivals',
    text: rivalsOf,
    values: [
      textArray([...events.values()].map((upload) => upload.event_id)),
      textArray([...events.values()].map((upload) => upload.source)),
      textArray([...payments.values()].map((upload) => upload.appid)),
      textArray([...payments.values()].map((upload) => upload.payment)),
    ],
  });
  return rows;
}

const rivalColumns = `u.appid, u.payment, u.version, u.kind, u.event_id as "eventId", u.source,
  u.body_hash as "bodyHash", u.state`;

const rivalsOf = `
  select u.* from unnest($1::text[], $2::text[]) as e(event_id, source) cross join lateral (
    select ${rivalColumns} from fahuo.upload u where u.event_id = e.event_id and u.source = e.source offset 0
  ) u
  union
  select u.* from unnest($3::text[], $4::text[]) as p(appid, payment) cross join lateral (
    select ${rivalColumns} from fahuo.upload u where u.payment = p.payment and u.appid = p.appid offset 0
  ) u`;
