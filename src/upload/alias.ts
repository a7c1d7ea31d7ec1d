import type { Order } from '../wechat/order.ts';
import type { Alias } from './alias-store.ts';
import { merchantPayment } from '../shipment/payment.ts';
import { contentOf } from './content.ts';
import type { LeasedRow } from './row.ts';

/**
 * What a read tells about the keys of a row's payment; null when nobody asks. A row under `mchid:out_trade_no` learns
 * its transaction, or that none was told. A transaction learns its other key only where it may have one with rows.
 * Which of two merchants `mchid` means is open (wechat.md §6.8), so both are taken. Pure.
 */
export function aliasOf(
  row: Pick<LeasedRow, 'appid' | 'payment' | 'body' | 'loose'>,
  order: Order,
): Alias | null {
  const transactionId = order.transactionId === '' ? null : order.transactionId;
  if (contentOf(row.body).order_key.order_number_type === 1)
    return { appid: row.appid, payments: [row.payment], transactionId, always: true };
  const { outTradeNo } = order;
  if (!row.loose || outTradeNo === null || outTradeNo === '') return null;
  const merchants = new Set([order.merchantId, order.subMerchantId]);
  const payments = [...merchants].flatMap((mchid) =>
    mchid === null || mchid === '' ? [] : [merchantPayment(mchid, outTradeNo)],
  );
  return { appid: row.appid, payments, transactionId: row.payment, always: false };
}
