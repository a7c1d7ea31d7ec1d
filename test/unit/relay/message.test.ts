import { describe, expect, it } from 'vitest';
import {
  createMessageReader,
  decodeRow,
  idOf,
  keyOf,
  rawKeyOf,
  withRoom,
  type MessageSpans,
  type OutboxRow,
} from '../../../src/relay/message.ts';
import { RecordBatch, type Span } from '../../../src/kafka/record-batch.ts';
import { outboxRow, readBatch, type ReadRecord } from '../../support/outbox-row.ts';

const textOf = ({ bytes, start, end }: Span): string => bytes.toString('utf8', start, end);

/** What a client library finds in the message; the parts are whole only until the next row is read. */
function recordOf({ key, value, headers, headerCount }: MessageSpans): ReadRecord {
  const batch = new RecordBatch();
  batch.append(key, value, headers, headerCount);
  return readBatch(batch)[0]!;
}
const withBytesAround = ({ id, bytes, start }: OutboxRow): OutboxRow => ({
  id,
  bytes: Buffer.concat([Buffer.from('and more'), bytes, Buffer.from('what lies behind it')]),
  start: start + 'and more'.length,
});

describe('the id of a row', () => {
  it.each([0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 3 * 2 ** 32 + 7])(
    'is read from its eight bytes: %d',
    (id) => {
      const { bytes, start } = withBytesAround(outboxRow(id));
      expect(idOf(bytes, start)).toBe(id);
    },
  );
});

describe('the columns of a row', () => {
  it('are each read as text, and null where they are null', () => {
    const texts = {
      type: 't',
      source: '/s',
      appid: 'wx',
      payment: 'P',
      event_id: 'e',
      event_time: null,
      version: '',
      data: '{"a":"苹果"}',
      reason: null,
      approved_by: 'li',
      traceparent: null,
    };
    expect(decodeRow(withBytesAround(outboxRow(1, texts)))).toEqual(texts);
  });

  it('give the key: the app and the payment', () => {
    expect(keyOf({ appid: 'wx', payment: 'P' })).toBe('wx/P');
    expect(rawKeyOf(outboxRow(1, { appid: 'wx', payment: 'P' }))).toBe('wx/P');
    expect(rawKeyOf(outboxRow(1, { appid: null, payment: null }))).toBe('/');
  });
});

describe('a message', () => {
  it('is read wherever its row lies', () => {
    const read = createMessageReader();
    const row = outboxRow(7, { payment: 'P', data: '{"n":1}' });
    for (const one of [row, withBytesAround(row)]) {
      const parts = read(one);
      expect([parts.type, textOf(parts.key), textOf(parts.value)]).toEqual([
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
});

describe('room in a buffer', () => {
  it('is there as long as used and wanted bytes fit', () => {
    const bytes = Buffer.from('abcdefgh');
    expect(withRoom(bytes, 3, 5)).toBe(bytes);
    expect(withRoom(bytes, 3, 6)).not.toBe(bytes);
  });

  it('is twice as much as before, or as much as is wanted, and keeps what is used', () => {
    const bytes = Buffer.from('abcdefgh');
    expect(withRoom(bytes, 3, 6)).toHaveLength(16);
    expect(withRoom(bytes, 3, 50)).toHaveLength(53);
    expect(withRoom(bytes, 3, 6).toString('latin1', 0, 3)).toBe('abc');
    expect(withRoom(bytes, 8, 1).toString('latin1', 0, 8)).toBe('abcdefgh');
  });
});
