import type { CopySession } from '../../db/copy.ts';
import { monotonicMs, sleep } from '../clock.ts';
import type { Metrics } from '../metrics.ts';
import { beginAt, advance, wentBack } from './frontier.ts';
import type { OutboxRow } from './message.ts';
import { writersAfter, backOffMs, type Writers } from './pacing.ts';
import * as store from './store.ts';

/** Rows up to `upTo` that are to be published, in id order; `more` are known to wait behind them. */
export type Chunk = { kind: 'rows'; rows: OutboxRow[]; upTo: number; more: boolean };
/** Nothing to publish: no id was drawn beyond `lastId`, a writer holds the frontier back, or the sequence was set back. */
export type Nothing = { kind: 'idle'; lastId: number } | { kind: 'held' } | { kind: 'behind' };

export type Reader = {
  /**
   * Looks when everything known to be settled has been read. Of three chunks that it gave one after the other, the rows
   * of the first lie where the next is read into: its send has ended by then.
   */
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

/**
 * Reads the outbox behind the frontier (frontier.ts), from the cursor on. One read at a time; while more is known to
 * wait, the next begins as soon as the last has ended.
 */
export function createReader(
  { db, cursor, metrics }: { db: CopySession; cursor: number; metrics: Metrics },
  options: { batchRows: number; restMaxMs: number },
): Reader {
  let frontier = beginAt(cursor);
  let position = cursor;
  let crowd: Writers = { writers: 0, atMs: monotonicMs() };
  let held = false;
  // One is read into while the rows of another are on the wire and those of the third wait for it.
  const arenas = [createArena(), createArena(), createArena()];
  let ahead: Promise<Chunk | Nothing> | undefined;

  /**
   * Floors are as old as the look before, which may be a rest ago: looks until the writers of the first look have ended,
   * or for a few times. While one writer holds everything back, looks follow each other anyway. Returns the last id; null
   * when the sequence was set back.
   */
  const look = async (): Promise<number | null> => {
    const first = await store.readSnapshot(db);
    if (wentBack(frontier, first)) return null;
    crowd = writersAfter(crowd, { writers: first.writers.length, atMs: monotonicMs() });
    frontier = advance(frontier, first);
    let { lastId } = first;
    for (let looks = 1; !held && frontier.settled < first.lastId && looks < looksMax; looks++) {
      await sleep(lookAgainMs);
      const next = await store.readSnapshot(db);
      if (wentBack(frontier, next)) return null;
      frontier = advance(frontier, next);
      lastId = next.lastId;
    }
    return lastId;
  };

  const readOne = async (): Promise<Chunk | Nothing> => {
    if (position >= frontier.settled) {
      const lastId = await look();
      if (lastId === null) return { kind: 'behind' };
      metrics.relayLagRows.set(Math.max(0, lastId - position));
      held = position >= frontier.settled && lastId > position;
      if (held) return { kind: 'held' };
      if (position >= frontier.settled) return { kind: 'idle', lastId };
    }
    const found = await store.readRows(db, nextOf(arenas), {
      after: position,
      upTo: frontier.settled,
      limit: options.batchRows,
    });
    const rows = beforeJump(found);
    const more = found.length === options.batchRows || rows.length < found.length;
    position = more ? (rows.at(-1)?.id ?? position) : frontier.settled;
    return { kind: 'rows', rows, upTo: position, more };
  };
  const read = async (): Promise<Chunk | Nothing> => {
    const chunk = await (ahead ?? readOne());
    ahead = chunk.kind === 'rows' && chunk.more ? readOne() : undefined;
    ahead?.catch(() => undefined); // whoever reads next is told
    return chunk;
  };
  return { read, restMs: () => backOffMs(crowd, options.restMaxMs) };
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
