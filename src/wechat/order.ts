import { z } from 'zod';

export type Parcel = {
  trackingNo: string | null;
  expressCompany: string | null;
  itemDesc: string | null;
  /** Unix seconds. */
  uploadTime: number | null;
};

export type Shipping = {
  deliveryMode: number | null;
  logisticsType: number | null;
  finishShipping: boolean | null;
  /** 0 not finished, 1 finished, 2 re-shipped: the chance is spent. */
  finishShippingCount: number | null;
  /** The text of the shipment as a whole: all that WeChat shows of some virtual goods. */
  goodsDesc: string | null;
  parcels: Parcel[];
};

/** What WeChat holds of one payment (wechat.md §1.3). `shipping` is null when nothing was shipped. */
export type Order = {
  transactionId: string | null;
  merchantId: string | null;
  /** Set where a service provider placed the payment: which of the two `mchid` means is open (wechat.md §6.8). */
  subMerchantId: string | null;
  outTradeNo: string | null;
  openid: string | null;
  /** 1 to ship, 2 shipped, 3 receipt confirmed, 4 complete, 5 refunded, 6 funds awaiting settlement. */
  orderState: number | null;
  inComplaint: boolean | null;
  /** What the buyer paid, in fen. */
  paidAmount: number | null;
  /** Unix seconds; null also where WeChat has none yet and says 0. */
  createdAt: number | null;
  paidAt: number | null;
  shipping: Shipping | null;
  raw: unknown;
};

// A member of another type than documented reads as absent: one odd field must not hide the rest. Not so the members
// that say whether a payment is finished: read as absent they would let it be sent again and spend its chance (P5).
const text = z.string().nullish().catch(null);
const integer = z.number().int().nullish().catch(null);
const amount = z.number().int().nonnegative().nullish().catch(null);
/** Up to the year 2106, where unix seconds of 32 bits end: a time that no date can hold reads as absent. */
const seconds = z
  .number()
  .int()
  .positive()
  .max(2 ** 32 - 1)
  .nullish()
  .catch(null);
const flag = z.boolean().nullish().catch(null);

const parcelShape = z
  .looseObject({ tracking_no: text, express_company: text, goods_desc: text, upload_time: seconds })
  .transform((parcel) => ({
    trackingNo: parcel.tracking_no ?? null,
    expressCompany: parcel.express_company ?? null,
    itemDesc: parcel.goods_desc ?? null,
    uploadTime: parcel.upload_time ?? null,
  }));
/** Stands for an entry that is no parcel, so that the others are seen and the list keeps its length. */
const unreadableParcel = { trackingNo: null, expressCompany: null, itemDesc: null, uploadTime: null };

const shippingShape = z.looseObject({
  delivery_mode: integer,
  logistics_type: integer,
  finish_shipping: z.boolean().nullish(),
  finish_shipping_count: z.number().int().nullish(),
  goods_desc: text,
  shipping_list: z.array(parcelShape.catch(unreadableParcel)).nullish().catch(null),
});

const orderShape = z.looseObject({
  transaction_id: text,
  merchant_id: text,
  sub_merchant_id: text,
  merchant_trade_no: text,
  openid: text,
  order_state: z.number().int().nullish(),
  in_complaint: flag,
  paid_amount: amount,
  trade_create_time: seconds,
  pay_time: seconds,
  shipping: shippingShape.nullish(),
});

/** Reads the `order` member of an answer; null when it is no object, or unreadable as to whether it is finished. */
export function parseOrder(raw: unknown): Order | null {
  const parsed = orderShape.safeParse(raw);
  return parsed.success && saysSomething(parsed.data) ? orderOf(parsed.data, raw) : null;
}

/** With neither a state nor a shipping member it is no answer about an order, and proves nothing. */
const saysSomething = ({ order_state: state, shipping }: z.infer<typeof orderShape>): boolean =>
  typeof state === 'number' || (shipping ?? null) !== null;

function orderOf(order: z.infer<typeof orderShape>, raw: unknown): Order {
  return {
    transactionId: order.transaction_id ?? null,
    merchantId: order.merchant_id ?? null,
    subMerchantId: order.sub_merchant_id ?? null,
    outTradeNo: order.merchant_trade_no ?? null,
    openid: order.openid ?? null,
    orderState: order.order_state ?? null,
    inComplaint: order.in_complaint ?? null,
    ...paidOf(order),
    shipping: shippingOf(order.shipping ?? null),
    raw,
  };
}

const paidOf = (order: z.infer<typeof orderShape>): Pick<Order, 'paidAmount' | 'createdAt' | 'paidAt'> => ({
  paidAmount: order.paid_amount ?? null,
  createdAt: order.trade_create_time ?? null,
  paidAt: order.pay_time ?? null,
});

/** An unshipped payment has an empty object (official sample). */
function shippingOf(shipping: z.infer<typeof shippingShape> | null): Shipping | null {
  if (shipping === null || Object.keys(shipping).length === 0) return null;
  return {
    deliveryMode: shipping.delivery_mode ?? null,
    logisticsType: shipping.logistics_type ?? null,
    finishShipping: shipping.finish_shipping ?? null,
    finishShippingCount: shipping.finish_shipping_count ?? null,
    goodsDesc: shipping.goods_desc ?? null,
    parcels: shipping.shipping_list ?? [],
  };
}
