import { describe, expect, it } from 'vitest';
import { compare, contentOf, finishes, paymentKeyOf } from '../../../src/upload/content.ts';
import { parseOrder, type Order } from '../../../src/wechat/order.ts';

const parcel = (number: string, text = '苹果') => ({
  tracking_no: number,
  express_company: 'YTO',
  item_desc: text,
});
const content = (parcels: object[], mode = 2, all?: boolean) =>
  contentOf(
    JSON.stringify({
      order_key: { order_number_type: 2, transaction_id: 't' },
      logistics_type: 1,
      delivery_mode: mode,
      ...(all === undefined ? {} : { is_all_delivered: all }),
      shipping_list: parcels,
    }),
  );
const order = (parcels: object[], change: object = {}, state = 1): Order =>
  parseOrder({
    order_state: state,
    shipping: {
      delivery_mode: 2,
      logistics_type: 1,
      finish_shipping: false,
      finish_shipping_count: 0,
      shipping_list: parcels.map((one) => ({ ...one, goods_desc: (one as { item_desc: string }).item_desc })),
      ...change,
    },
  })!;
const finished = { finish_shipping: true, finish_shipping_count: 1 };

describe('comparing an upload with what WeChat holds', () => {
  it('finds nothing in an unshipped payment, whose shipping is an empty object', () => {
    expect(compare(content([parcel('1')], 1), parseOrder({ order_state: 1, shipping: {} })!)).toEqual({
      kind: 'open',
    });
  });

  it('knows its parcels in any order, and beside earlier ones that WeChat merged', () => {
    const held = order([parcel('2'), parcel('1')]);
    expect(compare(content([parcel('1'), parcel('2')], 2, false), held).kind).toBe('same');
    expect(compare(content([parcel('1')], 2, false), held).kind).toBe('same');
  });

  it('takes a finished payment for the same only if it holds exactly these parcels', () => {
    const held = order([parcel('1'), parcel('2')], finished, 2);
    expect(compare(content([parcel('1'), parcel('2')], 2, true), held)).toEqual({ kind: 'same', count: 1 });
    expect(compare(content([parcel('1')], 2, true), held)).toEqual({ kind: 'finished', count: 1 });
  });

  it('tells a changed text, mode or finish from the same content', () => {
    const held = order([parcel('1', '梨')], finished, 2);
    expect(compare(content([parcel('1', '苹果')], 2, true), held).kind).toBe('finished');
    expect(compare(content([parcel('1', '梨')], 2, false), held).kind).toBe('finished');
    expect(compare(content([parcel('1', '梨')], 1), held).kind).toBe('finished');
  });

  it('does not compare texts where WeChat shows none', () => {
    const held = parseOrder({
      order_state: 2,
      shipping: {
        delivery_mode: 2,
        logistics_type: 1,
        ...finished,
        shipping_list: [{ tracking_no: '1', express_company: 'YTO' }],
      },
    })!;
    expect(compare(content([parcel('1')], 2, true), held).kind).toBe('same');
  });

  it('says refunded and closed for payments that take no shipping', () => {
    expect(compare(content([parcel('1')], 1), parseOrder({ order_state: 5, shipping: {} })!).kind).toBe(
      'refunded',
    );
    expect(compare(content([parcel('1')], 1), parseOrder({ order_state: 4, shipping: {} })!)).toEqual({
      kind: 'closed',
      orderState: 4,
    });
  });

  it('finishes a payment with unified mode, or on a positive statement', () => {
    expect([
      finishes(content([], 1)),
      finishes(content([], 2, true)),
      finishes(content([], 2, false)),
    ]).toEqual([true, true, false]);
  });

  it('names a payment by both kinds of key', () => {
    expect(paymentKeyOf(content([]))).toEqual({ kind: 'transaction', transactionId: 't' });
    const merchant = contentOf('{"order_key":{"order_number_type":1,"mchid":"m","out_trade_no":"o"}}');
    expect(paymentKeyOf(merchant)).toEqual({ kind: 'merchant', mchid: 'm', outTradeNo: 'o' });
  });
});
