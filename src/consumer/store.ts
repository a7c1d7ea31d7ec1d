import { createHash } from 'node:crypto';
import { blameOf } from '../../db/blame.ts';
import { byteaArray } from '../../db/binary-array.ts';
import type { Queryable } from '../../db/client.ts';
import type { DeadLetterReason } from '../../db/states.ts';
import { messageOf } from '../errors.ts';
import type { Names } from './decode.ts';
import type { Received } from '../kafka/message.ts';
import {
  lateLetterAcknowledgements,
  progressUpsert,
  progressValues,
  type Progress,
} from '../upload/insert-store.ts';
import { storable } from '../text.ts';
import { headersText } from './letter-headers.ts';

export type NewDeadLetter = Names & { received: Received; reason: DeadLetterReason; detail: string };

const maxDetail = 2_000;

/** What became of writes; `refused` for what they hold, or what we make of it, which no retry helps. */
export type WriteOutcome<T> = { kind: 'written'; value: T } | { kind: 'refused'; detail: string };

/** Rejects when the database is away, or damaged: a dead letter would be a final answer to a good event. */
export async function outcomeOf<T>(writes: Promise<T>): Promise<WriteOutcome<T>> {
  try {
    return { kind: 'written', value: await writes };
  } catch (error) {
    if (blameOf(error) !== 'rows') throw error;
    return { kind: 'refused', detail: refusalOf(error) };
  }
}

/** Postgres's errors have a code; what has none is our own. */
const refusalOf = (error: unknown): string =>
  /^[0-9A-Z]{5}$/.test(String((Object(error) as { code?: unknown }).code))
    ? `the database refused it: ${messageOf(error)}`
    : `fahuo cannot take it: ${messageOf(error)}`;

/**
 * Once per topic, partition, offset and message: a redelivered message is the same dead letter, and another one at the
 * offset of a topic that was made again is not. `progress` is noted in the same statement, and so are acknowledgements:
 * of each letter that names its event, and whose message was not answered before, under whatever offset. Returns the new
 * ones' count.
 */
export async function insertDeadLetters(
  db: Queryable,
  letters: readonly NewDeadLetter[],
  { acknowledgements, progress }: { acknowledgements: boolean; progress: Progress | null },
): Promise<number> {
  const name = (of: keyof Names) => (letter: NewDeadLetter) => {
    const text = letter[of];
    return typeof text === 'string' ? storable(text) : text;
  };
  const headers = letters.map(({ received }) => headersText(received));
  const { rows } = await db.query<{ count: number }>(
    `with inserted as (
       insert into fahuo.dead_letter (topic, partition, "offset", key, value, headers, message_hash, reason, detail, event_id,
         source, appid, payment, version, type)
       select * from unnest($1::text[], $2::int[], $3::bigint[], $4::bytea[], $5::bytea[], $6::text[], $7::text[],
         $8::fahuo.dead_letter_reason[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::int[], $15::text[])
       on conflict do nothing
       returning id, appid, payment, version, event_id, source, reason, detail, value, received_at
     ), noted as (
       ${progressUpsert(17, `$17::text is not null and (select count(*) from inserted) >= 0`)}
       returning 1
     ), told as materialized (
       select distinct on (i.event_id, i.source, i.version, i.value) i.* from inserted i
       where $16::boolean and (select count(*) from noted) >= 0 and i.event_id is not null and i.source is not null
         and i.appid is not null and i.payment is not null
         and not exists (
           select 1 from fahuo.dead_letter e where e.event_id = i.event_id and e.source = i.source
             and e.version is not distinct from i.version and e.value is not distinct from i.value offset 0
         )
       order by i.event_id, i.source, i.version, i.value, i.id
     )
     select count(*), ${lateLetterAcknowledgements('told')} from inserted`,
    [
      letters.map(({ received }) => received.topic),
      letters.map(({ received }) => received.partition),
      letters.map(({ received }) => received.offset),
      byteaArray(letters.map(({ received }) => received.key)),
      byteaArray(letters.map(({ received }) => received.value)),
      headers,
      letters.map(({ received }, at) => messageHash(received, headers[at] ?? '')),
      letters.map(({ reason }) => reason),
      letters.map(({ detail }) => storable(detail).slice(0, maxDetail)),
      letters.map(name('eventId')),
      letters.map(name('source')),
      letters.map(name('appid')),
      letters.map(name('payment')),
      letters.map(({ version }) => version),
      letters.map(name('type')),
      acknowledgements,
      ...progressValues(progress),
    ],
  );
  return rows[0]?.count ?? 0;
}

/** Where nothing was left to insert: every message below it was in the tables before. */
export async function noteProgress(db: Queryable, progress: Progress): Promise<void> {
  await db.query(progressUpsert(1, 'true'), progressValues(progress));
}

/** By partition, the next offset that the group noted in Postgres. */
export async function readProgress(
  db: Queryable,
  group: string,
  topic: string,
): Promise<ReadonlyMap<number, number>> {
  const { rows } = await db.query<{ partition: number; next: number }>(
    `select partition, next_offset as next from fahuo.consumer_offset where consumer_group = $1 and topic = $2`,
    [group, topic],
  );
  return new Map(rows.map(({ partition, next }) => [partition, next]));
}

/** Each part after its length: what ends one and begins the next is not the same message. */
function messageHash({ key, value }: Received, headers: string): string {
  const sum = createHash('sha256');
  for (const part of [key, value, Buffer.from(headers)])
    sum.update(`${part?.length ?? -1}:`).update(part ?? '');
  return sum.digest('hex');
}

export type UnpublishedLetter = {
  id: number;
  topic: string;
  partition: number;
  offset: number;
  key: Buffer | null;
  value: Buffer | null;
  /** See letter-headers.ts. */
  headers: string;
  reason: DeadLetterReason;
  detail: string;
};

/**
 * Takes the oldest ones for this instance, as many as have `bytes` of values together, and one at least: each may hold a
 * megabyte. No other instance publishes them before the lease has run out, and no lock is held while Kafka answers.
 */
export async function leaseUnpublished(
  db: Queryable,
  { limit, bytes, leaseMs }: { limit: number; bytes: number; leaseMs: number },
): Promise<UnpublishedLetter[]> {
  const { rows } = await db.query<UnpublishedLetter>(
    `with free as (
       select id, octet_length(value) as size from fahuo.dead_letter
       where published_at is null and (leased_until is null or leased_until < clock_timestamp())
       order by id limit $1 for update skip locked
     ), counted as (
       select id, sum(coalesce(size, 0)) over (order by id) as up_to, row_number() over (order by id) as nth from free
     )
     update fahuo.dead_letter l set leased_until = clock_timestamp() + $3 * interval '1 millisecond'
     from counted c where l.id = c.id and (c.up_to <= $2 or c.nth = 1)
     returning l.id, l.topic, l.partition, l."offset", l.key, l.value, l.headers, l.reason, l.detail`,
    [limit, bytes, leaseMs],
  );
  return rows.sort((left, right) => left.id - right.id);
}

/** Gives back what could not be published, for the next try of whichever instance. */
export async function releaseUnpublished(db: Queryable, ids: readonly number[]): Promise<void> {
  await db.query(
    'update fahuo.dead_letter set leased_until = null where id = any($1::bigint[]) and published_at is null',
    [ids],
  );
}

export async function markPublished(db: Queryable, ids: readonly number[]): Promise<void> {
  await db.query(
    'update fahuo.dead_letter set published_at = clock_timestamp() where id = any($1::bigint[])',
    [ids],
  );
}
