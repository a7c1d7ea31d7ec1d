import type { Order, PaymentKey } from '../wechat/order.ts';

type Parcel = { tracking_no?: string; express_company?: string; item_desc: string };

/** The frozen body, read back. The consumer wrote it from a validated event, so its shape is known. */
export type Content = {
  order_key:
    | { order_number_type: 2; transaction_id: string }
    | { order_number_type: 1; mchid: string; out_trade_no: string };
  logistics_type: number;
  delivery_mode: number;
  is_all_delivered?: boolean;
  shipping_list: Parcel[];
};

export const contentOf = (body: string): Content => JSON.parse(body) as Content;

/** Whether WeChat counts the payment as shipped in full after this upload (facts.md §1.1). */
export const finishes = (content: Content): boolean =>
  content.delivery_mode === 1 || content.is_all_delivered === true;

export const paymentKeyOf = ({ order_key: key }: Content): PaymentKey =>
  key.order_number_type === 2
    ? { kind: 'transaction', transactionId: key.transaction_id }
    : { kind: 'merchant', mchid: key.mchid, outTradeNo: key.out_trade_no };

/**
 * What a read says about an upload:
 * `same` WeChat holds its content; `open` it does not, and the payment is not finished; `finished` it does not, and
 * the payment is finished `count` times; `refunded` and `closed` nothing can be shipped any more.
 */
export type Verdict =
  | { kind: 'same'; count: number }
  | { kind: 'open' }
  | { kind: 'finished'; count: number }
  | { kind: 'refunded' }
  | { kind: 'closed'; orderState: number };

const toShip = 1;
const refunded = 5;

/** Compares the content of an upload with what WeChat holds (facts.md §1.3, §6.4). */
export function compare(content: Content, order: Order): Verdict {
  const count = finishCountOf(order);
  if (order.orderState === refunded) return { kind: 'refunded' };
  if (holds(content, order, count)) return { kind: 'same', count };
  if (count >= 1) return { kind: 'finished', count };
  const state = order.orderState ?? toShip;
  return state === toShip || state === 2 ? { kind: 'open' } : { kind: 'closed', orderState: state };
}

function finishCountOf({ shipping }: Order): number {
  if (shipping === null) return 0;
  return shipping.finishShippingCount ?? (shipping.finishShipping === true ? 1 : 0);
}

/**
 * Mode and type are equal, every parcel of ours is there, and a finished payment holds nothing else. While a payment
 * is open, parcels of earlier uploads may stand beside ours where WeChat merges; where it overwrites they are gone.
 */
function holds(content: Content, { shipping }: Order, count: number): boolean {
  if (shipping === null) return false;
  if (shipping.deliveryMode !== content.delivery_mode || shipping.logisticsType !== content.logistics_type)
    return false;
  if (finishes(content) !== count >= 1) return false;
  const held = shipping.parcels.map((parcel) =>
    parcelKey(parcel.trackingNo, parcel.expressCompany, parcel.itemDesc, content),
  );
  const ours = content.shipping_list.map((parcel) =>
    parcelKey(
      parcel.tracking_no ?? null,
      parcel.express_company ?? null,
      described(held) ? parcel.item_desc : null,
      content,
    ),
  );
  const missing = ours.some((key) => !held.includes(key));
  return !missing && (count === 0 || held.length === ours.length);
}

const express = 1;

/** Only express parcels have numbers; for same-city WeChat shows a company *name*, which is not compared. */
const parcelKey = (
  tracking: string | null,
  company: string | null,
  text: string | null,
  content: Content,
): string => JSON.stringify(content.logistics_type === express ? [tracking, company, text] : [text]);

/** The official sample has no text at parcel level: where WeChat gives none, texts are not compared. */
const described = (held: readonly string[]): boolean => !held.every((key) => key.endsWith('null]'));
