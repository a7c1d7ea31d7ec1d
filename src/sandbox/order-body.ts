import type { Omission } from './omissions.ts';
import type { Shipping } from './payment.ts';
import type { Payment, World } from './world.ts';

type View = ReturnType<World['view']>;
type Json = Record<string, unknown>;

const seconds = (ms: number): number => Math.floor(ms / 1000);

/** The `order` member of get_order, in WeChat's names (wechat.md §1.3). An unshipped payment has `shipping: {}`. */
export function orderBody(payment: Payment, { shipping, orderState }: View): Json {
  return {
    transaction_id: payment.transactionId,
    merchant_id: payment.mchid,
    sub_merchant_id: '',
    merchant_trade_no: payment.outTradeNo,
    description: (shipping?.parcels ?? [])
      .map((parcel) => parcel.itemDesc)
      .join(';')
      .slice(0, 120),
    paid_amount: 100,
    openid: payment.openid ?? '',
    trade_create_time: seconds(payment.paidAtMs),
    pay_time: seconds(payment.paidAtMs),
    order_state: orderState,
    in_complaint: false,
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

const defaultPage = 100;

/** One page of get_order_list; the cursor is the place in the order of creation (wechat.md §1.4). */
export function listBody(
  world: World,
  { appid, asked }: { appid: string; asked: Json },
  nowMs: number,
): Json {
  const { last_index: last, page_size: size, order_state: state, openid, pay_time_range: range } = asked;
  const from = last === undefined || last === '' ? 0 : Number(last);
  if (!Number.isInteger(from) || from < 0) return { errcode: 10060011 };
  const limit = typeof size === 'number' ? size : defaultPage;
  const { begin_time: begin = 0, end_time: end = 2 ** 32 - 1 } = (range ?? {}) as Record<string, number>;
  const wanted = [...world.payments.values()].filter((payment) => {
    const paid = seconds(payment.paidAtMs);
    return (
      (payment.appid === null || payment.appid === appid) &&
      payment.visibleAtMs <= nowMs &&
      paid >= begin &&
      paid <= end &&
      (openid === undefined || payment.openid === openid) &&
      (state === undefined || world.view(payment, nowMs).orderState === state)
    );
  });
  const page = wanted.slice(from, from + limit);
  return {
    errcode: 0,
    last_index: String(from + page.length),
    has_more: from + page.length < wanted.length,
    order_list: page.map((payment) => orderBody(payment, world.view(payment, nowMs))),
  };
}
