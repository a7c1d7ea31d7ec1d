import { describe, expect, it } from 'vitest';
import { describeFault, sequenceFault } from '../../../src/relay/sequence.ts';

describe('the sequence of the outbox', () => {
  it('is sound at or beyond the cursor and the greatest row', () => {
    expect(sequenceFault({ cursor: 7, lastId: 7, greatestId: 7 })).toBeNull();
    expect(sequenceFault({ cursor: 3, lastId: 8, greatestId: 7 })).toBeNull();
  });

  it.each([
    [{ cursor: 8, lastId: 7, greatestId: 3 }, 8, 'the cursor 8'],
    [{ cursor: 3, lastId: 7, greatestId: 8 }, 8, 'the row 8'],
    [{ cursor: 9, lastId: 0, greatestId: 8 }, 9, 'the cursor 9'],
    [{ cursor: 9, lastId: 0, greatestId: 12 }, 12, 'the row 12'],
    [{ cursor: 9, lastId: 8, greatestId: 9 }, 9, 'the row 9'],
  ])('is behind at %j: it is to be set to the greater of both', (position, needed, behind) => {
    const fault = sequenceFault(position)!;
    expect(fault.statement).toBe(`select setval('fahuo.outbox_id_seq', ${needed})`);
    expect(describeFault(fault)).toContain(behind);
  });
});
