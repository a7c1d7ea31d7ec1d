import { systemClock } from '../../src/clock.ts';
import type { Pool } from '../../db/client.ts';
import { bundledCarriers } from '../../src/shipment/carriers.ts';
import { acceptMessages } from '../../src/consumer/handle.ts';
import type { Received } from '../../src/kafka/message.ts';
import { partitionFor } from '../../src/kafka/partition.ts';
import { createLog } from '../../src/log.ts';
import { createMetrics } from '../../src/metrics.ts';
import { locate } from '../../src/relay/journal/locate.ts';
import { readOutboxRows } from '../../src/relay/journal/store.ts';

export type Checked = {
  /** Rows of the outbox. */
  rows: number;
  messages: number;
  /** Events whose transaction committed and that are not in the topic. */
  lost: number;
  /** Messages of no committed transaction. */
  notCommitted: number;
  /** Places where, repeats removed by event id, a payment's later event stands before an earlier one. */
  orderViolations: number;
  duplicates: number;
  /** Repeats that differ from the first copy in key, value or headers. */
  changedRepeats: number;
  /** Outbox rows for which the journal names no offset, two, or one that holds something else. */
  journalMismatches: number;
  /** Upload rows after the topic went through the consumer's door, and what it called a duplicate. */
  uploads: number;
  removedDownstream: number;
  deadLetters: number;
};

type Row = { id: number; eventId: string; key: string; data: string };
type Entry = {
  first: number;
  last: number;
  partition: number;
  partitions: number;
  base: number;
  count: number;
};

/** Compares the topic, from its start, with the outbox; then lets the consumer's own door take all of it. */
export async function checkTopic(
  pool: Pool,
  { topic, messages }: { topic: string; messages: readonly Received[] },
): Promise<Checked> {
  const { rows } = await pool.query<Row>(
    `select id, event_id as "eventId", appid || '/' || payment as key, data from fahuo.outbox order by id`,
  );
  const byEvent = new Map(rows.map((row) => [row.eventId, row]));
  const firsts = new Map<string, Received>();
  let changedRepeats = 0;
  for (const message of messages) {
    const before = firsts.get(eventOf(message));
    if (before === undefined) firsts.set(eventOf(message), message);
    else if (!isSame(before, message)) changedRepeats += 1;
  }
  const downstream = await acceptAll(pool, messages);
  return {
    rows: rows.length,
    messages: messages.length,
    lost: rows.filter((row) => !holds(firsts.get(row.eventId), row)).length,
    notCommitted: [...firsts.keys()].filter((id) => !byEvent.has(id)).length,
    orderViolations: countDescents([...firsts.values()], byEvent),
    duplicates: messages.length - firsts.size,
    changedRepeats,
    journalMismatches:
      (await compareJournal(pool, rows, messages)) + (await compareLocate(pool, rows, { topic, messages })),
    ...downstream,
  };
}

const eventOf = (message: Received): string => String(message.headers['ce_id']);
const holds = (message: Received | undefined, row: Row): boolean =>
  message !== undefined && String(message.value) === row.data && String(message.key) === row.key;

/** All but where and when the broker took it. */
const contentOf = (one: Received): object => ({ ...one, offset: 0, timestampMs: 0 });

const isSame = (left: Received, right: Received): boolean =>
  JSON.stringify(contentOf(left)) === JSON.stringify(contentOf(right));

/** First copies come by partition and offset; a payment in two partitions counts as well. */
function countDescents(firsts: readonly Received[], byEvent: ReadonlyMap<string, Row>): number {
  const last = new Map<string, { id: number; partition: number }>();
  let descents = 0;
  for (const message of firsts) {
    const key = String(message.key);
    const id = byEvent.get(eventOf(message))?.id ?? 0;
    const before = last.get(key);
    if (before !== undefined && (before.id > id || before.partition !== message.partition)) descents += 1;
    last.set(key, { id, partition: message.partition });
  }
  return descents;
}

/** Every row has one journal entry, and the offset that follows from it holds the row. */
async function compareJournal(
  pool: Pool,
  rows: readonly Row[],
  messages: readonly Received[],
): Promise<number> {
  const { rows: journal } = await pool.query<Entry>(
    `select first_id as first, last_id as last, partition, partition_count as partitions, base_offset as base, count
     from fahuo.relay_journal order by first_id`,
  );
  const at = new Map(messages.map((message) => [`${message.partition}/${message.offset}`, eventOf(message)]));
  const placed = new Map<number, string>();
  let mismatches = 0;
  for (const entry of journal) {
    const from = rows.findIndex(({ id }) => id >= entry.first);
    let place = 0;
    for (let index = from; (rows[index]?.id ?? Infinity) <= entry.last; index++) {
      const row = rows[index]!;
      if (partitionFor(row.key, entry.partitions) !== entry.partition) continue;
      if (placed.has(row.id)) mismatches += 1;
      placed.set(row.id, `${entry.partition}/${entry.base + place++}`);
    }
    if (place !== entry.count) mismatches += 1;
  }
  return mismatches + rows.filter(({ id, eventId }) => at.get(placed.get(id) ?? '') !== eventId).length;
}

/** The same by the product's own function, for a few payments. */
async function compareLocate(
  pool: Pool,
  rows: readonly Row[],
  { topic, messages }: { topic: string; messages: readonly Received[] },
): Promise<number> {
  const keys = [...new Set(rows.map(({ key }) => key))].filter((_key, index) => index % 40 === 0);
  let mismatches = 0;
  for (const key of keys)
    for (const row of await readOutboxRows(pool, key.split('/')[1]!)) {
      const place = await locate(pool, row, { events: topic, acks: `${topic}.acks` });
      const found = messages.find((one) => one.partition === place?.partition && one.offset === place.offset);
      if (found === undefined || eventOf(found) !== row.eventId) mismatches += 1;
    }
  return mismatches;
}

/** What the consumer makes of the topic: one upload row an event, whatever stands twice. */
async function acceptAll(
  pool: Pool,
  messages: readonly Received[],
): Promise<Pick<Checked, 'uploads' | 'removedDownstream' | 'deadLetters'>> {
  const accepted = await acceptMessages(
    { pool, log: createLog({ level: 'silent' }), metrics: createMetrics() },
    messages,
    { carriers: bundledCarriers(), maskContacts: false, clock: systemClock, acknowledgements: false },
  );
  const { rows } = await pool.query<{ n: number }>(
    'select count(*) as n from fahuo.upload u join fahuo.outbox o using (event_id)',
  );
  return { uploads: rows[0]!.n, removedDownstream: accepted.duplicate, deadLetters: accepted.dead };
}
