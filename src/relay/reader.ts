import type { CopySession } from '../../db/copy.ts';
import { monotonicMs, sleep } from '../clock.ts';
import type { Metrics } from '../metrics.ts';
import { beginAt, advance, wentBack } from './frontier.ts';
import type { OutboxRow } from './message.ts';
import { writersAfter, backOffMs, type Writers } from './pacing.ts';
import * as store from './store.ts';

/** Rows up to `upTo` that are to be published, in id order; `more` are known to wait behind them. */
export type Chunk = { kind: 'rows'; rows: OutboxRow[]; upTo: number; more: boolean };
/** Nothing to publish: no id was drawn beyond `lastId`, a writer blocks the frontier, or the sequence was set back. */
export type Nothing = { kind: 'idle'; lastId: number } | { kind: 'blocked' } | { kind: 'behind' };

export type Reader = {
  /**
   * Takes a snapshot when everything up to the safe id has been read. Rows stay valid for two more reads: three buffers
   * take turns, and the send of a chunk has ended by the third read after it.
   */
  read: () => Promise<Chunk | Nothing>;
  /** How long to leave the outbox to its writers after a read that caught up: pacing.ts. */
  pacingMs: () => number;
};

/** How many snapshots a read takes for the writers of the first to end, and what lies between two. */
const snapshotsMax = 4;
const snapshotAgainMs = 1;
/** A batch of ordinary rows; it grows where rows are large. */
const arenaBytes = 2_097_152;
const maxKeptBytes = 16_777_216;

/**
 * Reads the outbox behind the frontier (frontier.ts), from the cursor on. One read at a time; while more is known to
 * wait, the next begins as soon as the last has ended.
 */
export function createReader(
  { db, cursor, metrics }: { db: CopySession; cursor: number; metrics: Metrics },
  options: { batchRows: number; backOffMaxMs: number },
): Reader {
  let frontier = beginAt(cursor);
  let position = cursor;
  let writers: Writers = { writers: 0, atMs: monotonicMs() };
  let blocked = false;
  // One is read into while the rows of another are on the wire and those of the third wait for the wire.
  const arenas = [createArena(), createArena(), createArena()];
  let ahead: Promise<Chunk | Nothing> | undefined;

  /**
   * Floors are as old as the last snapshot, which may be a back-off ago: takes snapshots until the writers of the first
   * have ended, or a few. While one writer blocks everything, each read takes one anyway. Returns the last id; null when
   * the sequence was set back.
   */
  const readFrontier = async (): Promise<number | null> => {
    const first = await store.readSnapshot(db);
    if (wentBack(frontier, first)) return null;
    writers = writersAfter(writers, { writers: first.writers.length, atMs: monotonicMs() });
    frontier = advance(frontier, first);
    let { lastId } = first;
    for (let taken = 1; !blocked && frontier.safeId < first.lastId && taken < snapshotsMax; taken++) {
      await sleep(snapshotAgainMs);
      const next = await store.readSnapshot(db);
      if (wentBack(frontier, next)) return null;
      frontier = advance(frontier, next);
      lastId = next.lastId;
    }
    return lastId;
  };

  const readOne = async (): Promise<Chunk | Nothing> => {
    if (position >= frontier.safeId) {
      const lastId = await readFrontier();
      if (lastId === null) return { kind: 'behind' };
      metrics.relayLagRows.set(Math.max(0, lastId - position));
      blocked = position >= frontier.safeId && lastId > position;
      if (blocked) return { kind: 'blocked' };
      if (position >= frontier.safeId) return { kind: 'idle', lastId };
    }
    const found = await store.readRows(db, nextOf(arenas), {
      after: position,
      upTo: frontier.safeId,
      limit: options.batchRows,
    });
    const rows = beforeJump(found);
    const more = found.length === options.batchRows || rows.length < found.length;
    position = more ? (rows.at(-1)?.id ?? position) : frontier.safeId;
    return { kind: 'rows', rows, upTo: position, more };
  };
  const read = async (): Promise<Chunk | Nothing> => {
    const chunk = await (ahead ?? readOne());
    ahead = chunk.kind === 'rows' && chunk.more ? readOne() : undefined;
    ahead?.catch(() => undefined); // the next read throws it
    return chunk;
  };
  return { read, pacingMs: () => backOffMs(writers, options.backOffMaxMs) };
}

/** A sequence may jump, after a failover by far more than one journal entry spans: what lies behind it is read again. */
function beforeJump(rows: OutboxRow[]): OutboxRow[] {
  const first = rows[0]?.id ?? 0;
  const jump = rows.findIndex(({ id }) => id - first >= store.journalSpan);
  return jump < 0 ? rows : rows.slice(0, jump);
}

/** The one that was read into longest ago. One that large rows have made large is left to the garbage. */
function nextOf(arenas: store.Arena[]): store.Arena {
  const oldest = arenas.shift();
  const arena = oldest === undefined || oldest.bytes.length > maxKeptBytes ? createArena() : oldest;
  arenas.push(arena);
  return arena;
}

const createArena = (): store.Arena => ({ bytes: Buffer.allocUnsafe(arenaBytes) });
