import type { Shipping } from './payment.ts';

/** How far a payment's money is. `orderState`: 1 to ship, 2 shipped, 3 confirmed, 6 awaiting settlement, 4 complete, 5 refunded. */
export type Settlement = {
  orderState: number;
  shipping: Shipping | null;
  /** When its shipping was last complete. */
  shippedAtMs: number | null;
  /** The automatic receipt, if nobody confirms before. */
  expectedSettlementAtMs: number | null;
  confirmedAtMs: number | null;
  /** As pushes carry it: observed 1 by the buyer, 2 automatic (wechat.md §4). */
  confirmMethod: number | null;
  settledAtMs: number | null;
  /** When the shop gave the money back; WeChat's state follows a day later. */
  refundedAtMs: number | null;
};

/** What a clock does: to `orderState` at `atMs`, and the members that change with it. */
export type Move = Partial<Settlement> & { atMs: number; orderState: number };

const express = 1;
const automatic = 2;
const expressDays = 10;
const otherDays = 2;
const refundDays = 1;
/** From the receipt to "awaiting settlement", and from there to the end: a minute each where a day is a day. */
const stepsPerDay = 1_440;

/** From the shipping to the automatic receipt: T+10 for express, T+2 for what has no carrier (wechat.md §6.13). */
export const receiptAfterMs = (logisticsType: number, dayMs: number): number =>
  (logisticsType === express ? expressDays : otherDays) * dayMs;

/** What the clocks do next with a payment, in the past or to come; null where nothing is due. Pure. */
export function nextMove(payment: Settlement, dayMs: number): Move | null {
  const { orderState, refundedAtMs } = payment;
  if (refundedAtMs === null) return nextSettling(payment, dayMs);
  return orderState === 5 ? null : { atMs: refundedAtMs + refundDays * dayMs, orderState: 5 };
}

function nextSettling(
  { orderState, expectedSettlementAtMs: atMs, confirmedAtMs }: Settlement,
  dayMs: number,
): Move | null {
  const stepMs = Math.ceil(dayMs / stepsPerDay);
  if (orderState === 2 && atMs !== null) {
    return { atMs, orderState: 3, confirmedAtMs: atMs, confirmMethod: automatic };
  }
  if (confirmedAtMs === null) return null;
  if (orderState === 3) return { atMs: confirmedAtMs + stepMs, orderState: 6 };
  const settledAtMs = confirmedAtMs + 2 * stepMs;
  return orderState === 6 ? { atMs: settledAtMs, orderState: 4, settledAtMs } : null;
}
