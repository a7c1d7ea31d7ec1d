import type { CopySession } from '../../db/copy.ts';
import { topicOf, type Topics } from './batch.ts';
import type { JournalEntry } from './journal/entry.ts';
import type { ParkDeps } from './parked.ts';
import {
  markPublished,
  readParkedRows,
  readReleasedPayments,
  refuseRelease,
  type PaymentName,
  type Placed,
} from './parked-store.ts';
import { logPublished, publishRows, type PublishDeps } from './publish.ts';
import { parkedRemedy } from './remedies.ts';
import { decodeRow, keyOf, type OutboxRow } from './row.ts';

export type ReleaseDeps = PublishDeps & ParkDeps & { db: CopySession };

/** What somebody released, payment by payment, before anything of it that comes later. */
export async function publishReleased(deps: ReleaseDeps, signal: AbortSignal): Promise<void> {
  for (const name of await readReleasedPayments(deps.db)) {
    if (signal.aborted) return;
    await publishPayment(deps, name, signal);
  }
}

/** In order, each once more if this process dies before it is marked (I4); then the payment waits no more. */
async function publishPayment(deps: ReleaseDeps, name: PaymentName, signal: AbortSignal): Promise<void> {
  const arena = { bytes: Buffer.alloc(0) };
  for (;;) {
    const rows = await readParkedRows(deps.db, arena, name);
    if (rows.length === 0) break;
    const outcome = await publishRows(deps, rows, signal);
    if (outcome.kind === 'stopped') return;
    if (outcome.kind === 'refused') {
      await refuseRelease(deps.db, name);
      deps.log.error({ ...name, outbox_id: outcome.row.id, remedy: parkedRemedy }, 'relay.release_refused');
      return;
    }
    const sent = rows.slice(0, outcome.count);
    await markPublished(deps.db, placesOf(sent, outcome.entries, deps.topics));
    logPublished(deps, sent);
    deps.metrics.relayPublished.inc(sent.length);
  }
  deps.parked.delete(keyOf(name));
  deps.log.info({ ...name }, 'relay.released');
}

/** Rows of one payment lie one behind the other, in one partition of each topic. Pure. */
function placesOf(rows: readonly OutboxRow[], entries: readonly JournalEntry[], topics: Topics): Placed[] {
  const next = new Map(entries.map(({ topic, baseOffset }) => [topic, baseOffset]));
  return rows.map((row) => {
    const { type, event_id: eventId } = decodeRow(row);
    const topic = topicOf(type ?? '', topics);
    const offset = next.get(topic) ?? 0;
    next.set(topic, offset + 1);
    const partition = entries.find((entry) => entry.topic === topic)?.partition ?? 0;
    return { id: row.id, eventId: eventId ?? '', topic, partition, offset };
  });
}
