import type { Facts } from '../payments/facts-store.ts';
import { cutText, storable } from '../text.ts';
import type { Order } from '../wechat/order.ts';
import type { HeldUpload } from './decide.ts';

export type NamedOrder = Order & { transactionId: string };

const nameShape = /^[0-9A-Za-z_-]{1,64}$/;

/** Whether WeChat names the payment, so that it can be put on record. Pure. */
export const isNamed = (order: Order): order is NamedOrder =>
  order.transactionId !== null && nameShape.test(order.transactionId);

const shippedState = 2;

/**
 * What a read tells of a payment. When it was shipped is when its last parcel was entered; where WeChat shows no parcel of a
 * shipped payment, our own upload says it. Pure.
 */
export function factsOf(
  order: NamedOrder,
  { appid, readAt, uploads }: { appid: string; readAt: Date; uploads: readonly HeldUpload[] },
): Facts {
  const { shipping } = order;
  const isShipped = (order.orderState ?? 0) >= shippedState && shipping !== null;
  return {
    appid,
    transactionId: order.transactionId,
    ...namesOf(order),
    amountFen: order.paidAmount ?? undefined,
    paidAt: instantOf(order.paidAt),
    orderState: isState(order.orderState) ? order.orderState : undefined,
    inComplaint: order.inComplaint ?? undefined,
    ...shippingFactsOf(order),
    shippedAt: isShipped ? shippedAtOf(order, uploads) : undefined,
    readAt,
  };
}

const namesOf = ({ merchantId, subMerchantId, outTradeNo, openid }: NamedOrder) => ({
  mchid: textOf(merchantId),
  subMchid: textOf(subMerchantId),
  outTradeNo: textOf(outTradeNo),
  openid: textOf(openid),
});

function shippingFactsOf({ shipping }: NamedOrder): Pick<Facts, 'finishCount' | 'logisticsType'> {
  const [count, type] = [shipping?.finishShippingCount, shipping?.logisticsType];
  return {
    finishCount: isCount(count) ? count : undefined,
    logisticsType: isCount(type) && type > 0 ? type : undefined,
  };
}

const textOf = (text: string | null): string | undefined =>
  text === null || text === '' ? undefined : storable(cutText(text, 128));

const instantOf = (seconds: number | null): Date | undefined =>
  seconds === null ? undefined : new Date(seconds * 1000);

const isState = (state: number | null): state is number => state !== null && state >= 1 && state <= 6;
const isCount = (count: number | null | undefined): count is number =>
  typeof count === 'number' && count >= 0 && count <= 9;

function shippedAtOf({ shipping }: Order, uploads: readonly HeldUpload[]): Date | undefined {
  const shown = (shipping?.parcels ?? []).flatMap(({ uploadTime }) => uploadTime ?? []);
  if (shown.length > 0) return instantOf(Math.max(...shown));
  const ours = uploads.flatMap(({ state, uploadedAt }) =>
    state === 'acknowledged' && uploadedAt !== null ? [uploadedAt.getTime()] : [],
  );
  return ours.length === 0 ? undefined : new Date(Math.max(...ours));
}

/** WeChat's shipping, as a person compares it; the phones in `contact` are left out. Pure. */
export const shownOf = ({ shipping }: Order): string | null =>
  shipping === null ? null : storable(cutText(JSON.stringify(shipping), 4_000));

/** Every name that an upload of this payment may have (wechat.md §6.8). Pure. */
export function keysOf({ transactionId, merchantId, subMerchantId, outTradeNo }: NamedOrder): string[] {
  if (outTradeNo === null || outTradeNo === '') return [transactionId];
  const merchants = [merchantId, subMerchantId].filter((one) => one !== null && one !== '');
  return [transactionId, ...new Set(merchants.map((mchid) => storable(`${mchid}:${outTradeNo}`)))];
}
