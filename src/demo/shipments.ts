import { SHIPPED } from '../shipment/events.ts';

/** What the sample shop sells, one kind for each of WeChat's logistics types. */
const goods = [
  { logisticsType: 1, text: '红富士苹果 5kg*1' },
  { logisticsType: 2, text: '鲜花 同城配送*1' },
  { logisticsType: 3, text: '电子会员卡*1' },
  { logisticsType: 4, text: '门店自提 蛋糕*1' },
] as const;

export type Order = { id: number; transactionId: string; openid: string; logisticsType: 1 | 2 | 3 | 4 };

/** 28 digits, as WeChat Pay's are; `run` keeps one demo's payments apart from another's. */
export const transactionIdOf = (run: string, order: number): string =>
  `42000${run.padStart(15, '0')}${String(order).padStart(8, '0')}`;

export const logisticsTypeOf = (order: number): Order['logisticsType'] =>
  goods[order % goods.length]?.logisticsType ?? 1;

/** The event of one shipped order: the body of upload_shipping_info without upload_time. */
export function shippedEventOf(order: Order, appid: string, at: Date): object {
  const text = goods.find((one) => one.logisticsType === order.logisticsType)?.text ?? '';
  const express = {
    tracking_no: `SF${order.transactionId.slice(-12)}`,
    express_company: 'SF',
    contact: { receiver_contact: '138****1234' },
  };
  return {
    id: `order-${order.transactionId}-1`,
    type: SHIPPED,
    source: '/demo/orders',
    time: at.toISOString(),
    appid,
    version: 1,
    data: {
      order_key: { order_number_type: 2, transaction_id: order.transactionId },
      logistics_type: order.logisticsType,
      delivery_mode: 1,
      shipping_list: [{ item_desc: text, ...(order.logisticsType === 1 ? express : {}) }],
      payer: { openid: order.openid },
    },
  };
}

/** A mistake that a shop's own code makes: the carrier's id in lower case. The refusal suggests the right one. */
export function withWrongCarrier(event: object): object {
  const copy = structuredClone(event) as { data: { shipping_list: { express_company?: string }[] } };
  for (const parcel of copy.data.shipping_list) parcel.express_company = 'sf';
  return copy;
}
