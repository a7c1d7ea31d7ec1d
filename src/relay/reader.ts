import type { CopySession } from '../../db/copy.ts';
import { monotonicMs, pause } from '../clock.ts';
import type { Metrics } from '../metrics.ts';
import { beginAt, settle } from './frontier.ts';
import type { OutboxRow } from './message.ts';
import { crowdAfter, restMs, type Crowd } from './rest.ts';
import * as store from './store.ts';

/** Rows up to `upTo` that are to be published, in id order; `more` are known to wait behind them. */
export type Chunk = { kind: 'rows'; rows: OutboxRow[]; upTo: number; more: boolean };
/** Nothing to publish: no id was drawn beyond `lastId`, or a writer holds the frontier back. */
export type Nothing = { kind: 'idle'; lastId: number } | { kind: 'held' };

export type Reader = {
  /** Looks when everything known to be settled has been read. */
  read: () => Promise<Chunk | Nothing>;
  /** How long to leave the outbox to its writers after a read that caught up. */
  restMs: () => number;
};

/** How often a read looks again for the writers of its first look to end, and what lies between. */
const looksMax = 4;
const lookAgainMs = 1;
/** A batch of ordinary rows; it grows where rows are large. */
const arenaBytes = 2_097_152;
const maxKeptBytes = 16_777_216;

/** Reads the outbox behind the frontier (frontier.ts), from the cursor on. One read at a time. */
export function createReader(
  { db, cursor, metrics }: { db: CopySession; cursor: number; metrics: Metrics },
  options: { batchRows: number; restMaxMs: number },
): Reader {
  let frontier = beginAt(cursor);
  let position = cursor;
  let crowd: Crowd = { writers: 0, atMs: monotonicMs() };
  let held = false;
  // One is read into while the rows of the other are on the wire.
  const arenas: [store.Arena, store.Arena] = [createArena(), createArena()];

  /**
   * Floors are as old as the look before, which may be a rest ago: looks until the writers of the first look have ended,
   * or for a few times. While one writer holds everything back, looks follow each other anyway. Returns the last id.
   */
  const look = async (): Promise<number> => {
    const first = await store.readLook(db);
    crowd = crowdAfter(crowd, { writers: first.writers.length, atMs: monotonicMs() });
    frontier = settle(frontier, first);
    let { lastId } = first;
    for (let looks = 1; !held && frontier.settled < first.lastId && looks < looksMax; looks++) {
      await pause(lookAgainMs);
      const next = await store.readLook(db);
      frontier = settle(frontier, next);
      lastId = next.lastId;
    }
    return lastId;
  };

  const read = async (): Promise<Chunk | Nothing> => {
    if (position >= frontier.settled) {
      const lastId = await look();
      metrics.relayLagRows.set(Math.max(0, lastId - position));
      held = position >= frontier.settled && lastId > position;
      if (held) return { kind: 'held' };
      if (position >= frontier.settled) return { kind: 'idle', lastId };
    }
    arenas.reverse();
    if (arenas[0].bytes.length > maxKeptBytes) arenas[0] = createArena();
    const found = await store.readRows(db, arenas[0], {
      after: position,
      upTo: frontier.settled,
      limit: options.batchRows,
    });
    const rows = beforeJump(found);
    const more = found.length === options.batchRows || rows.length < found.length;
    position = more ? (rows.at(-1)?.id ?? position) : frontier.settled;
    return { kind: 'rows', rows, upTo: position, more };
  };
  return { read, restMs: () => restMs(crowd, options.restMaxMs) };
}

/** A sequence may jump, after a failover by far more than one journal entry spans: what lies behind it is read again. */
function beforeJump(rows: OutboxRow[]): OutboxRow[] {
  const first = rows[0]?.id ?? 0;
  const jump = rows.findIndex(({ id }) => id - first >= store.journalSpan);
  return jump < 0 ? rows : rows.slice(0, jump);
}

const createArena = (): store.Arena => ({ bytes: Buffer.allocUnsafe(arenaBytes) });
