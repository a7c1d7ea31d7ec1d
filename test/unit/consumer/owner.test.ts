import { describe, expect, it } from 'vitest';
import { ownerMark, strangersOf } from '../../../src/consumer/owner.ts';

const [own, lost, second] = [
  '11111111-1111-4111-8111-111111111111',
  '22222222-2222-4222-8222-222222222222',
  '33333333-3333-4333-8333-333333333333',
] as const;

describe('the database that a group belongs to', () => {
  it('is named by its commits: each other one, once', () => {
    const metadata = [ownerMark(own), ownerMark(second), ownerMark(lost), ownerMark(second)];
    expect(strangersOf(metadata, { own, taken: [] })).toEqual([lost, second]);
    expect(strangersOf(metadata, { own, taken: [second] })).toEqual([lost]);
    expect(strangersOf([ownerMark(own)], { own, taken: [] })).toEqual([]);
  });

  it('is nobody where commits carry nothing, or what others write there', () => {
    const metadata = ['', 'event-17', `x${ownerMark(lost)}`, `${ownerMark(lost)}x`, 'fahuo-database='];
    expect(strangersOf(metadata, { own, taken: [] })).toEqual([]);
  });
});
