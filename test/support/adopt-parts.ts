import type { Part } from '../../src/adopt/part.ts';
import type { ShopAnswer } from '../../src/adopt/shop.ts';

/** An express part that is shipped, and what a test wants different about it. */
export const part = (changes: Partial<Part> = {}): Part => ({
  name: 'order_id:1',
  keys: [{ kind: 'order_id', ref: '1' }],
  appid: 'wx0123456789abcdef',
  payment: '4200001234202611230000000001',
  otherPayment: null,
  openid: 'oFAKE-1',
  skip: null,
  state: 'shipped',
  logisticsType: 1,
  trackingNo: 'A1',
  carrierKey: 'ZTO',
  carrierName: null,
  receiverPhone: '13800001234',
  itemDesc: '保温杯*1',
  noBackfill: null,
  ...changes,
});

/** The second order of the same payment. */
export const second = (changes: Partial<Part> = {}): Part =>
  part({
    name: 'order_id:2',
    keys: [{ kind: 'order_id', ref: '2' }],
    trackingNo: 'B2',
    itemDesc: '雨伞*1',
    ...changes,
  });

/** What a key is told: acknowledged, and what a test wants different about it. */
export const shopAnswer = (changes: Partial<ShopAnswer> = {}): ShopAnswer => ({
  kind: 'order_id',
  ref: '1',
  appid: 'wx0123456789abcdef',
  payment: '4200000000202609010000001001',
  version: 1,
  state: 'acknowledged',
  errcode: null,
  errmsg: null,
  rid: null,
  reason: null,
  atMs: 1_788_230_000_123,
  ...changes,
});
