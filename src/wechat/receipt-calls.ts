import { z } from 'zod';

import { readKeyOf, type OrderKey } from '../shipment/payment.ts';
import type { Answer } from './answer.ts';
import { callWithToken, type CallDeps } from './call.ts';
import type { Outcome } from './outcome.ts';
import { bodyOf, failed, type Failed } from './replies.ts';

/** The calls about a parcel's way and its receipt. Every member resolves with a value and never rejects. */
export type ReceiptCalls = {
  /**
   * Reminds the buyer to confirm receipt: once per payment, express alone, when it is shipped (wechat.md §1.5). What the
   * answer means for the reminder is for src/receipt to say.
   */
  notifyConfirmReceive: (request: NotifyRequest, signal?: AbortSignal) => Promise<NotifyResult>;
  /** Has WeChat follow a parcel; a second call for its number gives the first one's goods (wechat.md §10). */
  traceWaybill: (request: TraceRequest, signal?: AbortSignal) => Promise<TraceResult>;
  /** Where a parcel is: 0 nothing known, 1 collected, 2 moving, 3 delivering, 4 signed, 5 trouble, 6 signed by proxy. */
  queryTrace: (appid: string, waybillToken: string, signal?: AbortSignal) => Promise<ParcelResult>;
};

export type NotifyRequest = {
  appid: string;
  key: OrderKey;
  /** Unix seconds; later than the shipping time. */
  receivedTime: number;
  /** Asked right before a request is put on the wire: false makes none. */
  mayCall?: () => boolean;
};
export type NotifyResult = { outcome: Outcome; answer: Answer };

export type TraceRequest = {
  appid: string;
  openid: string;
  /** In clear; it is kept in no answer. */
  receiverPhone: string;
  trackingNo: string;
  /** A delivery_id. */
  expressCompany: string;
  transactionId: string;
  goods: readonly { name: string; imageUrl: string }[];
  /** The page that a tap on the goods opens. */
  detailPath: string;
};
export type TraceResult = { kind: 'token'; token: string; answer: Answer } | Failed;
export type ParcelResult = { kind: 'parcel'; status: number; answer: Answer } | Failed;

export const notifyPath = '/wxa/sec/order/notify_confirm_receive';
export const tracePath = '/cgi-bin/express/delivery/open_msg/trace_waybill';
export const queryTracePath = '/cgi-bin/express/delivery/open_msg/query_trace';

export function createReceiptCalls(deps: CallDeps): ReceiptCalls {
  return {
    notifyConfirmReceive: async ({ appid, key, receivedTime, mayCall }, signal) => {
      const body = JSON.stringify({ ...readKeyOf(key), received_time: receivedTime });
      const { outcome, reply } = await callWithToken(
        deps,
        { appid, path: notifyPath, body, mayCall },
        signal,
      );
      return { outcome, answer: reply.answer };
    },
    traceWaybill: async (request, signal) => {
      const hide = [request.receiverPhone];
      const body = JSON.stringify(traceBody(request));
      const called = await callWithToken(deps, { appid: request.appid, path: tracePath, body, hide }, signal);
      const token = bodyOf(called, z.looseObject({ waybill_token: z.string().min(1) }))?.waybill_token;
      return token === undefined ? failed(called) : { kind: 'token', token, answer: called.reply.answer };
    },
    queryTrace: async (appid, waybillToken, signal) => {
      const body = JSON.stringify({ waybill_token: waybillToken });
      const called = await callWithToken(deps, { appid, path: queryTracePath, body }, signal);
      const status = bodyOf(called, parcelBody)?.waybill_info.status;
      return status === undefined ? failed(called) : { kind: 'parcel', status, answer: called.reply.answer };
    },
  };
}

const parcelBody = z.looseObject({ waybill_info: z.looseObject({ status: z.number().int() }) });

const traceBody = (request: TraceRequest): object => ({
  openid: request.openid,
  receiver_phone: request.receiverPhone,
  waybill_id: request.trackingNo,
  delivery_id: request.expressCompany,
  goods_info: {
    detail_list: request.goods.map(({ name, imageUrl }) => ({ goods_name: name, goods_img_url: imageUrl })),
  },
  trans_id: request.transactionId,
  order_detail_path: request.detailPath,
});
