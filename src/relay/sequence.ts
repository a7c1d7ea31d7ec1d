/** Where the relay and the outbox stand, read in one statement: see snapshot-store.ts, readPosition. */
export type Position = {
  cursor: number;
  /** The last id that was drawn. */
  lastId: number;
  /** The greatest id that stands in the table. */
  greatestId: number;
};

export type SequenceFault = Position & { statement: string };

/**
 * A sequence that stands behind the cursor, or behind a row: after a logical failover (sequences are not replicated), a
 * partial restore, a setval, a restart identity. The ids that it draws next are passed already, so their rows would never
 * be published, or they are taken, so that enqueue fails. Null where it is not so. Pure.
 */
export function sequenceFault(position: Position): SequenceFault | null {
  const needed = Math.max(position.cursor, position.greatestId);
  if (position.lastId >= needed) return null;
  return { ...position, statement: `select setval('fahuo.outbox_id_seq', ${needed})` };
}

export const describeFault = ({ lastId, cursor, greatestId }: SequenceFault): string =>
  `fahuo.outbox_id_seq stands at ${lastId}, behind ${cursor > greatestId ? `the cursor ${cursor}` : `the row ${greatestId}`}: what is enqueued now is not published`;
