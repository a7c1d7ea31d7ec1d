import type { Omission } from './omissions.ts';
import type { Shipping } from './payment.ts';
import type { Payment, World } from './world.ts';

type View = ReturnType<World['view']>;
type Json = Record<string, unknown>;

const seconds = (ms: number): number => Math.floor(ms / 1000);

/** The `order` member of get_order, in WeChat's names (wechat.md §1.3). An unshipped payment has `shipping: {}`. */
export function orderBody(payment: Payment, { shipping, orderState, inComplaint }: View): Json {
  return {
    transaction_id: payment.transactionId,
    merchant_id: payment.mchid,
    sub_merchant_id: payment.subMchid,
    merchant_trade_no: payment.outTradeNo,
    description: (shipping?.parcels ?? [])
      .map((parcel) => parcel.itemDesc)
      .join(';')
      .slice(0, 120),
    paid_amount: payment.paidAmount,
    openid: payment.openid ?? '',
    trade_create_time: seconds(payment.paidAtMs),
    pay_time: seconds(payment.paidAtMs),
    order_state: orderState,
    in_complaint: inComplaint,
    shipping: shipping === null ? {} : shippingBody(shipping, new Set(payment.omits)),
  };
}

function shippingBody(shipping: Shipping, omits: ReadonlySet<Omission>): Json {
  if (omits.has('shipping')) return {};
  const hasList = !omits.has('shipping_list') && !omits.has('empty_list');
  return {
    delivery_mode: shipping.deliveryMode,
    logistics_type: shipping.logisticsType,
    ...(omits.has('finish')
      ? {}
      : { finish_shipping: shipping.finished, finish_shipping_count: shipping.finishCount }),
    goods_desc: hasList ? '' : shipping.parcels.map((parcel) => parcel.itemDesc).join(';'),
    ...(hasList ? { shipping_list: shipping.parcels.map((parcel) => parcelBody(parcel, omits)) } : {}),
    ...(omits.has('empty_list') ? { shipping_list: [] } : {}),
  };
}

const parcelBody = (parcel: Shipping['parcels'][number], omits: ReadonlySet<Omission>): Json => ({
  tracking_no: parcel.trackingNo,
  express_company: parcel.company,
  ...(omits.has('item_texts') ? {} : { goods_desc: parcel.itemDesc }),
  upload_time: seconds(parcel.uploadedAtMs),
  ...(parcel.contact === '' || omits.has('contact') ? {} : { contact: JSON.parse(parcel.contact) as Json }),
});

const largestPage = 100;

/**
 * One page of get_order_list (wechat.md §1.4). The cursor is the place in the order of creation from which the next page
 * looks on: a payment that changes its state between two pages moves no other.
 */
export function listBody(
  world: World,
  { appid, asked }: { appid: string; asked: Json },
  nowMs: number,
): Json {
  const { last_index: last, page_size: size } = asked;
  const from = last === undefined || last === '' ? 0 : Number(last);
  if (!Number.isInteger(from) || from < 0) return { errcode: 10060011 };
  const limit = Math.min(largestPage, typeof size === 'number' && size > 0 ? size : largestPage);
  const isWanted = wantedBy(world, { appid, asked }, nowMs);
  const page: Payment[] = [];
  let next = from;
  for (; next < world.order.length && page.length < limit; next += 1)
    page.push(...world.order.slice(next, next + 1).filter(isWanted));
  return {
    errcode: 0,
    last_index: String(next),
    has_more: world.order.slice(next).some(isWanted),
    order_list: page.map((payment) => orderBody(payment, world.view(payment, nowMs))),
  };
}

function wantedBy(
  world: World,
  { appid, asked }: { appid: string; asked: Json },
  nowMs: number,
): (payment: Payment) => boolean {
  const { order_state: state, openid, pay_time_range: range } = asked;
  const { begin_time: begin = 0, end_time: end = 2 ** 32 - 1 } = (range ?? {}) as Record<string, number>;
  return (payment) => {
    const paid = seconds(payment.paidAtMs);
    if (paid < begin || paid > end || payment.visibleAtMs > nowMs) return false;
    if (payment.appid !== null && payment.appid !== appid) return false;
    if (openid !== undefined && payment.openid !== openid) return false;
    world.advance(payment, nowMs);
    return state === undefined || world.view(payment, nowMs).orderState === state;
  };
}
