import type { Queryable } from '../../db/client.ts';

/**
 * What WeChat told of a payment, by a read or a push; a member that is absent was not told. `transactionId` names it: what
 * was told without one is looked up by the merchant's numbers first.
 */
export type Facts = {
  appid: string;
  transactionId: string;
  mchid?: string | undefined;
  subMchid?: string | undefined;
  outTradeNo?: string | undefined;
  openid?: string | undefined;
  amountFen?: number | undefined;
  paidAt?: Date | undefined;
  /** 1 to 6 (wechat.md §1.3). */
  orderState?: number | undefined;
  /** Every read tells it, and no push. */
  inComplaint?: boolean | undefined;
  finishCount?: number | undefined;
  logisticsType?: number | undefined;
  shippedAt?: Date | undefined;
  expectedSettlementAt?: Date | undefined;
  confirmMethod?: number | undefined;
  confirmedAt?: Date | undefined;
  settledAt?: Date | undefined;
  remindedAt?: Date | undefined;
  /** When a read showed it; absent for a push. */
  readAt?: Date | undefined;
};

/** Whatever arrives last: to ship, shipped, confirmed, awaiting settlement, complete, refunded. */
const stateOrder = `array[1, 2, 3, 6, 4, 5]`;
const rank = (state: string): string => `coalesce(array_position(${stateOrder}, ${state}::int), 0)`;
const told = (column: string): string => `coalesce(excluded.${column}, p.${column})`;
/** What a read tells may be taken back by a later read, and not by an earlier one that comes late. */
const latest = (column: string): string =>
  `case when excluded.read_at >= coalesce(p.read_at, '-infinity') then coalesce(excluded.${column}, p.${column})
     else coalesce(p.${column}, excluded.${column}) end`;
const later = (column: string): string => `greatest(excluded.${column}, p.${column})`;

const columns = {
  mchid: 'text',
  sub_mchid: 'text',
  out_trade_no: 'text',
  openid: 'text',
  amount_fen: 'bigint',
  paid_at: 'timestamptz',
  order_state: 'smallint',
  in_complaint: 'boolean',
  finish_count: 'smallint',
  logistics_type: 'smallint',
  shipped_at: 'timestamptz',
  expected_settlement_at: 'timestamptz',
  confirm_method: 'smallint',
  confirmed_at: 'timestamptz',
  settled_at: 'timestamptz',
  reminded_at: 'timestamptz',
  read_at: 'timestamptz',
} as const;
type Column = keyof typeof columns;
const names = Object.keys(columns) as Column[];

const merged: Partial<Record<Column, string>> = {
  order_state: `case when ${rank('excluded.order_state')} > ${rank('p.order_state')} then excluded.order_state else p.order_state end`,
  in_complaint: latest('in_complaint'),
  finish_count: later('finish_count'),
  logistics_type: latest('logistics_type'),
};
const mergeOf = (column: Column): string =>
  merged[column] ?? (columns[column] === 'timestamptz' ? later(column) : told(column));

const valuesOf: Record<Column, (facts: Facts) => unknown> = {
  mchid: (facts) => facts.mchid,
  sub_mchid: (facts) => facts.subMchid,
  out_trade_no: (facts) => facts.outTradeNo,
  openid: (facts) => facts.openid,
  amount_fen: (facts) => facts.amountFen,
  paid_at: (facts) => facts.paidAt,
  order_state: (facts) => facts.orderState,
  in_complaint: (facts) => facts.inComplaint,
  finish_count: (facts) => facts.finishCount,
  logistics_type: (facts) => facts.logisticsType,
  shipped_at: (facts) => facts.shippedAt,
  expected_settlement_at: (facts) => facts.expectedSettlementAt,
  confirm_method: (facts) => facts.confirmMethod,
  confirmed_at: (facts) => facts.confirmedAt,
  settled_at: (facts) => facts.settledAt,
  reminded_at: (facts) => facts.remindedAt,
  read_at: (facts) => facts.readAt,
};

/**
 * Puts on record what WeChat told, by facts and not by arrival: in whatever order the same facts come, the row ends the
 * same. Each payment at most once a call. Resolves with the number of rows that changed.
 */
export async function recordFacts(db: Queryable, facts: readonly Facts[]): Promise<number> {
  if (facts.length === 0) return 0;
  const { rowCount } = await db.query(
    `insert into fahuo.payment as p (appid, transaction_id, ${names.join(', ')})
     select * from unnest($1::text[], $2::text[], ${names.map((name, at) => `$${at + 3}::${columns[name]}[]`).join(', ')}) t
     order by 2, 1
     on conflict (transaction_id, appid) do update set
       ${names.map((name) => `${name} = ${mergeOf(name)}`).join(',\n       ')}, updated_at = clock_timestamp()
     where (${names.map((name) => `p.${name}`).join(', ')}) is distinct from (${names.map(mergeOf).join(', ')})`,
    [
      facts.map((one) => one.appid),
      facts.map((one) => one.transactionId),
      ...names.map((name) => facts.map((one) => valuesOf[name](one) ?? null)),
    ],
  );
  return rowCount ?? 0;
}
