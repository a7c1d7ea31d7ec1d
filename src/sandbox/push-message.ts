import { originalId, type Members } from './push-envelope.ts';
import type { Payment } from './world.ts';

/** What WeChat's order service pushes of a payment (wechat.md §4). */
export const paymentPushes = ['shipped', 'settled', 'remind_shipping'] as const;
export type PaymentPush = (typeof paymentPushes)[number];

const seconds = (ms: number | null): number => (ms === null ? 0 : Math.floor(ms / 1_000));

/** The members of every message. */
export const headOf = (event: string, nowMs: number): Members => ({
  ToUserName: originalId,
  FromUserName: 'oSandboxOfWechat',
  CreateTime: seconds(nowMs),
  MsgType: 'event',
  Event: event,
});

/** The message of a payment as it stands now. Pure. */
export function messageOf(payment: Payment, push: PaymentPush, nowMs: number): Members {
  const names = {
    transaction_id: payment.transactionId,
    merchant_id: payment.mchid,
    sub_merchant_id: '',
    merchant_trade_no: payment.outTradeNo,
    pay_time: seconds(payment.paidAtMs),
  };
  if (push === 'remind_shipping')
    return {
      ...headOf('trade_manage_remind_shipping', nowMs),
      ...names,
      msg: '订单超过48小时未发货，请尽快录入发货信息',
    };
  const common = {
    ...headOf('trade_manage_order_settlement', nowMs),
    ...names,
    shipped_time: seconds(payment.shippedAtMs),
  };
  if (push === 'shipped')
    return { ...common, estimated_settlement_time: seconds(payment.expectedSettlementAtMs) };
  return {
    ...common,
    confirm_receive_method: payment.confirmMethod ?? 0,
    confirm_receive_time: seconds(payment.confirmedAtMs),
    settlement_time: seconds(payment.settledAtMs),
  };
}
