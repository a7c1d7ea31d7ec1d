import { crc32c, Reader, readRecordsBatch } from '@platformatic/kafka';
import { describe, expect, it } from 'vitest';
import { encodeMessages } from '../../../src/kafka/record-batch.ts';
import { readBatch } from '../../support/outbox-row.ts';

/** On both sides of every length that takes a byte more as a varint. */
const lengths = [0, 1, 23, 24, 25, 63, 64, 65, 8_190, 8_191, 8_192, 8_193, 70_000, 1_048_577];

describe('an encoded record batch', () => {
  it.each(lengths)('is read back by a client library with keys, values and headers of %d bytes', (length) => {
    const text = 'k'.repeat(length);
    const messages = [
      { key: text, value: '苹果', headers: { a: '1' } },
      { key: null, value: text, headers: {} },
      { key: 'k', value: null, headers: { name: text, 'content-type': '' } },
    ];
    expect(readBatch(encodeMessages(messages))).toEqual(messages);
  });

  it('numbers its records and counts them, past every length of the number', () => {
    const count = 9_000;
    const messages = Array.from({ length: count }, (_, index) => ({
      key: `k${index}`,
      value: 'v',
      headers: {},
    }));
    const bytes = encodeMessages(messages).finish(1_700_000_000_123);
    const batch = readRecordsBatch(Reader.from(bytes));
    expect(batch.records.map(({ offsetDelta }) => offsetDelta)).toEqual(messages.map((_, index) => index));
    expect(batch).toMatchObject({
      firstOffset: 0n,
      length: bytes.length - 12,
      magic: 2,
      attributes: 0,
      lastOffsetDelta: count - 1,
      firstTimestamp: 1_700_000_000_123n,
      maxTimestamp: 1_700_000_000_123n,
      producerId: -1n,
      producerEpoch: -1,
      firstSequence: -1,
    });
    expect(batch.crc).toBe(crc32c(bytes.subarray(21)));
  });
});
