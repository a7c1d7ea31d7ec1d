import { describe, expect, it } from 'vitest';
import { parseOffsetsFile } from '../../../src/replay/offsets-file.ts';
import {
  missingPartitions,
  rangesOf,
  type From,
  type Positions,
  type Until,
} from '../../../src/replay/selection.ts';
import { remainingOf } from '../../../src/replay/stretches.ts';

const positions: Positions = {
  available: [
    { partition: 0, low: 10, high: 100 },
    { partition: 1, low: 0, high: 50 },
    { partition: 2, low: 5, high: 5 },
  ],
  committed: new Map([[0, 90]]),
  fromTime: new Map([[1, 40]]),
  untilTime: new Map([[0, 60]]),
};
const of = (from: From, until: Until = { kind: 'end' }, partitions: number[] | null = null) =>
  rangesOf({ kind: 'topic', from, until, partitions }, positions);
const heldOf = (...given: Parameters<typeof of>) =>
  of(...given).held.map(({ partition, from, to }) => [partition, from, to]);
const forgottenOf = (...given: Parameters<typeof of>) =>
  of(...given).forgotten.map(({ partition, from, to }) => [partition, from, to]);
const offset = (number: number): From & Until => ({ kind: 'offset', offset: number });
const at = { kind: 'time', at: new Date(0) } as const;

describe('a replay of the topic', () => {
  it('begins where each partition begins when it is of everything, and asks for nothing that is forgotten', () => {
    expect(heldOf({ kind: 'earliest' })).toEqual([
      [0, 10, 100],
      [1, 0, 50],
    ]);
    expect(forgottenOf({ kind: 'earliest' })).toEqual([]);
  });

  it('names the partitions that the topic does not have, by option and by offsets file', () => {
    const missing = (from: From, partitions: number[] | null) =>
      missingPartitions({ kind: 'topic', from, until: { kind: 'end' }, partitions }, positions.available);
    expect(missing({ kind: 'earliest' }, null)).toEqual([]);
    expect(missing({ kind: 'earliest' }, [0, 2])).toEqual([]);
    expect(missing({ kind: 'earliest' }, [1, 99])).toEqual([99]);
    expect(
      missing(
        {
          kind: 'offsets',
          offsets: new Map([
            [2, 0],
            [3, 7],
          ]),
        },
        [3, 98],
      ),
    ).toEqual([3, 98]);
  });

  it('is half-open, cut to what the topic holds, and names what it has forgotten', () => {
    expect(heldOf(offset(3))).toEqual([
      [0, 10, 100],
      [1, 3, 50],
    ]);
    expect(forgottenOf(offset(3))).toEqual([
      [0, 3, 10],
      [2, 3, 5],
    ]);
    expect(heldOf(offset(20), offset(30))).toEqual([
      [0, 20, 30],
      [1, 20, 30],
    ]);
    expect(heldOf(offset(20), offset(20))).toEqual([]);
    expect(forgottenOf(offset(3), offset(8))).toEqual([
      [0, 3, 8],
      [2, 3, 5],
    ]);
  });

  it('passes over the partitions that were not asked for, and those in which nothing is so late', () => {
    expect(heldOf(offset(20), { kind: 'end' }, [0])).toEqual([[0, 20, 100]]);
    expect(heldOf(at)).toEqual([[1, 40, 50]]);
    expect(heldOf({ kind: 'earliest' }, at)).toEqual([
      [0, 10, 60],
      [1, 0, 50],
    ]);
  });

  it('goes back from what was committed, from the beginning where nothing was, and not below nought', () => {
    expect(heldOf({ kind: 'shift', by: -20 })).toEqual([
      [0, 70, 100],
      [1, 0, 50],
    ]);
    expect(heldOf({ kind: 'shift', by: 500 })).toEqual([]);
    expect(forgottenOf({ kind: 'shift', by: -95 })).toEqual([
      [0, 0, 10],
      [2, 0, 5],
    ]);
  });

  it('begins at the offsets of a file, in the partitions that it names', () => {
    expect(heldOf({ kind: 'offsets', offsets: new Map([[1, 7]]) })).toEqual([[1, 7, 50]]);
  });
});

describe('an offsets file', () => {
  const read = (text: string) => parseOffsetsFile(text, 'fahuo.shipments');

  it('is what kafka-consumer-groups exports, with lines of other topics passed over', () => {
    const text = '\uFEFF"fahuo.shipments",0,12\r\nother,0,9\n\nfahuo.shipments,3,40\n';
    expect(read(text)).toEqual({
      kind: 'offsets',
      offsets: new Map([
        [0, 12],
        [3, 40],
      ]),
    });
  });

  it.each([
    ['fahuo.shipments,0\n', 1, /must be topic,partition,offset/],
    ['fahuo.shipments,0,1\nfahuo.shipments,0,2', 2, /a second time/],
    ['fahuo.shipments,0,-1', 1, /must be/],
    ['other,0,1', 1, /no line is of the topic fahuo.shipments/],
    ['', 1, /no line/],
  ])('is refused with its line: %j', (text, line, rule) => {
    expect(read(text)).toMatchObject({ kind: 'bad', line, rule: expect.stringMatching(rule) as string });
  });
});

describe('what is left of a replay', () => {
  it('is what no partition has come to yet', () => {
    const stretch = (partition: number, from: number, to: number) =>
      ({ partition, from, to, source: 'topic' }) as const;
    const all = [stretch(0, 0, 5), stretch(0, 5, 9), stretch(1, 2, 4)];
    expect(remainingOf(all, new Map())).toEqual(all);
    expect(remainingOf(all, new Map([[0, 7]]))).toEqual([stretch(0, 7, 9), stretch(1, 2, 4)]);
    expect(remainingOf(all, new Map([[0, 9]]))).toEqual([stretch(1, 2, 4)]);
  });
});
