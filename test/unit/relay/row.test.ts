import { describe, expect, it } from 'vitest';
import { decodeRow, idOf, keyOf, rawKeyOf, withRoom } from '../../../src/relay/row.ts';
import { outboxRow, withBytesAround } from '../../support/outbox-row.ts';

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
