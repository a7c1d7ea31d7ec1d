import type { Queryable } from '../../db/client.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import { parkRows } from './parked-store.ts';
import { parkedRemedy } from './remedies.ts';
import { decodeRow, rawKeyOf, type OutboxRow } from './row.ts';

export type ParkDeps = {
  db: Queryable;
  /** Keys of payments that have a row parked: the leader alone parks and publishes, so it knows them all. */
  parked: Set<string>;
  log: Log;
  metrics: Metrics;
};

/** Parks a row that Kafka refused, and its payment with it (I5). */
export async function parkRefused({ db, parked, metrics, log }: ParkDeps, row: OutboxRow): Promise<void> {
  parked.add(rawKeyOf(row));
  metrics.relayParked.inc(await parkRows(db, [row.id], 'too_large'));
  const { event_id, payment } = decodeRow(row);
  log.error({ outbox_id: row.id, event_id, payment, remedy: parkedRemedy }, 'relay.row_parked');
}

/** Parks the rows whose payment has one parked (P3); returns the others, which go on (P7). */
export async function parkFollowers(
  { db, parked, metrics }: ParkDeps,
  rows: OutboxRow[],
): Promise<OutboxRow[]> {
  const { followers, others } = splitByParked(rows, parked);
  if (followers.length > 0)
    metrics.relayParked.inc(
      await parkRows(
        db,
        followers.map(({ id }) => id),
        'waits_behind',
      ),
    );
  return others;
}

function splitByParked(
  rows: OutboxRow[],
  parked: ReadonlySet<string>,
): { followers: OutboxRow[]; others: OutboxRow[] } {
  if (parked.size === 0) return { followers: [], others: rows }; // no row is decoded for its key
  const followers: OutboxRow[] = [];
  const others: OutboxRow[] = [];
  for (const row of rows) (parked.has(rawKeyOf(row)) ? followers : others).push(row);
  return { followers, others };
}
