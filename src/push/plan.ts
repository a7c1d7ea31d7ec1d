import type { Facts } from '../payments/facts-store.ts';
import { factsOf, REMIND_SHIPPING, SETTLEMENT, warnings } from './event.ts';
import { merchantName, type MerchantName, type Named, type WaitingRow } from './row.ts';

/** What becomes of rows of the inbox. */
export type Plan = {
  facts: Facts[];
  /** Payments that WeChat reminded of: they are compared with it soon. */
  wishes: Named[];
  /** Payments whose money is there. */
  settled: Named[];
  warnings: WaitingRow[];
  applied: { id: number; failure: string | null }[];
  delayed: { id: number; failure: string }[];
  /** Another row of the same payment goes first; the next step takes these. */
  left: number;
};

/** The merchant's numbers that must be looked up before {@link planApply}. Pure. */
export const namesToFind = (rows: readonly WaitingRow[]): MerchantName[] =>
  rows.flatMap((row) => (isOfPayment(row) && row.transactionId === null ? merchantOf(row) : []));

const isOfPayment = ({ event }: WaitingRow): boolean => event === SETTLEMENT || event === REMIND_SHIPPING;

const merchantOf = ({ appid, mchid, outTradeNo }: WaitingRow): MerchantName[] =>
  mchid === null || outTradeNo === null ? [] : [{ appid, mchid, outTradeNo }];

/** One row of a payment at a time: a statement writes each payment once. `found` is by {@link merchantName}. Pure. */
export function planApply(rows: readonly WaitingRow[], found: ReadonlyMap<string, string>): Plan {
  const plan: Plan = { facts: [], wishes: [], settled: [], warnings: [], applied: [], delayed: [], left: 0 };
  const seen = new Set<string>();
  for (const row of rows) {
    if (!isOfPayment(row)) {
      addOther(plan, row);
      continue;
    }
    const [name] = merchantOf(row);
    const transactionId = row.transactionId ?? (name && found.get(merchantName(name)));
    if (transactionId === undefined) addUnnamed(plan, row, name);
    else if (seen.has(`${row.appid} ${transactionId}`)) plan.left += 1;
    else {
      seen.add(`${row.appid} ${transactionId}`);
      addFacts(plan, row, { appid: row.appid, transactionId });
    }
  }
  return plan;
}

function addOther(plan: Plan, row: WaitingRow): void {
  const isWarning = warnings.some((event) => event === row.event);
  if (isWarning) plan.warnings.push(row);
  plan.applied.push({ id: row.id, failure: isWarning ? null : 'it tells nothing that fahuo keeps' });
}

function addUnnamed(plan: Plan, { id }: WaitingRow, name: MerchantName | undefined): void {
  if (name === undefined) plan.applied.push({ id, failure: 'it names no payment' });
  else {
    const payment = `${name.mchid}:${name.outTradeNo}`;
    plan.delayed.push({ id, failure: `no transaction is known for ${payment}: a read of it will tell` });
  }
}

function addFacts(plan: Plan, row: WaitingRow, payment: Named): void {
  const facts = factsOf(row, payment, row.receivedAt);
  plan.facts.push(facts);
  plan.applied.push({ id: row.id, failure: null });
  if (row.event === REMIND_SHIPPING) plan.wishes.push(payment);
  if (facts.settledAt !== undefined) plan.settled.push(payment);
}
