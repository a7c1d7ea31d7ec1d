/** Which payment, as an event and the upload call name it (wechat.md §1.1). */
export type OrderKey =
  | {
      order_number_type: 2;
      /** WeChat Pay's own number of the payment, from the payment notification: 1 to 64 of `0-9 A-Z a-z _ -`. */
      transaction_id: string;
    }
  | {
      order_number_type: 1;
      /** The merchant number: 1 to 32 of `0-9 A-Z a-z _ -`. */
      mchid: string;
      /** The merchant's own number of the order: 1 to 64 of `0-9 A-Z a-z _ - *`. */
      out_trade_no: string;
    };

/** The same payment as `get_order` names it (wechat.md §1.3). */
export type ReadKey = { transaction_id: string } | { merchant_id: string; merchant_trade_no: string };

/**
 * A payment within its app as one text: key of the Kafka message, column of the tables, argument of the commands. No
 * part of a key may hold a colon. `fahuo.payment_key` is the same formula in SQL.
 */
export const paymentOf = (key: OrderKey): string =>
  key.order_number_type === 2 ? key.transaction_id : merchantPayment(key.mchid, key.out_trade_no);

export const merchantPayment = (mchid: string, outTradeNo: string): string => `${mchid}:${outTradeNo}`;

/** The key that {@link paymentOf} made the text of. */
export function orderKeyOf(payment: string): OrderKey {
  const colon = payment.indexOf(':');
  return colon < 0
    ? { order_number_type: 2, transaction_id: payment }
    : { order_number_type: 1, mchid: payment.slice(0, colon), out_trade_no: payment.slice(colon + 1) };
}

export const readKeyOf = (key: OrderKey): ReadKey =>
  key.order_number_type === 2
    ? { transaction_id: key.transaction_id }
    : { merchant_id: key.mchid, merchant_trade_no: key.out_trade_no };

/** The payment that an unchecked key names all the same, whatever its type says; null where it names none. */
export function paymentIn(key: unknown): string | null {
  const { transaction_id: transaction, mchid, out_trade_no: trade } = Object(key) as Record<string, unknown>;
  if (typeof transaction === 'string') return transaction;
  return typeof mchid === 'string' && typeof trade === 'string' ? merchantPayment(mchid, trade) : null;
}
