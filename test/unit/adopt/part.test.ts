import { describe, expect, it } from 'vitest';
import { readPart } from '../../../src/adopt/part.ts';

const file = { kinds: ['order_id', 'pay_id'], appid: 'wxfile', mchid: '1900000001' };
const row = {
  order_id: '17',
  state: 'shipped',
  logistics_type: '1',
  transaction_id: '42001',
  openid: 'oFAKE-1',
  item_desc: '保温杯*1',
};
const problemOf = (changes: Record<string, string | null>, of = {}): string | undefined => {
  const read = readPart({ ...row, ...changes }, { ...file, ...of });
  return read.kind === 'unreadable' ? read.problem : undefined;
};
const partOf = (changes: Record<string, string | null>, of = {}) => {
  const read = readPart({ ...row, ...changes }, { ...file, ...of });
  if (read.kind !== 'part') throw new TypeError(read.problem);
  return read.part;
};

describe('a row of the parts query', () => {
  it('is a part, with what the file gives', () => {
    expect(partOf({})).toEqual({
      name: 'order_id:17',
      keys: [{ kind: 'order_id', ref: '17' }],
      appid: 'wxfile',
      payment: '42001',
      otherPayment: null,
      openid: 'oFAKE-1',
      skip: null,
      state: 'shipped',
      logisticsType: 1,
      trackingNo: null,
      carrierKey: null,
      carrierName: null,
      receiverPhone: null,
      itemDesc: '保温杯*1',
      noBackfill: null,
    });
  });

  it('is a part with all that it gives itself', () => {
    expect(
      partOf({
        part: '17-1',
        pay_id: '9',
        appid: 'wxrow',
        mchid: '1900000002',
        out_trade_no: 'T1',
        skip: 'points',
        state: 'void',
        logistics_type: '4',
        tracking_no: ' YT1 ',
        carrier_key: 'YTO',
        carrier_name: '圆通',
        receiver_phone: '13800001234',
        no_backfill: 'refunded',
      }),
    ).toEqual({
      name: '17-1',
      keys: [
        { kind: 'order_id', ref: '17' },
        { kind: 'pay_id', ref: '9' },
      ],
      appid: 'wxrow',
      payment: '42001',
      otherPayment: '1900000002:T1',
      openid: 'oFAKE-1',
      skip: 'points',
      state: 'void',
      logisticsType: 4,
      trackingNo: 'YT1',
      carrierKey: 'YTO',
      carrierName: '圆通',
      receiverPhone: '13800001234',
      itemDesc: '保温杯*1',
      noBackfill: 'refunded',
    });
  });

  it('is named by its first key where it names no part', () => {
    expect(partOf({ order_id: null, pay_id: '9' }).name).toBe('pay_id:9');
  });

  it('takes a blank text for none', () => {
    expect(partOf({ transaction_id: '', openid: '  ', item_desc: null })).toMatchObject({
      payment: null,
      openid: null,
      itemDesc: null,
    });
  });

  it('names its payment by the merchant’s numbers where WeChat’s is missing', () => {
    const numbers = { transaction_id: null, out_trade_no: 'T1' };
    expect(partOf(numbers)).toMatchObject({ payment: '1900000001:T1', otherPayment: null });
    expect(partOf(numbers, { mchid: undefined })).toMatchObject({ payment: null });
    expect(partOf({ transaction_id: null, out_trade_no: null })).toMatchObject({ payment: null });
  });

  it('that names no order is unreadable, and belongs to none', () => {
    expect(readPart({ ...row, order_id: ' ' }, file)).toEqual({
      kind: 'unreadable',
      keys: [],
      problem: 'a row of the parts query names no order: one of order_id, pay_id must not be null',
    });
  });

  it.each([
    ['sent', 'state "sent" must be one of open, shipped, void'],
    [null, 'state is missing, and must be one of open, shipped, void'],
  ])('whose state is %j is unreadable', (state, problem) => {
    expect(readPart({ ...row, state }, file)).toMatchObject({
      keys: [{ kind: 'order_id', ref: '17' }],
      problem,
    });
  });

  it.each([
    ['0', 'logistics_type "0" must be 1 express, 2 same-city, 3 virtual or 4 pick-up'],
    ['5', 'logistics_type "5" must be 1 express, 2 same-city, 3 virtual or 4 pick-up'],
    ['express', 'logistics_type "express" must be 1 express, 2 same-city, 3 virtual or 4 pick-up'],
    [null, 'logistics_type is missing, and must be 1 express, 2 same-city, 3 virtual or 4 pick-up'],
  ])('whose logistics_type is %j is unreadable', (type, problem) => {
    expect(problemOf({ logistics_type: type })).toBe(problem);
  });

  it.each([1, 2, 3, 4])('may be of type %i', (type) => {
    expect(partOf({ logistics_type: String(type) }).logisticsType).toBe(type);
  });

  it('needs an appid unless WeChat has no part in it', () => {
    expect(problemOf({}, { appid: undefined })).toBe(
      'appid is missing: let the parts query give it, or name it once in the file',
    );
    expect(partOf({ skip: 'points' }, { appid: undefined }).appid).toBe('');
  });
});
