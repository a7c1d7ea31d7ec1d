import { describe, expect, it } from 'vitest';
import { decideBeginning, type Positions } from '../../../src/kafka/beginning.ts';

const begin = (change: Partial<Positions>) =>
  decideBeginning({ committed: 50, noted: 50, low: 10, high: 100, ...change });

describe('where a partition begins', () => {
  it('is the offset of the group when the database says the same, or nothing yet', () => {
    expect(begin({})).toEqual({ kind: 'agreed' });
    expect(begin({ noted: null })).toEqual({ kind: 'agreed' });
    expect(begin({ committed: null, noted: null })).toEqual({ kind: 'agreed' });
    expect(begin({ committed: 10, noted: 10 })).toEqual({ kind: 'agreed' });
    expect(begin({ committed: 100, noted: 100 })).toEqual({ kind: 'agreed' });
  });

  it('is the older of both', () => {
    expect(begin({ noted: 49 })).toEqual({ kind: 'rows_lost', from: 49 });
    expect(begin({ noted: 10 })).toEqual({ kind: 'rows_lost', from: 10 });
    expect(begin({ noted: 51 })).toEqual({ kind: 'commit_lost' });
    expect(begin({ committed: null, noted: 50 })).toEqual({ kind: 'uncommitted' });
  });

  it('is the beginning when a position is beyond the end: the topic was made again', () => {
    const again = { kind: 'topic_made_again', from: 10 };
    expect(begin({ committed: 101, noted: 101 })).toEqual(again);
    expect(begin({ committed: 101, noted: null })).toEqual(again);
    expect(begin({ committed: 50, noted: 101 })).toEqual(again);
    expect(begin({ committed: 101, noted: 50 })).toEqual(again);
    expect(begin({ committed: null, noted: 101 })).toEqual(again);
  });

  it('is the beginning, and names what is gone, when the log begins later than the older of both', () => {
    expect(begin({ noted: 9 })).toEqual({ kind: 'messages_gone', from: 10, firstGone: 9 });
    expect(begin({ committed: 3, noted: 4 })).toEqual({ kind: 'messages_gone', from: 10, firstGone: 3 });
    expect(begin({ committed: 3, noted: null })).toEqual({ kind: 'messages_gone', from: 10, firstGone: 3 });
  });
});
