import { describe, expect, it } from 'vitest';
import { ReadyRows } from '../../../src/upload/ready-rows.ts';
import { leasedRowAt } from '../../support/leased-row.ts';

const row = leasedRowAt(0);
const rowsOf = (...ids: number[]) => ids.map((id) => row({ id }));
const idsOf = (rows: readonly { id: number }[]): number[] => rows.map(({ id }) => id);
const all = (): boolean => true;

describe('rows that wait for a call', () => {
  it('leave in the order of their claims', () => {
    const ready = new ReadyRows(0);
    ready.add(rowsOf(1, 2));
    ready.add(rowsOf(3));
    expect(idsOf(ready.take(2))).toEqual([1, 2]);
    expect(ready.size).toBe(1);
    expect(idsOf(ready.take(2))).toEqual([3]);
  });

  it('and have waited too long leave, while the others keep their order', () => {
    const ready = new ReadyRows(0);
    ready.add(rowsOf(1, 2, 3, 4));
    expect(idsOf(ready.takeStale(100, ({ id }) => id % 2 === 0))).toEqual([2, 4]);
    expect(idsOf(ready.take(9))).toEqual([1, 3]);
  });

  it('are looked through ten times a second at most', () => {
    const ready = new ReadyRows(1_000);
    ready.add(rowsOf(1));
    expect(ready.takeStale(1_099, all)).toEqual([]);
    expect(idsOf(ready.takeStale(1_100, all))).toEqual([1]);
    ready.add(rowsOf(2));
    expect(ready.takeStale(1_199, all)).toEqual([]);
    expect(idsOf(ready.takeStale(1_200, all))).toEqual([2]);
  });

  it('none of which is there put off no check of the next ones', () => {
    const ready = new ReadyRows(0);
    expect(ready.takeStale(150, all)).toEqual([]);
    ready.add(rowsOf(1));
    expect(idsOf(ready.takeStale(160, all))).toEqual([1]);
  });
});
