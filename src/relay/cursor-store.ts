import type { Queryable } from '../../db/client.ts';
import type { JournalEntry } from './journal/entry.ts';

export type Move = {
  shard: number;
  epoch: number;
  from: number;
  to: number;
  entries: readonly JournalEntry[];
  /** The ctid of the cursor's row, as the last move returned it. */
  rowAddress: string | null;
};

/**
 * Moves the cursor and writes the journal in one statement. Returns the row's new address; null when another leader
 * has opened an epoch.
 */
export async function moveCursor(db: Queryable, move: Move): Promise<string | null> {
  const found = move.rowAddress === null ? null : await moveAt(db, move, move.rowAddress);
  return found ?? moveAt(db, move, null);
}

/**
 * By its address, the row is found at once; by its key (`rowAddress` null), past every version that an old snapshot elsewhere
 * keeps: after ten minutes of relaying these are tens of thousands. A row that somebody else updated has another address.
 */
async function moveAt(db: Queryable, move: Move, rowAddress: string | null): Promise<string | null> {
  const { entries } = move;
  const [name, where] = rowAddress === null ? ['relay_move', ''] : ['relay_move_at', 'and ctid = $12::tid'];
  const { rows } = await db.query<{ address: string }>({
    name,
    text: `with moved as (
      update fahuo.relay_cursor set cursor = $4, updated_at = clock_timestamp()
      where shard = $1 and epoch = $2 and cursor = $3 ${where}
      returning ctid
    ), journal as (
      insert into fahuo.relay_journal (shard, first_id, last_id, topic, partition, partition_count, base_offset, count)
      select $1, e.* from moved,
        unnest($5::bigint[], $6::bigint[], $7::text[], $8::int[], $9::int[], $10::bigint[], $11::int[]) e
    )
    select ctid::text as address from moved`,
    values: [
      move.shard,
      move.epoch,
      move.from,
      move.to,
      entries.map((entry) => entry.firstId),
      entries.map((entry) => entry.lastId),
      entries.map((entry) => entry.topic),
      entries.map((entry) => entry.partition),
      entries.map((entry) => entry.partitionCount),
      entries.map((entry) => entry.baseOffset),
      entries.map((entry) => entry.count),
      ...(rowAddress === null ? [] : [rowAddress]),
    ],
  });
  return rows[0]?.address ?? null;
}
