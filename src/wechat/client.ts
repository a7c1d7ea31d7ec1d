import type { Answer } from './answer.ts';
import { callWithToken, getOrderPath, quotaPath, uploadPath, type CallDeps, type Called } from './call.ts';
import { readKeyOf, type OrderKey } from '../shipment/payment.ts';
import type { Outcome } from './outcome.ts';
import { createReceiptCalls, type ReceiptCalls } from './receipt-calls.ts';
import { withUploadTime } from './render.ts';
import { createShopCalls, type ShopCalls } from './shop-calls.ts';
import {
  readDeliveryList,
  readOrder,
  readPage,
  readQuota,
  type DeliveryListResult,
  type ListResult,
  type OrderResult,
  type QuotaResult,
} from './replies.ts';

export type { Order, Parcel, Shipping } from './order.ts';
export type { DeliveryListResult, Failed, ListResult, OrderResult, QuotaResult } from './replies.ts';
export { getOrderPath, uploadPath } from './call.ts';

/**
 * WeChat's order-shipping API. Every member resolves with a value and never rejects; a refused token is renewed and
 * the call made once more. Nothing is limited here: the caller takes from the budget first.
 */
export type WechatClient = ShopCalls &
  ReceiptCalls & {
    /** Sends a frozen body (without `upload_time`) with this `upload_time`; wechat.md §1.1. */
    upload: (request: UploadRequest, signal?: AbortSignal) => Promise<UploadResult>;
    /**
     * Several payments of one combined payment in one call, whose `body` has `sub_orders`; wechat.md §1.2. No success of it is
     * known, and the plain call for each of them is (§6.10): nothing of fahuo makes this call. Each part has its own
     * re-ship chance, so an answer says nothing of a part: get_order of each does.
     */
    uploadCombined: (request: UploadRequest, signal?: AbortSignal) => Promise<UploadResult>;
    /** Reads one payment; wechat.md §1.3. */
    getOrder: (request: { appid: string; key: OrderKey }, signal?: AbortSignal) => Promise<ReadResult>;
    /** One page of payments; wechat.md §1.4. */
    listOrders: (request: ListRequest, signal?: AbortSignal) => Promise<ListResult>;
    /** The quota of one path, for example `/wxa/sec/order/upload_shipping_info`; wechat.md §2.3. */
    getQuota: (appid: string, cgiPath: string, signal?: AbortSignal) => Promise<QuotaResult>;
    /** The carriers that WeChat knows; wechat.md §5. */
    getDeliveryList: (appid: string, signal?: AbortSignal) => Promise<DeliveryListResult>;
    /** Lets calls under way end. */
    close: () => Promise<void>;
  };

export type UploadRequest = {
  appid: string;
  body: string;
  uploadTime: Date;
  /** Asked right before a call is put on the wire, after each wait for a token: false makes none. */
  mayCall?: () => boolean;
};
/** `refused`: the answer to the first request, where WeChat refused its token and `answer` is the second one's. */
type Refused = { refused: Answer | null };
export type UploadResult = { outcome: Outcome; answer: Answer } & Refused;
export type ReadResult = OrderResult & Refused;
export type ListRequest = {
  appid: string;
  /** Unix seconds, both ends inclusive. */
  payTime?: { begin: number; end: number };
  orderState?: number;
  openid?: string;
  lastIndex?: string;
  pageSize?: number;
};
export type WechatClientDeps = CallDeps;

const combinedPath = '/wxa/sec/order/upload_combined_shipping_info';
export const listOrdersPath = '/wxa/sec/order/get_order_list';
export const deliveryListPath = '/cgi-bin/express/delivery/open_msg/get_delivery_list';

export function createWechatClient(deps: WechatClientDeps): WechatClient {
  const call = (appid: string, path: string, body: string, signal?: AbortSignal): Promise<Called> =>
    callWithToken(deps, { appid, path, body }, signal);
  const uploadTo =
    (path: string): WechatClient['upload'] =>
    async ({ appid, body, uploadTime, mayCall }, signal) => {
      const request = { appid, path, body: withUploadTime(body, uploadTime), mayCall };
      const { outcome, reply, refused } = await callWithToken(deps, request, signal);
      return { outcome, answer: reply.answer, refused };
    };
  return {
    ...createShopCalls(deps),
    ...createReceiptCalls(deps),
    upload: uploadTo(uploadPath),
    uploadCombined: uploadTo(combinedPath),
    getOrder: async ({ appid, key }, signal) => {
      const called = await call(appid, getOrderPath, JSON.stringify(readKeyOf(key)), signal);
      return { ...readOrder(called), refused: called.refused };
    },
    listOrders: async (request, signal) =>
      readPage(await call(request.appid, listOrdersPath, JSON.stringify(listBody(request)), signal)),
    getQuota: async (appid, cgiPath, signal) =>
      readQuota(await call(appid, quotaPath, JSON.stringify({ cgi_path: cgiPath }), signal)),
    getDeliveryList: async (appid, signal) =>
      readDeliveryList(await call(appid, deliveryListPath, '{}', signal)),
    close: () => deps.http.close(),
  };
}

const listBody = (request: ListRequest): object => ({
  ...(request.payTime === undefined
    ? {}
    : { pay_time_range: { begin_time: request.payTime.begin, end_time: request.payTime.end } }),
  ...(request.orderState === undefined ? {} : { order_state: request.orderState }),
  ...(request.openid === undefined ? {} : { openid: request.openid }),
  ...(request.lastIndex === undefined ? {} : { last_index: request.lastIndex }),
  ...(request.pageSize === undefined ? {} : { page_size: request.pageSize }),
});
