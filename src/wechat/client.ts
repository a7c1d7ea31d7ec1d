import { z } from 'zod';

import type { Clock } from '../clock.ts';
import { readKeyOf, type OrderKey } from '../shipment/payment.ts';
import { notSentAnswer, type Answer, type JsonObject, type Reply } from './answer.ts';
import type { CallUse, Http } from './http.ts';
import { parseOrder, type Order } from './order.ts';
import { classifyUpload, isTokenErrcode, type Outcome } from './outcome.ts';
import { withUploadTime } from './render.ts';
import type { TokenSource } from './token.ts';

export type { Order, Parcel, Shipping } from './order.ts';

/**
 * WeChat's order-shipping API. Every member resolves with a value and never rejects; a refused token is renewed and
 * the call made once more. Nothing is limited here: the caller takes from the budget first.
 */
export type WechatClient = {
  /** Sends a frozen body (without `upload_time`) with this `upload_time`; wechat.md §1.1. */
  upload: (request: UploadRequest, signal?: AbortSignal) => Promise<UploadResult>;
  /** Reads one payment; wechat.md §1.3. */
  getOrder: (request: { appid: string; key: OrderKey }, signal?: AbortSignal) => Promise<ReadResult>;
  /** One page of payments; wechat.md §1.4. */
  listOrders: (request: ListRequest, signal?: AbortSignal) => Promise<ListResult>;
  /** The quota of one path, for example `/wxa/sec/order/upload_shipping_info`; wechat.md §2.3. */
  getQuota: (appid: string, cgiPath: string, signal?: AbortSignal) => Promise<QuotaResult>;
  /** The carriers that WeChat knows, id → name; wechat.md §5. */
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
export type UploadResult = { outcome: Outcome; answer: Answer };
export type Failed = { kind: 'failed'; outcome: Outcome; answer: Answer };
export type ReadResult =
  { kind: 'order'; order: Order; answer: Answer } | { kind: 'absent'; answer: Answer } | Failed;
export type ListRequest = {
  appid: string;
  /** Unix seconds, both ends inclusive. */
  payTime?: { begin: number; end: number };
  orderState?: number;
  openid?: string;
  lastIndex?: string;
  pageSize?: number;
};
export type ListResult =
  { kind: 'page'; orders: Order[]; hasMore: boolean; lastIndex: string | null; answer: Answer } | Failed;
export type QuotaResult =
  | {
      kind: 'quota';
      dailyLimit: number;
      used: number;
      remain: number;
      /** `callCount` calls in `refreshSecond` seconds. */
      rateLimit: { callCount: number; refreshSecond: number } | null;
      answer: Answer;
    }
  | Failed;
export type DeliveryListResult =
  { kind: 'list'; carriers: ReadonlyMap<string, string>; answer: Answer } | Failed;

export type WechatClientDeps = { http: Http; tokens: TokenSource; clock: Clock };

export const uploadPath = '/wxa/sec/order/upload_shipping_info';
export const getOrderPath = '/wxa/sec/order/get_order';
const listOrdersPath = '/wxa/sec/order/get_order_list';
const quotaPath = '/cgi-bin/openapi/quota/get';
const deliveryListPath = '/cgi-bin/express/delivery/open_msg/get_delivery_list';

export function createWechatClient(deps: WechatClientDeps): WechatClient {
  const call = (appid: string, path: string, body: string, signal?: AbortSignal): Promise<Called> =>
    callWithToken(deps, { appid, path, body }, signal);
  return {
    upload: async ({ appid, body, uploadTime, mayCall }, signal) => {
      const request = { appid, path: uploadPath, body: withUploadTime(body, uploadTime), mayCall };
      const { outcome, reply } = await callWithToken(deps, request, signal);
      return { outcome, answer: reply.answer };
    },
    getOrder: async ({ appid, key }, signal) =>
      readOrder(await call(appid, getOrderPath, JSON.stringify(readKeyOf(key)), signal)),
    listOrders: async (request, signal) =>
      readPage(await call(request.appid, listOrdersPath, JSON.stringify(listBody(request)), signal)),
    getQuota: async (appid, cgiPath, signal) =>
      readQuota(await call(appid, quotaPath, JSON.stringify({ cgi_path: cgiPath }), signal)),
    getDeliveryList: async (appid, signal) =>
      readDeliveryList(await call(appid, deliveryListPath, '{}', signal)),
    close: () => deps.http.close(),
  };
}

type Called = { outcome: Outcome; reply: Reply };

const notCalled: Called = {
  outcome: { kind: 'unknown', reason: 'not sent: the lease could have ended before the call', notSent: true },
  reply: { answer: notSentAnswer('aborted', 0), json: null },
};

/** A refused token means that the call itself was not looked at (wechat.md §2.2), so repeating it once is safe. */
async function callWithToken(
  { http, tokens, clock }: WechatClientDeps,
  request: { appid: string; path: string; body: string; mayCall?: (() => boolean) | undefined },
  signal?: AbortSignal,
): Promise<Called> {
  for (let attempt = 1; ; attempt += 1) {
    const token = await tokens.current(request.appid, signal);
    if (token.kind === 'unavailable')
      return { outcome: token.outcome, reply: { answer: token.answer, json: null } };
    if (request.mayCall?.() === false) return notCalled;
    const query = { access_token: token.value };
    const of = { appid: request.appid, use: useOf(request.path) };
    const reply = await http.call({ of, path: request.path, query, body: request.body }, signal);
    const refused = isTokenErrcode(reply.answer.errcode);
    if (refused) await tokens.failed(request.appid, token);
    // A negative code is WeChat's own trouble, and proves nothing about the token.
    else if ((reply.answer.errcode ?? -1) >= 0) tokens.worked(request.appid, token);
    if (!refused || attempt === 2) return { outcome: classifyUpload(reply.answer, clock()), reply };
  }
}

/** A quota is asked while uploads and reads may hang: it goes with the tokens. */
const useOf = (path: string): CallUse =>
  path === uploadPath ? 'upload' : path === quotaPath ? 'token' : 'read';

function readOrder({ outcome, reply }: Called): ReadResult {
  const { answer } = reply;
  if (outcome.kind === 'not_yet_visible') return { kind: 'absent', answer };
  const order = outcome.kind === 'accepted' ? parseOrder(reply.json?.['order']) : null;
  return order === null ? failed({ outcome, reply }) : { kind: 'order', order, answer };
}

const page = z.looseObject({
  order_list: z.array(z.unknown()).nullish(),
  has_more: z.boolean().nullish(),
  last_index: z.string().nullish().catch(null),
});

function readPage(called: Called): ListResult {
  const body = bodyOf(called, page);
  if (body === null) return failed(called);
  const orders = (body.order_list ?? []).map(parseOrder).filter((order) => order !== null);
  return {
    kind: 'page',
    orders,
    hasMore: body.has_more ?? false,
    lastIndex: body.last_index ?? null,
    answer: called.reply.answer,
  };
}

const quotaBody = z.looseObject({
  quota: z.looseObject({ daily_limit: z.number(), used: z.number(), remain: z.number() }),
  rate_limit: z.looseObject({ call_count: z.number(), refresh_second: z.number() }).nullish().catch(null),
});

function readQuota(called: Called): QuotaResult {
  const body = bodyOf(called, quotaBody);
  if (body === null) return failed(called);
  const { daily_limit: dailyLimit, used, remain } = body.quota;
  const rate = body.rate_limit ?? null;
  const rateLimit = rate === null ? null : { callCount: rate.call_count, refreshSecond: rate.refresh_second };
  return { kind: 'quota', dailyLimit, used, remain, rateLimit, answer: called.reply.answer };
}

const deliveryList = z.looseObject({
  delivery_list: z.array(z.looseObject({ delivery_id: z.string(), delivery_name: z.string() })).min(1),
});

function readDeliveryList(called: Called): DeliveryListResult {
  const body = bodyOf(called, deliveryList);
  if (body === null) return failed(called);
  const carriers = new Map(body.delivery_list.map((carrier) => [carrier.delivery_id, carrier.delivery_name]));
  return { kind: 'list', carriers, answer: called.reply.answer };
}

function bodyOf<T>({ outcome, reply }: Called, shape: z.ZodType<T>): T | null {
  if (outcome.kind !== 'accepted') return null;
  const parsed = shape.safeParse(reply.json satisfies JsonObject | null);
  return parsed.success ? parsed.data : null;
}

/** A success whose body is not what it should be is no success: nothing is known. */
const failed = ({ outcome, reply: { answer } }: Called): Failed => ({
  kind: 'failed',
  outcome:
    outcome.kind === 'accepted'
      ? { kind: 'unknown', reason: 'answer without the expected members' }
      : outcome,
  answer,
});

const listBody = (request: ListRequest): object => ({
  ...(request.payTime === undefined
    ? {}
    : { pay_time_range: { begin_time: request.payTime.begin, end_time: request.payTime.end } }),
  ...(request.orderState === undefined ? {} : { order_state: request.orderState }),
  ...(request.openid === undefined ? {} : { openid: request.openid }),
  ...(request.lastIndex === undefined ? {} : { last_index: request.lastIndex }),
  ...(request.pageSize === undefined ? {} : { page_size: request.pageSize }),
});
