import { describe, expect, it } from 'vitest';
import { missingPartitions, passedPartitions } from '../../../../src/relay/partitions/decide.ts';

const million = 1_000_000;
const partition = (number: number) => ({
  name: `outbox_p${number}`,
  from: number * million,
  to: (number + 1) * million,
});
const names = (lastId: number, ...present: number[]): string[] =>
  missingPartitions(present.map(partition), lastId).map(({ name }) => name);

describe('partitions of the outbox', () => {
  it('are wanted for the ids of now and two million more', () => {
    expect(names(0, 0, 1)).toEqual(['outbox_p2']);
    expect(names(1_999_999, 0, 1, 2)).toEqual(['outbox_p3']);
    expect(names(2_000_000, 0, 1, 2, 3)).toEqual(['outbox_p4']);
  });

  it('each hold a million ids', () => {
    expect(missingPartitions([], 1_500_000)).toEqual([1, 2, 3].map(partition));
  });

  it('are wanted again when one could not be made and later ones could', () => {
    expect(names(1_500_000, 1, 3)).toEqual(['outbox_p2']);
  });

  it('are not wanted again when they were dropped behind the cursor', () => {
    expect(names(5_000_000, 5, 6, 7)).toEqual([]);
  });

  it('have passed when the cursor stands at their end or beyond', () => {
    const present = [0, 1, 2].map(partition);
    expect(passedPartitions(present, 2 * million).map(({ name }) => name)).toEqual([
      'outbox_p0',
      'outbox_p1',
    ]);
    expect(passedPartitions(present, 2 * million - 1).map(({ name }) => name)).toEqual(['outbox_p0']);
  });
});
