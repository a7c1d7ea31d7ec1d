import { Reader, readRecordsBatch } from '@platformatic/kafka';
import type { RecordBatch } from '../../src/kafka/record-batch.ts';
import { columns, type OutboxRow } from '../../src/relay/row.ts';

export type RowTexts = Partial<Record<(typeof columns)[number], string | null>>;

/** A row of the outbox as a binary copy brings it. */
export function outboxRow(id: number, change: RowTexts = {}): OutboxRow {
  const texts: RowTexts = {
    type: 'fahuo.shipment.shipped.v1',
    source: '/s',
    appid: 'wx',
    payment: `p${id}`,
    event_id: `e${id}`,
    event_time: '2026-11-23T10:00:00+08:00',
    version: '1',
    data: '{"a":"苹果"}',
    ...change,
  };
  const int = (bytes: 2 | 4 | 8, value: number): Buffer => {
    const buffer = Buffer.alloc(bytes);
    if (bytes === 2) buffer.writeInt16BE(value);
    else if (bytes === 4) buffer.writeInt32BE(value);
    else buffer.writeBigInt64BE(BigInt(value));
    return buffer;
  };
  const cells = columns.flatMap((column) => {
    const text = texts[column];
    return text === null || text === undefined
      ? [int(4, -1)]
      : [int(4, Buffer.byteLength(text)), Buffer.from(text)];
  });
  const before = Buffer.from('what lies before it');
  return {
    id,
    bytes: Buffer.concat([before, int(2, columns.length + 1), int(4, 8), int(8, id), ...cells]),
    start: before.length,
  };
}

export type ReadRecord = { key: string | null; value: string | null; headers: Record<string, string> };

/** What a client library finds in an encoded batch. */
export function readBatch(records: RecordBatch, nowMs = 0): ReadRecord[] {
  const text = (bytes: Buffer | null | undefined): string | null =>
    bytes === null || bytes === undefined ? null : bytes.toString();
  return readRecordsBatch(Reader.from(records.finish(nowMs))).records.map(({ key, value, headers }) => ({
    key: text(key),
    value: text(value),
    headers: Object.fromEntries([...headers].map(([name, own]) => [String(name), String(own)])),
  }));
}

/** The same row in the midst of a larger buffer. */
export const withBytesAround = ({ id, bytes, start }: OutboxRow): OutboxRow => ({
  id,
  bytes: Buffer.concat([Buffer.from('and more'), bytes, Buffer.from('what lies behind it')]),
  start: start + 'and more'.length,
});
