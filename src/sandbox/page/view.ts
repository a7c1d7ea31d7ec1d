import type { FaultRule } from '../faults.ts';
import type { RecentRequest } from '../service.ts';
import type { Payment, World } from '../world.ts';

/** What a page shows: the newest payments that are looked for, and how many more there are. */
export type PageView = {
  url: string;
  find: string;
  nowMs: number;
  counts: { payments: number; effects: string; requests: number; faults: number; tokens: number };
  payments: readonly Payment[];
  /** The last requests, newest first; bodies may hold secrets, and only the payment that one names is shown. */
  recent: readonly RecentRequest[];
  /** Found, and not among `payments`. */
  more: number;
  rules: readonly FaultRule[];
  /** The paths below /_sandbox/ that this sandbox has, and what it can be told of a payment. */
  verbs: readonly string[];
};

const shownPayments = 100;

/** The newest first. A payment is found by any part of its names, its buyer, or a tracking number. Pure. */
export function findPayments(world: World, find: string): Pick<PageView, 'payments' | 'more'> {
  const wanted = find.trim().toLowerCase();
  const found: Payment[] = [];
  for (const payment of world.payments.values())
    if (wanted === '' || textOf(payment).includes(wanted)) found.push(payment);
  const payments = found.slice(-shownPayments).reverse();
  return { payments, more: found.length - payments.length };
}

const textOf = ({ transactionId, mchid, outTradeNo, openid, shipping }: Payment): string =>
  [
    transactionId,
    `${mchid}:${outTradeNo}`,
    openid ?? '',
    ...(shipping?.parcels ?? []).map(({ trackingNo }) => trackingNo),
  ]
    .join('\n')
    .toLowerCase();
