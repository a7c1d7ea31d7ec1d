import type { CopySession } from '../../db/copy.ts';
import type { Metrics } from '../metrics.ts';
import { createArenas } from './arenas.ts';
import { FrontierTracker } from './frontier-tracker.ts';
import { journalSpan } from './journal/entry.ts';
import type { OutboxRow } from './row.ts';
import { readRows } from './row-store.ts';

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

/**
 * Reads the outbox behind the frontier (frontier.ts), from the cursor on. One read at a time; while more is known to
 * wait, the next begins as soon as the last has ended.
 */
export function createReader(
  { db, cursor, metrics }: { db: CopySession; cursor: number; metrics: Metrics },
  options: { batchRows: number; backOffMaxMs: number },
): Reader {
  const frontier = new FrontierTracker(db, cursor);
  const nextArena = createArenas();
  let position = cursor;
  let wasBlocked = false;
  let ahead: Promise<Chunk | Nothing> | undefined;

  const readOne = async (): Promise<Chunk | Nothing> => {
    if (position >= frontier.safeId) {
      const lastId = await frontier.refresh({ wasBlocked });
      if (lastId === null) return { kind: 'behind' };
      metrics.relayLagRows.set(Math.max(0, lastId - position));
      wasBlocked = position >= frontier.safeId && lastId > position;
      if (wasBlocked) return { kind: 'blocked' };
      if (position >= frontier.safeId) return { kind: 'idle', lastId };
    }
    const range = { after: position, upTo: frontier.safeId, limit: options.batchRows };
    const found = await readRows(db, nextArena(), range);
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
  return { read, pacingMs: () => frontier.backOffMs(options.backOffMaxMs) };
}

/** A sequence may jump, after a failover by far more than one journal entry spans: the rows after the jump are read again. */
function beforeJump(rows: OutboxRow[]): OutboxRow[] {
  const first = rows[0]?.id ?? 0;
  const jump = rows.findIndex(({ id }) => id - first >= journalSpan);
  return jump < 0 ? rows : rows.slice(0, jump);
}
