import type { RecordsBatch } from '@platformatic/kafka';
import type { Received } from './message.ts';

/** What one partition's part of a fetch answer carries, as far as it is read here. */
export type FetchedPartition = {
  abortedTransactions: readonly { producerId: bigint; firstOffset: bigint }[] | null;
  records?: readonly RecordsBatch[] | null;
};

const TRANSACTIONAL = 0b1_0000;
const CONTROL = 0b10_0000;
/** Type of the marker that ends an aborted transaction (KIP-98): the second 16 bits of its key. */
const ABORT = 0;

/** The offset after the last batch, whether or not a record of it is left; null without a batch. */
export function nextOffset(batches: readonly RecordsBatch[]): number | null {
  const last = batches.at(-1);
  return last === undefined ? null : Number(last.firstOffset) + last.lastOffsetDelta + 1;
}

/** The committed messages in offset order: no markers, nothing of an aborted transaction. */
export function messagesOf(
  { abortedTransactions, records }: FetchedPartition,
  at: { topic: string; partition: number },
): Received[] {
  const aborted = [...(abortedTransactions ?? [])];
  const aborting = new Set<bigint>();
  return (records ?? []).flatMap((batch) => {
    const last = batch.firstOffset + BigInt(batch.lastOffsetDelta);
    for (const { producerId, firstOffset } of aborted) if (firstOffset <= last) aborting.add(producerId);
    if ((batch.attributes & CONTROL) !== 0) {
      if (markerOf(batch) === ABORT) forget(aborted, aborting, batch);
      return [];
    }
    if ((batch.attributes & TRANSACTIONAL) !== 0 && aborting.has(batch.producerId)) return [];
    return batch.records.map((record) => ({
      ...at,
      offset: Number(batch.firstOffset) + record.offsetDelta,
      key: record.key,
      value: record.value,
      headers: headersOf(record.headers),
    }));
  });
}

/** The marker ends the producer's aborted transaction; a later one of the same producer counts for itself. */
function forget(
  aborted: { producerId: bigint; firstOffset: bigint }[],
  aborting: Set<bigint>,
  { producerId, firstOffset: markedAt }: RecordsBatch,
): void {
  aborting.delete(producerId);
  const ended = aborted.findIndex((one) => one.producerId === producerId && one.firstOffset < markedAt);
  if (ended >= 0) aborted.splice(ended, 1);
}

const markerOf = ({ records }: RecordsBatch): number | undefined => records[0]?.key?.readInt16BE(2);

/** A header may stand twice; the last one counts, as in CloudEvents' bindings. One without a value is none. */
export function headersOf(
  entries: Iterable<readonly [Buffer | string | null, Buffer | null]>,
): Record<string, Buffer> {
  const headers: Record<string, Buffer> = {};
  for (const [name, value] of entries)
    if (name !== null && value !== null)
      Object.defineProperty(headers, String(name), { value, enumerable: true, configurable: true });
  return headers;
}
