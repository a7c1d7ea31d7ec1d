import { describe, expect, it } from 'vitest';
import { Leases } from '../../../src/upload/leases.ts';
import type { LeasedRow } from '../../../src/upload/row.ts';

const row = (id: number, epoch = 1): LeasedRow => ({ id, epoch }) as LeasedRow;

describe('a lease', () => {
  it('is believed until it ends, as counted from before it was asked for', () => {
    const leases = new Leases(1_000);
    leases.add([row(1)], 0);
    expect(leases.covers(row(1), 0, 999)).toBe(true);
    expect(leases.covers(row(1), 0, 1_000)).toBe(false);
    expect(leases.covers(row(1), 400, 600)).toBe(false);
  });

  it('is renewed where the renewal matched it, and is not believed where it did not', () => {
    const leases = new Leases(1_000);
    leases.add([row(1), row(2)], 0);
    leases.renewed([row(1), row(2)], [2], 5_000);
    expect(leases.covers(row(1), 5_000, 1)).toBe(false);
    expect(leases.covers(row(2), 5_000, 999)).toBe(true);
  });

  it('of a row that was dropped, or never came, is believed and renewed by nobody', () => {
    const leases = new Leases(1_000);
    leases.add([row(1), row(2)], 0);
    expect(leases.rows()).toEqual([row(1), row(2)]);
    leases.drop(row(1));
    leases.drop(row(7));
    leases.renewed([row(1), row(2), row(7)], [1, 2, 7], 500);
    expect(leases.rows()).toEqual([row(2)]);
    for (const gone of [row(1), row(7)]) expect(leases.covers(gone, 500, 1)).toBe(false);
  });

  it('of an older epoch is neither renewed nor dropped in place of the newer one', () => {
    const leases = new Leases(1_000);
    leases.add([row(1, 2)], 0);
    leases.renewed([row(1, 1)], [1], 5_000);
    leases.drop(row(1, 1));
    expect(leases.covers(row(1, 2), 0, 999)).toBe(true);
    expect(leases.covers(row(1, 2), 5_000, 1)).toBe(false);
    expect(leases.covers(row(1, 1), 0, 1)).toBe(false);
  });
});
