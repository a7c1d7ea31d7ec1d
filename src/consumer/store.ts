import { byteaArray } from '../../db/binary-array.ts';
import type { Queryable } from '../../db/client.ts';
import type { DeadLetterReason } from '../../db/states.ts';
import type { Received } from '../kafka/message.ts';

export type NewDeadLetter = {
  received: Received;
  reason: DeadLetterReason;
  detail: string;
  eventId: string | null;
};

const maxDetail = 2_000;

/** Once per topic, partition and offset: a redelivered message is the same dead letter. Returns the new ones' count. */
export async function insertDeadLetters(db: Queryable, letters: readonly NewDeadLetter[]): Promise<number> {
  const { rowCount } = await db.query(
    `insert into fahuo.dead_letter (topic, partition, "offset", key, value, headers, reason, detail, event_id)
     select * from unnest($1::text[], $2::int[], $3::bigint[], $4::bytea[], $5::bytea[], $6::text[],
       $7::fahuo.dead_letter_reason[], $8::text[], $9::text[])
     on conflict do nothing`,
    [
      letters.map(({ received }) => received.topic),
      letters.map(({ received }) => received.partition),
      letters.map(({ received }) => received.offset),
      byteaArray(letters.map(({ received }) => received.key)),
      byteaArray(letters.map(({ received }) => received.value)),
      letters.map(({ received }) => headersText(received)),
      letters.map(({ reason }) => reason),
      letters.map(({ detail }) => storable(detail).slice(0, maxDetail)),
      letters.map(({ eventId }) => (eventId === null ? null : storable(eventId))),
    ],
  );
  return rowCount ?? 0;
}

const headersText = ({ headers }: Received): string =>
  JSON.stringify(
    Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.toString('base64')])),
  );

/** Postgres text holds neither NUL nor half a surrogate pair. */
const storable = (text: string): string => text.toWellFormed().replaceAll('\u0000', '\uFFFD');

export type UnpublishedLetter = {
  id: number;
  topic: string;
  partition: number;
  offset: number;
  key: Buffer | null;
  value: Buffer | null;
  /** JSON: name → base64. */
  headers: string;
  reason: DeadLetterReason;
  detail: string;
};

/** The oldest ones, as many as have `bytes` of values together, and one at least: each may hold a megabyte. */
export async function readUnpublished(
  db: Queryable,
  { limit, bytes }: { limit: number; bytes: number },
): Promise<UnpublishedLetter[]> {
  const { rows } = await db.query<UnpublishedLetter>(
    `select id, topic, partition, "offset", key, value, headers, reason, detail from (
       select l.*, sum(coalesce(octet_length(value), 0)) over (order by id) as up_to, row_number() over (order by id) as nth
       from (select * from fahuo.dead_letter where published_at is null order by id limit $1) l
     ) counted
     where up_to <= $2 or nth = 1 order by id`,
    [limit, bytes],
  );
  return rows;
}

export async function markPublished(db: Queryable, ids: readonly number[]): Promise<void> {
  await db.query(
    'update fahuo.dead_letter set published_at = clock_timestamp() where id = any($1::bigint[])',
    [ids],
  );
}
