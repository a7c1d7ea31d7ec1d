import { describe, expect, it } from 'vitest';
import { factsOf, isNamed, keysOf, shownOf, type NamedOrder } from '../../../src/reconcile/facts.ts';
import { parseOrder } from '../../../src/wechat/order.ts';

const readAt = new Date('2026-11-30T12:00:00Z');
const orderOf = (change: object): NamedOrder =>
  parseOrder({ transaction_id: 'p', order_state: 1, ...change }) as NamedOrder;
const factsIn = (change: object, uploads: { state: string; uploadedAt: Date | null }[] = []) =>
  factsOf(orderOf(change), { appid: 'wx', readAt, uploads: uploads as never });

describe('what a read tells of a payment', () => {
  it('is all that the order says, and nothing that it leaves out', () => {
    const told = factsIn({
      ...{ merchant_id: '19', sub_merchant_id: '', merchant_trade_no: 'T', openid: 'o', paid_amount: 8_800 },
      ...{ pay_time: 1_700_000_000, order_state: 2, in_complaint: false },
      shipping: {
        ...{ delivery_mode: 2, logistics_type: 1, finish_shipping: true, finish_shipping_count: 1 },
        shipping_list: [{ upload_time: 1_700_000_100 }, { upload_time: 1_700_000_200 }],
      },
    });
    expect(told).toEqual({
      ...{ appid: 'wx', transactionId: 'p', mchid: '19', subMchid: undefined, outTradeNo: 'T', openid: 'o' },
      ...{ amountFen: 8_800, paidAt: new Date(1_700_000_000_000), orderState: 2, inComplaint: false },
      ...{ finishCount: 1, logisticsType: 1, shippedAt: new Date(1_700_000_200_000), readAt },
    });
    expect(Object.values(factsIn({})).filter((value) => value !== undefined)).toEqual(['wx', 'p', 1, readAt]);
  });

  it('is no time of shipping while something is to ship', () => {
    const shipping = { delivery_mode: 2, shipping_list: [{ upload_time: 1_700_000_100 }] };
    expect(factsIn({ shipping }).shippedAt).toBeUndefined();
    expect(factsIn({ order_state: 2, shipping }).shippedAt).toEqual(new Date(1_700_000_100_000));
  });

  it('is our own time of shipping where WeChat shows no parcel', () => {
    const shipping = { delivery_mode: 1, logistics_type: 3, goods_desc: '会员' };
    const [first, last] = [new Date(1_000), new Date(2_000)];
    const uploads = [
      { state: 'acknowledged', uploadedAt: last },
      { state: 'acknowledged', uploadedAt: first },
      { state: 'rejected', uploadedAt: new Date(9_000) },
    ];
    expect(factsIn({ order_state: 2, shipping }, uploads).shippedAt).toEqual(last);
    expect(factsIn({ order_state: 2, shipping }).shippedAt).toBeUndefined();
    const withoutTime = [...uploads, { state: 'acknowledged', uploadedAt: null }];
    expect(factsIn({ order_state: 2, shipping }, withoutTime).shippedAt).toEqual(last);
    expect(factsIn({ order_state: 2 }, uploads).shippedAt, 'WeChat shows no shipping').toBeUndefined();
  });

  it('is each state and each count that there is', () => {
    for (const state of [1, 2, 3, 4, 5, 6]) expect(factsIn({ order_state: state }).orderState).toBe(state);
    for (const none of [0, -1, 7]) expect(factsIn({ order_state: none }).orderState).toBeUndefined();
    const counted = (count: unknown) =>
      factsIn({ shipping: { delivery_mode: 1, finish_shipping_count: count } }).finishCount;
    for (const count of [0, 1, 9]) expect(counted(count)).toBe(count);
    for (const none of [-1, 10, null]) expect(counted(none)).toBeUndefined();
  });

  it('is nothing that the table refuses', () => {
    const odd = factsIn({
      order_state: 7,
      merchant_id: 'a\u0000b',
      shipping: { logistics_type: 0, finish_shipping_count: 77 },
    });
    expect(odd).toMatchObject({ orderState: undefined, mchid: 'a\uFFFDb', finishCount: undefined });
    expect(odd.logisticsType).toBeUndefined();
    expect(factsIn({ merchant_trade_no: 'T'.repeat(500) }).outTradeNo?.length).toBeLessThan(160);
  });
});

describe('a name', () => {
  it.each(['p', '4200001234202611230000000001', 'a_B-9', 'x'.repeat(64)])('is %j', (name) => {
    expect(isNamed(parseOrder({ transaction_id: name, order_state: 1 })!)).toBe(true);
  });

  it.each([null, '', 'a b', 'x'.repeat(65), 'a\u0000'])('is not %j', (name) => {
    expect(isNamed(parseOrder({ transaction_id: name, order_state: 1 })!)).toBe(false);
  });

  it('is each that an upload may have', () => {
    expect(keysOf(orderOf({ merchant_id: '19', sub_merchant_id: '20', merchant_trade_no: 'T' }))).toEqual([
      'p',
      '19:T',
      '20:T',
    ]);
    expect(keysOf(orderOf({ merchant_id: '19', sub_merchant_id: '19', merchant_trade_no: 'T' }))).toEqual([
      'p',
      '19:T',
    ]);
    expect(keysOf(orderOf({ merchant_id: '19', merchant_trade_no: '' }))).toEqual(['p']);
    expect(keysOf(orderOf({ merchant_id: '19' }))).toEqual(['p']);
    expect(keysOf(orderOf({ merchant_id: '19', sub_merchant_id: '', merchant_trade_no: 'T' }))).toEqual([
      'p',
      '19:T',
    ]);
    expect(keysOf(orderOf({ merchant_trade_no: 'T' }))).toEqual(['p']);
  });
});

it('what is shown has no phones in it', () => {
  const shipping = {
    delivery_mode: 1,
    shipping_list: [{ tracking_no: 'A', contact: { receiver_contact: '138****1234' } }],
  };
  expect(shownOf(orderOf({ shipping }))).not.toContain('1234');
  expect(shownOf(orderOf({}))).toBeNull();
});
