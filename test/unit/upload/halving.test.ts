import { describe, expect, it } from 'vitest';
import { afterFailure } from '../../../src/upload/halving.ts';

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
