import type { Queryable } from '../../db/client.ts';
import type { CopySession } from '../../db/copy.ts';
import type { RelayParkReason } from '../../db/states.ts';
import type { OutboxRow } from './row.ts';
import { copied, copyRows, type Arena } from './row-store.ts';

/** A payment by what names it in the outbox. */
export type PaymentName = { appid: string; payment: string };

/** Keys of payments that have a row parked. */
export async function readParkedPayments(db: Queryable): Promise<Set<string>> {
  const { rows } = await db.query<{ key: string }>(
    `select distinct appid || '/' || payment as key from fahuo.relay_parked where published_at is null`,
  );
  return new Set(rows.map((row) => row.key));
}

/** Keeps the whole row: the outbox drops its partition one day. Returns how many were not parked before. */
export async function parkRows(
  db: Queryable,
  ids: readonly number[],
  reason: RelayParkReason,
): Promise<number> {
  const { rowCount } = await db.query(
    `insert into fahuo.relay_parked (outbox_id, event_id, type, source, event_time, appid, payment, version, reason,
       approved_by, traceparent, data, created_at, park_reason)
     select id, event_id, type, source, event_time, appid, payment, version, reason, approved_by, traceparent, data,
       created_at, $2
     from fahuo.outbox where id = any($1::bigint[])
     on conflict do nothing`,
    [ids, reason],
  );
  return rowCount ?? 0;
}

/** Payments with a row that somebody released, the one with the oldest row first. */
export async function readReleasedPayments(db: Queryable): Promise<PaymentName[]> {
  const { rows } = await db.query<PaymentName>(
    `select appid, payment from fahuo.relay_parked where published_at is null and released_at is not null
     group by appid, payment order by min(outbox_id)`,
  );
  return rows;
}

/** The payment's parked rows in the order in which they were written. */
export const readParkedRows = (
  db: CopySession,
  arena: Arena,
  { appid, payment }: PaymentName,
): Promise<OutboxRow[]> =>
  copyRows(
    db,
    arena,
    `copy (
      select outbox_id, ${copied} from fahuo.relay_parked
      where published_at is null and appid = ${quoted(appid)} and payment = ${quoted(payment)}
      order by outbox_id, created_at limit 1000
    ) to stdout (format binary)`,
  );

/** COPY takes no parameters. */
const quoted = (text: string): string => `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;

export type Placed = { id: number; eventId: string; topic: string; partition: number; offset: number };

/** They are in the topic: where, is on record, since no entry of the journal spans them. */
export async function markPublished(db: Queryable, rows: readonly Placed[]): Promise<void> {
  await db.query(
    `update fahuo.relay_parked p
     set topic = e.topic, partition = e.partition, "offset" = e."offset", published_at = clock_timestamp()
     from unnest($1::bigint[], $2::text[], $3::text[], $4::int[], $5::bigint[])
       as e(id, event_id, topic, partition, "offset")
     where p.outbox_id = e.id and p.event_id = e.event_id`,
    [
      rows.map((row) => row.id),
      rows.map((row) => row.eventId),
      rows.map((row) => row.topic),
      rows.map((row) => row.partition),
      rows.map((row) => row.offset),
    ],
  );
}

/** Kafka refused one of them again: the payment waits for a person again. */
export async function refuseRelease(db: Queryable, { appid, payment }: PaymentName): Promise<void> {
  await db.query(
    `update fahuo.relay_parked set released_at = null
     where published_at is null and appid = $1 and payment = $2`,
    [appid, payment],
  );
}

export type ParkedRow = PaymentName & {
  outboxId: number;
  eventId: string;
  /** Null of a received event. */
  version: number | null;
  reason: RelayParkReason;
  bytes: number;
  parkedAt: Date;
  releasedAt: Date | null;
};

/** What is parked, in the order of the outbox, page by page. */
export async function listParked(
  db: Queryable,
  { limit, after }: { limit: number; after: number },
): Promise<ParkedRow[]> {
  const { rows } = await db.query<ParkedRow>(
    `select ${listed} from fahuo.relay_parked where published_at is null and outbox_id > $2
     order by outbox_id limit $1`,
    [limit, after],
  );
  return rows;
}

/** All parked rows of the payments that `name` names: a payment, or the id of one of its rows. */
export async function findParked(db: Queryable, name: string): Promise<ParkedRow[]> {
  const { rows } = await db.query<ParkedRow>(
    `select ${listed} from fahuo.relay_parked where published_at is null and (appid, payment) in (
       select appid, payment from fahuo.relay_parked
       where published_at is null and (payment = $1 or outbox_id::text = $1)
     ) order by outbox_id`,
    [name],
  );
  return rows;
}

const listed = `outbox_id as "outboxId", event_id as "eventId", appid, payment, version, park_reason as reason,
  octet_length(data) as bytes, parked_at as "parkedAt", released_at as "releasedAt"`;

/** Asks the leader to publish all parked rows of a payment; in their order, or it would be none. */
export async function releasePayment(db: Queryable, { appid, payment }: PaymentName): Promise<number> {
  const { rowCount } = await db.query(
    `update fahuo.relay_parked set released_at = clock_timestamp()
     where published_at is null and appid = $1 and payment = $2`,
    [appid, payment],
  );
  return rowCount ?? 0;
}

/** What became of a release. */
export async function countReleased(
  db: Queryable,
  rows: readonly Pick<ParkedRow, 'outboxId' | 'eventId'>[],
): Promise<{ published: number; refused: number }> {
  const { rows: counted } = await db.query<{ published: number; refused: number }>(
    `select count(*) filter (where published_at is not null) as published,
       count(*) filter (where published_at is null and released_at is null) as refused
     from fahuo.relay_parked join unnest($1::bigint[], $2::text[]) as e(id, event_id)
       on outbox_id = e.id and relay_parked.event_id = e.event_id`,
    [rows.map((row) => row.outboxId), rows.map((row) => row.eventId)],
  );
  return counted[0] ?? { published: 0, refused: 0 };
}
