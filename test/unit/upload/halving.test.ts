import { describe, expect, it } from 'vitest';
import { afterFailure, isRefusal } from '../../../src/upload/halving.ts';

const refused = { code: '22003' };

describe('a batch that was not written', () => {
  it('is halved until the culprit stands alone', () => {
    expect(afterFailure(500, 'whole', refused)).toEqual({ kind: 'halve', at: 250 });
    expect(afterFailure(3, 'whole', refused)).toEqual({ kind: 'halve', at: 2 });
    expect(afterFailure(2, 'bare', refused)).toEqual({ kind: 'halve', at: 1 });
  });

  it('of one row is written with less and less, and set aside when nothing goes in', () => {
    expect(afterFailure(1, 'whole', refused)).toEqual({ kind: 'reduce', to: 'bare' });
    expect(afterFailure(1, 'bare', refused)).toEqual({ kind: 'reduce', to: 'parked' });
    expect(afterFailure(1, 'parked', refused)).toEqual({ kind: 'set_aside' });
  });

  it.each([1, 500])('waits for the database when it is away, whether of %i rows', (size) => {
    expect(afterFailure(size, 'whole', { code: 'ECONNREFUSED' })).toEqual({ kind: 'wait' });
  });
});

describe('a refusal of content', () => {
  it.each(['22003', '22021', '23502', '54000', 'P0001', 'XX001', '21000'])('is %s', (code) => {
    expect(isRefusal({ code })).toBe(true);
  });
  it('is a broken check by name', () => {
    expect(isRefusal({ code: '23514', constraint: 'outbox_data_fits_kafka' })).toBe(true);
  });
  it.each([
    '08006',
    '0A000',
    '25006',
    '26000',
    '28P01',
    '3D000',
    '3F000',
    '40P01',
    '42501',
    '53100',
    '55P03',
    '57P01',
    '57014',
    '58030',
  ])('is not %s, which is about the server', (code) => {
    expect(isRefusal({ code })).toBe(false);
  });
  it('is not a missing partition, which every row meets', () => {
    expect(isRefusal({ code: '23514' })).toBe(false);
  });
  it.each([new Error('Connection terminated'), { code: 'EPIPE' }, { code: 7 }, null, undefined, 'text'])(
    'is not %s, which has no SQLSTATE',
    (error) => {
      expect(isRefusal(error)).toBe(false);
    },
  );
});
