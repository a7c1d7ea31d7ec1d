import { describe, expect, it } from 'vitest';
import { rangesOf, type Positions, type TopicSelection } from '../../../src/replay/selection.ts';

const positions: Positions = {
  available: [
    { partition: 0, low: 10, high: 100 },
    { partition: 1, low: 0, high: 50 },
  ],
  committed: new Map([[0, 90]]),
  byTime: new Map([[0, 40]]),
};
const fromOf = (selection: TopicSelection) =>
  rangesOf(selection, positions).map(({ partition, from }) => [partition, from]);

describe('a replay of the topic', () => {
  it('begins where each partition begins, when it is of everything', () => {
    expect(fromOf({ kind: 'earliest' })).toEqual([
      [0, 10],
      [1, 0],
    ]);
  });

  it('passes over a partition in which nothing is so late', () => {
    expect(fromOf({ kind: 'since', at: new Date() })).toEqual([[0, 40]]);
  });

  it('passes over the partitions that were not asked for', () => {
    expect(fromOf({ kind: 'offset', offset: 20, partition: 0 })).toEqual([[0, 20]]);
  });

  it('goes back from what was committed, and from the beginning where nothing was', () => {
    expect(fromOf({ kind: 'shift', by: -20 })).toEqual([
      [0, 70],
      [1, 0],
    ]);
    expect(fromOf({ kind: 'shift', by: 9 })).toEqual([
      [0, 99],
      [1, 9],
    ]);
  });
});
