import type { Log } from '../log.ts';
import { moveCursor } from './cursor-store.ts';
import type { JournalEntry } from './journal/entry.ts';
import type { Leadership } from './leader.ts';

export type Cursor = {
  /** Queues the move; at most one is under way, and an error of it surfaces here or in `flushed`. */
  move: (to: number, entries: readonly JournalEntry[]) => Promise<void>;
  flushed: () => Promise<void>;
};

/** This leader's cursor. A move under an epoch that is over ends the leadership (I4). */
export function createCursor(
  { leadership, log }: { leadership: Leadership; log: Log },
  { shard }: { shard: number },
): Cursor {
  const { writer, epoch } = leadership;
  let from = leadership.cursor;
  let rowAddress: string | null = null;
  let moving: Promise<void> = Promise.resolve();
  const apply = async (to: number, entries: readonly JournalEntry[]): Promise<void> => {
    rowAddress = await moveCursor(writer, { shard, epoch, from, to, entries, rowAddress });
    from = to;
    if (rowAddress !== null) return;
    log.warn({ shard, epoch }, 'relay.fenced');
    await leadership.release();
  };
  return {
    move: async (to, entries) => {
      await moving;
      moving = apply(to, entries);
      moving.catch(() => undefined); // the next move or `flushed` throws it
    },
    flushed: () => moving,
  };
}
