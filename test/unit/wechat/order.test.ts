import { describe, expect, it } from 'vitest';
import { parseOrder } from '../../../src/wechat/order.ts';

/** As the official sample of get_order has it (wechat.md §1.3). */
const shipped = {
  transaction_id: '4200001234202611230000000001',
  merchant_id: '1900000001',
  sub_merchant_id: '',
  merchant_trade_no: 'T-1',
  description: '🍌*1',
  paid_amount: 100,
  openid: 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o',
  trade_create_time: 1_795_399_200,
  pay_time: 1_795_399_203,
  order_state: 2,
  in_complaint: false,
  shipping: {
    delivery_mode: 1,
    logistics_type: 1,
    finish_shipping: true,
    finish_shipping_count: 1,
    goods_desc: '',
    shipping_list: [
      {
        tracking_no: 'SF1',
        express_company: 'SF',
        goods_desc: '🍌*1',
        upload_time: 1_795_399_300,
        contact: { receiver_contact: '138****1234' },
      },
    ],
  },
};
const withShipping = (shipping: unknown) => parseOrder({ ...shipped, shipping });

describe('an order as WeChat shows it', () => {
  it('is read whole, and kept as it came', () => {
    expect(parseOrder(shipped)).toEqual({
      transactionId: '4200001234202611230000000001',
      merchantId: '1900000001',
      subMerchantId: '',
      outTradeNo: 'T-1',
      openid: 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o',
      orderState: 2,
      inComplaint: false,
      paidAmount: 100,
      createdAt: 1_795_399_200,
      paidAt: 1_795_399_203,
      shipping: {
        deliveryMode: 1,
        logisticsType: 1,
        finishShipping: true,
        finishShippingCount: 1,
        goodsDesc: '',
        parcels: [{ trackingNo: 'SF1', expressCompany: 'SF', itemDesc: '🍌*1', uploadTime: 1_795_399_300 }],
      },
      raw: shipped,
    });
    expect(parseOrder(shipped)?.raw).toBe(shipped);
  });

  it.each([{}, null, undefined])('has no shipping when that is %j', (shipping) => {
    expect(withShipping(shipping)).toMatchObject({ orderState: 2, shipping: null });
  });

  it('may lack every member', () => {
    expect(parseOrder({ order_state: 1 })).toEqual({
      transactionId: null,
      merchantId: null,
      subMerchantId: null,
      outTradeNo: null,
      openid: null,
      orderState: 1,
      inComplaint: null,
      paidAmount: null,
      createdAt: null,
      paidAt: null,
      shipping: null,
      raw: { order_state: 1 },
    });
    expect(withShipping({ goods_desc: 'typed in the console' })?.shipping).toEqual({
      deliveryMode: null,
      logisticsType: null,
      finishShipping: null,
      finishShippingCount: null,
      goodsDesc: 'typed in the console',
      parcels: [],
    });
  });

  it.each([null, undefined, 1, 'order', true, [], [shipped]])('is not read from %j', (raw) => {
    expect(parseOrder(raw)).toBeNull();
  });

  it.each([
    ['transaction_id', 42],
    ['merchant_id', 1_900_000_001],
    ['sub_merchant_id', 1_900_000_002],
    ['merchant_trade_no', null],
    ['openid', {}],
    ['in_complaint', 'false'],
  ])('is read but for %s when that is %j', (name, value) => {
    const names = { merchant_trade_no: 'outTradeNo', in_complaint: 'inComplaint' } as Record<string, string>;
    const ours = names[name] ?? name.replace(/_(\w)/g, (_all, letter: string) => letter.toUpperCase());
    const { raw: _raw, ...read } = parseOrder({ ...shipped, [name]: value })!;
    const { raw: _whole, ...whole } = parseOrder(shipped)!;
    expect(read).toEqual({ ...whole, [ours]: null });
  });

  it.each(['2', 2.5, true])(
    'is not read where its state is %j: it decides whether it may be sent',
    (state) => {
      expect(parseOrder({ ...shipped, order_state: state })).toBeNull();
    },
  );

  it('is not read from an answer with neither a state nor a shipping member', () => {
    expect(parseOrder({})).toBeNull();
    expect(parseOrder({ transaction_id: '1', order_state: null, shipping: null })).toBeNull();
  });

  it('keeps the good parcels beside an odd one, and the length of the list', () => {
    const [parcel] = shipped.shipping.shipping_list;
    const list = [null, { ...parcel, tracking_no: 7 }, 'parcel', parcel];
    const parcels = withShipping({ ...shipped.shipping, shipping_list: list })?.shipping?.parcels;
    expect(parcels?.map(({ trackingNo, itemDesc }) => [trackingNo, itemDesc])).toEqual([
      [null, null],
      [null, '🍌*1'],
      [null, null],
      ['SF1', '🍌*1'],
    ]);
  });

  // Read as "nothing shipped" any of these would allow a second send, which spends the re-ship chance.
  it.each([
    ['shipping is a text', 'shipped'],
    ['shipping is a list', [shipped.shipping]],
    ['finish_shipping_count is a text', { ...shipped.shipping, finish_shipping_count: '1' }],
    ['finish_shipping_count is no whole number', { ...shipped.shipping, finish_shipping_count: 0.5 }],
    ['finish_shipping is a text', { finish_shipping: 'true' }],
  ])('is unreadable, not unshipped, when %s', (_claim, shipping) => {
    expect(withShipping(shipping)).toBeNull();
  });
});
