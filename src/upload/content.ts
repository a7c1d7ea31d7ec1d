import { isDeepStrictEqual } from 'node:util';
import type { OrderKey } from '../shipment/payment.ts';
import type { Order, Shipping } from '../wechat/order.ts';

type Parcel = { tracking_no?: string; express_company?: string; item_desc: string };

/** The frozen body, read back. The consumer wrote it from a validated event, so its shape is known. */
export type Content = {
  order_key: OrderKey;
  logistics_type: number;
  delivery_mode: number;
  is_all_delivered?: boolean;
  shipping_list: Parcel[];
};

export const contentOf = (body: string): Content => JSON.parse(body) as Content;

/** Whether WeChat counts the payment as shipped in full after this upload (wechat.md §1.1). */
export const finishes = (content: Content): boolean =>
  content.delivery_mode === 1 || content.is_all_delivered === true;

/**
 * What a read says about an upload. `count` is how often the payment was finished: 0, 1, or 2 when its chance is spent.
 * `same` WeChat holds its content; `open` it does not, and the payment is not finished; `other_kind` it shows another
 * delivery_mode or logistics_type, finished or not; `finished` it holds other content of this kind and is finished;
 * `refunded`, `settled` and `closed`: nothing can be shipped any more.
 */
export type Verdict =
  | { kind: 'same'; count: number }
  | { kind: 'open' }
  | { kind: 'other_kind'; count: number }
  | { kind: 'finished'; count: number }
  | { kind: 'refunded' }
  | { kind: 'settled' }
  | { kind: 'closed'; orderState: number };

const toShip = 1;
const shippedState = 2;
const complete = 4;
const refunded = 5;

const express = 1;
const virtual = 3;

/**
 * Compares the content of an upload with what WeChat holds (wechat.md §1.3, §6.4, §10). `earlier` is what WeChat
 * acknowledged of the payment before: where it merges, parcels of ours stay beside the newer ones.
 */
export function compare(content: Content, order: Order, earlier: readonly Content[] = []): Verdict {
  if (order.orderState === refunded) return { kind: 'refunded' };
  const shown = shownOf(order);
  const count = finishCountOf(order, shown);
  if (shown !== null) {
    if (isOtherKind(content, shown)) return { kind: 'other_kind', count };
    if (carries(content, { shown, count }, earlier)) return { kind: 'same', count };
  }
  return count >= 1 ? { kind: 'finished', count } : unfinished(content, order, shown);
}

function unfinished(content: Content, { orderState }: Order, shown: Shipping | null): Verdict {
  const state = orderState ?? toShip;
  if (state <= shippedState) return { kind: 'open' };
  return state === complete && shown === null && content.logistics_type === virtual
    ? { kind: 'settled' }
    : { kind: 'closed', orderState: state };
}

const isUnsaid = (member: number | null): boolean => member === null || member === 0;

/** The shipping, unless it is only the shell of one: some unshipped payments have members without a value. */
function shownOf({ shipping }: Order): Shipping | null {
  if (shipping === null) return null;
  const isEmpty =
    isUnsaid(shipping.deliveryMode) && isUnsaid(shipping.logisticsType) && shipping.parcels.length === 0;
  return isEmpty ? null : shipping;
}

/** How often the payment was finished: what the members say, the greater of both. */
function finishCountOf({ shipping, orderState }: Order, shown: Shipping | null): number {
  const said = [shipping?.finishShippingCount, finishedOnce(shipping)].filter(
    (one) => typeof one === 'number',
  );
  return said.length > 0 ? Math.max(...said) : unsaidCount(orderState, shown);
}

const finishedOnce = (shipping: Shipping | null): number | null =>
  shipping === null || shipping.finishShipping === null ? null : Number(shipping.finishShipping);

/** A payment that WeChat calls shipped counts as finished: taken for open, it would be shipped again and lose its chance (P5). */
function unsaidCount(orderState: number | null, shown: Shipping | null): number {
  if (orderState === toShip) return 0;
  return orderState === shippedState || shown !== null ? 1 : 0;
}

/** A member that is not shown cannot be called equal, and a write that changes it spends the chance (wechat.md §1.1 b). */
const isOtherKind = (content: Content, shown: Shipping): boolean =>
  shown.deliveryMode !== content.delivery_mode || shown.logisticsType !== content.logistics_type;

/** Whether two uploads of ours differ in what WeChat counts as re-shipping when it changes. */
export const isOtherKindThan = (left: Content, right: Content): boolean =>
  left.delivery_mode !== right.delivery_mode || left.logistics_type !== right.logistics_type;

/** Whether two uploads of a payment say the same, whichever key names it. */
export const isSameContent = (left: Content, right: Content): boolean =>
  !isOtherKindThan(left, right) &&
  finishes(left) === finishes(right) &&
  isDeepStrictEqual(left.shipping_list, right.shipping_list);

/** Whether `later` leaves out a parcel of `earlier`. A text that was changed is another parcel only where it has no number. */
export const takesBack = (later: Content, earlier: Content): boolean =>
  earlier.shipping_list.some((parcel) =>
    later.shipping_list.every((one) => parcelName(one) !== parcelName(parcel)),
  );

const parcelName = (parcel: Parcel): string =>
  JSON.stringify(
    parcel.tracking_no === undefined ? [parcel.item_desc] : [parcel.tracking_no, parcel.express_company],
  );

/**
 * Every parcel of ours is there, and nothing else; both are finished or neither is. A finished payment may show
 * parcels of our own earlier, unfinished uploads beside them.
 */
function carries(
  content: Content,
  { shown, count }: { shown: Shipping; count: number },
  earlier: readonly Content[],
): boolean {
  if (finishes(content) !== count >= 1) return false;
  const shownParcels = parcelsOf(shown);
  const isShown = (parcel: Parcel): boolean => shownParcels.some((one) => isParcel(one, parcel, content));
  const isIn = (list: readonly Parcel[], one: ShownParcel): boolean =>
    list.some((parcel) => isParcel(one, parcel, content));
  const merged = count >= 1 ? earlier.filter((one) => !finishes(one)) : [];
  return (
    content.shipping_list.every(isShown) &&
    shownParcels.every(
      (one) => isIn(content.shipping_list, one) || merged.some((before) => isIn(before.shipping_list, one)),
    )
  );
}

type ShownParcel = Pick<Shipping['parcels'][number], 'trackingNo' | 'expressCompany' | 'itemDesc'>;

/**
 * Goods without a parcel may be shown by the text of the whole shipment alone, or without one. No express parcel of ours
 * is equal to that: each has a number.
 */
const parcelsOf = (shown: Shipping): readonly ShownParcel[] =>
  shown.parcels.length === 0
    ? [{ trackingNo: null, expressCompany: null, itemDesc: shown.goodsDesc }]
    : shown.parcels;

/** Only express parcels have numbers; for same-city WeChat shows a company *name*. A text that is not shown is not compared. */
const isParcel = (one: ShownParcel, ours: Parcel, { logistics_type: type }: Content): boolean =>
  (type !== express ||
    (one.trackingNo === ours.tracking_no && one.expressCompany === ours.express_company)) &&
  (one.itemDesc === null || one.itemDesc === '' || one.itemDesc === ours.item_desc);
