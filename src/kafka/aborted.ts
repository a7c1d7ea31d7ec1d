import type { FetchedRecord } from './record-set.ts';

export type AbortedTransaction = { producerId: string; firstOffset: string };

/**
 * Marks the records of aborted transactions as ones that no handler sees; `aborted` is what the broker says of the stretch
 * that it gave, in any order. As Java's consumer does it, batch by batch: kafkajs takes in one aborted transaction a record, so
 * that of two which began earlier the records of one come through, and takes a key of four zeros for the end of one.
 */
export function hideAborted(records: readonly FetchedRecord[], aborted: readonly AbortedTransaction[]): void {
  const upcoming = [...aborted].sort((a, b) => Number(a.firstOffset) - Number(b.firstOffset));
  const open = new Set<string>();
  let begun = 0;
  for (const record of records) {
    const { producerId, inTransaction, isControlBatch, lastOffset } = record.batchContext;
    for (let next = upcoming[begun]; next !== undefined && Number(next.firstOffset) <= lastOffset;) {
      open.add(next.producerId);
      next = upcoming[(begun += 1)];
    }
    if (isControlBatch && isAbort(record.key)) open.delete(producerId);
    else if (inTransaction && open.has(producerId)) record.isControlRecord = true;
  }
}

/** A marker's key: its version, and 0 for an abort, 1 for a commit. */
const isAbort = (key: Buffer | null): boolean => key !== null && key.length >= 4 && key.readInt16BE(2) === 0;
