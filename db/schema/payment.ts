import { sql } from 'drizzle-orm';
import { bigint, boolean, check, index, primaryKey, smallint, text } from 'drizzle-orm/pg-core';
import { fahuo, instant } from './columns.ts';

/**
 * What WeChat has told of a payment, by its reads and its pushes, whether an event of ours names it or not. Each column
 * is null until it was told; what was told once is not forgotten by a later word that leaves it out.
 */
export const payment = fahuo.table(
  'payment',
  {
    appid: text('appid').notNull(),
    transactionId: text('transaction_id').notNull(),
    mchid: text('mchid'),
    subMchid: text('sub_mchid'),
    outTradeNo: text('out_trade_no'),
    openid: text('openid'),
    /** What the buyer paid, in fen. */
    amountFen: bigint('amount_fen', { mode: 'number' }),
    paidAt: instant('paid_at'),
    /** 1 to ship, 2 shipped, 3 receipt confirmed, 6 awaiting settlement, 4 complete, 5 refunded: never an earlier one again. */
    orderState: smallint('order_state'),
    inComplaint: boolean('in_complaint'),
    /** 0 not finished, 1 finished, 2 the re-ship chance is spent. */
    finishCount: smallint('finish_count'),
    /** 1 express, 2 same city, 3 virtual, 4 pick-up: express settles later than the others. */
    logisticsType: smallint('logistics_type'),
    shippedAt: instant('shipped_at'),
    expectedSettlementAt: instant('expected_settlement_at'),
    /** As it came: observed 1 by the buyer, 2 automatic, the reverse of the documents (wechat.md §4). */
    confirmMethod: smallint('confirm_method'),
    confirmedAt: instant('confirmed_at'),
    settledAt: instant('settled_at'),
    /** When WeChat reminded of it: over 48 hours without a shipment. */
    remindedAt: instant('reminded_at'),
    /** When get_order or get_order_list showed it last; null: pushes alone told of it. */
    readAt: instant('read_at'),
    /** Nobody told that it was shipped in full, or more. */
    unshipped: boolean('unshipped').generatedAlwaysAs(
      sql`coalesce(order_state, 1) = 1 and shipped_at is null and confirmed_at is null and settled_at is null`,
    ),
    firstSeenAt: instant('first_seen_at')
      .notNull()
      .default(sql`clock_timestamp()`),
    updatedAt: instant('updated_at')
      .notNull()
      .default(sql`clock_timestamp()`),
  },
  (t) => [
    primaryKey({ columns: [t.transactionId, t.appid] }),
    index('payment_merchant')
      .on(t.mchid, t.outTradeNo)
      .where(sql`${t.outTradeNo} is not null`),
    index('payment_sub_merchant')
      .on(t.subMchid, t.outTradeNo)
      .where(sql`${t.subMchid} is not null`),
    // Few among many, and all that `fahuo money` joins with uploads.
    index('payment_unshipped')
      .on(t.appid, t.paidAt)
      .where(sql`${t.unshipped}`),
    index('payment_age').on(t.firstSeenAt),
    check('payment_state_known', sql`${t.orderState} between 1 and 6`),
  ],
);
