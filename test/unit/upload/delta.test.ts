import { describe, expect, it } from 'vitest';
import { deltaOf } from '../../../src/upload/delta.ts';

const body = (...parcels: string[]): string =>
  JSON.stringify({
    delivery_mode: 2,
    is_all_delivered: false,
    shipping_list: parcels.map((tracking_no) => ({ tracking_no, item_desc: '苹果' })),
  });

describe('the delta of a later part', () => {
  it('leaves out what WeChat acknowledged, and keeps everything else as it was', () => {
    expect(deltaOf(body('a', 'b', 'c'), [body('a'), body('a', 'b')])).toBe(body('c'));
  });
  it('is the body itself while nothing was acknowledged', () => {
    expect(deltaOf(body('a', 'b'), [])).toBe(body('a', 'b'));
  });
  it('repeats the last parcel when none is new: a list may not be empty', () => {
    expect(deltaOf(body('a', 'b'), [body('a', 'b')])).toBe(body('b'));
  });
  it('sends a parcel again whose text has changed', () => {
    const renamed = body('a').replace('苹果', '梨');
    expect(deltaOf(renamed, [body('a')])).toBe(renamed);
  });
});
