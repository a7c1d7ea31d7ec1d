import { describe, expect, it } from 'vitest';
import { createMessageReader, remember, type MessageSpans } from '../../../src/relay/message.ts';
import { RecordBatch, type Span } from '../../../src/kafka/record-batch.ts';
import { outboxRow, readBatch, withBytesAround, type ReadRecord } from '../../support/outbox-row.ts';

const textOf = ({ bytes, start, end }: Span): string => bytes.toString('utf8', start, end);

/** What a client library finds in the message; its spans are whole only until the next row is read. */
function recordOf({ key, value, headers, headerCount }: MessageSpans): ReadRecord {
  const batch = new RecordBatch();
  batch.append(key, value, headers, headerCount);
  return readBatch(batch)[0]!;
}

describe('a message', () => {
  it('is read wherever its row lies', () => {
    const read = createMessageReader();
    const row = outboxRow(7, { payment: 'P', data: '{"n":1}' });
    for (const one of [row, withBytesAround(row)]) {
      const message = read(one);
      expect([message.type, textOf(message.key), textOf(message.value)]).toEqual([
        'fahuo.shipment.shipped.v1',
        'wx/P',
        '{"n":1}',
      ]);
    }
  });

  it('has the headers of its own row alone, whatever the row before had', () => {
    const read = createMessageReader();
    const full = { reason: 'r', approved_by: 'li', traceparent: '00-a' };
    expect(Object.keys(recordOf(read(outboxRow(1, full))).headers)).toHaveLength(11);
    const bare = recordOf(read(outboxRow(2, { event_time: null, version: null })));
    expect(bare.headers).toEqual({
      ce_specversion: '1.0',
      'content-type': 'application/json',
      ce_type: 'fahuo.shipment.shipped.v1',
      ce_source: '/s',
      ce_appid: 'wx',
      ce_id: 'e2',
    });
  });

  it('has an empty header for an empty text, and none for null', () => {
    const { headers } = recordOf(createMessageReader()(outboxRow(1, { reason: '', approved_by: null })));
    expect(headers).toHaveProperty('ce_reason', '');
    expect(headers).not.toHaveProperty('ce_approvedby');
  });

  it.each([999, 1_000, 1_020, 1_021, 1_022, 3_000])('may have a payment of %i characters', (length) => {
    const payment = 'p'.repeat(length);
    expect(recordOf(createMessageReader()(outboxRow(1, { payment }))).key).toBe(`wx/${payment}`);
  });

  it.each([3_800, 3_900, 4_096, 70_000])('may have texts of %i characters in its headers', (length) => {
    const [source, reason] = ['s'.repeat(length), 'r'.repeat(length)];
    const { headers } = recordOf(createMessageReader()(outboxRow(1, { source, reason })));
    expect([headers['ce_source'], headers['ce_reason'], headers['ce_id']]).toEqual([source, reason, 'e1']);
  });

  it('is right also after more kinds than are kept', () => {
    const read = createMessageReader();
    const kinds = [...Array.from({ length: 1_001 }, (_, kind) => kind), 0, 1_000];
    const keys = kinds.map((kind) => textOf(read(outboxRow(1, { appid: `wx${kind}`, payment: 'P' })).key));
    expect(keys).toEqual(kinds.map((kind) => `wx${kind}/P`));
  });

  it('of a kind that is longer than what is left of the buffer is no other kind’s', () => {
    const read = createMessageReader();
    read(outboxRow(1, { source: '/a-long-source-that-no-short-row-has'.repeat(20) }));
    expect(recordOf(read(outboxRow(2, { source: '/' }))).headers).toMatchObject({ ce_source: '/' });
  });

  it('takes no more memory for its key where its row lies far into a large buffer', () => {
    const { id, bytes, start } = outboxRow(1, { payment: 'P' });
    const before = Buffer.alloc(1_000_000);
    const { key } = createMessageReader()({
      id,
      bytes: Buffer.concat([before, bytes]),
      start: before.length + start,
    });
    expect([textOf(key), key.bytes.length]).toEqual(['wx/P', 1_024]);
  });
});

describe('what is remembered of kinds', () => {
  it('is each of a thousand, and begins anew with the next', () => {
    const cache = new Map<string, number>();
    for (let kind = 0; kind < 1_000; kind++) expect(remember(cache, `k${kind}`, kind)).toBe(kind);
    expect([cache.size, cache.get('k0'), cache.get('k999')]).toEqual([1_000, 0, 999]);
    remember(cache, 'next', 7);
    expect([...cache]).toEqual([['next', 7]]);
  });
});
