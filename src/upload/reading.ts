import type { Verdict } from './content.ts';
import type { LeasedRow, Transition } from './row.ts';
import type { Context } from './timing.ts';

/**
 * What get_order answered; `absent` is 10060001, `failed` is no answer that could be used. `blameless` says that the read
 * did not fail for this payment: it was not sent, or the token, a quota or the account stood in its way.
 */
export type Reading =
  /** `shipped`: WeChat holds something for the payment, whatever it is. */
  | { kind: 'verdict'; verdict: Verdict; shipped: boolean }
  | { kind: 'absent' }
  | { kind: 'failed'; reason: string; blameless: boolean };

/** Only a correction writes to what is finished or of another kind, and only while the chance is there (P5). */
export const mayRewrite = (row: LeasedRow, count: number): boolean => row.kind === 'corrected' && count < 2;

/** A day of waiting (a pause, an outage) is not a day of trying: both are asked for before a person is. */
const failedReadsToGiveUp = 10;

/** Counted from the first of the reads that failed one after the other, not from the event's arrival. */
export function isUnreadable(row: LeasedRow, { nowMs, timing }: Context): boolean {
  if (row.unreadSinceMs === null || row.failedReads < failedReadsToGiveUp - 1) return false;
  return nowMs - row.unreadSinceMs > timing.unreadableAfterMs;
}

export const unreadable = (detail: string): Transition => ({
  to: 'parked',
  reason: 'unreadable',
  detail,
  retryAfterMs: null,
});

type Conflict = { kind: 'other_kind' | 'finished' | 'kept'; count: number };

const conflictDetails: Record<Conflict['kind'], string> = {
  other_kind:
    'WeChat holds this payment with another delivery_mode or logistics_type, and a change spends its re-ship chance: send a correction event, or resolve it by hand',
  kept: 'WeChat merges parcel lists and keeps a parcel that this event takes back: only the console can remove it',
  finished:
    'WeChat holds other content for this finished payment: send a correction event, or resolve it by hand',
};

export const conflict = ({ kind, count }: Conflict): Transition => ({
  to: 'parked',
  reason: 'conflict',
  detail:
    count >= 2
      ? 'WeChat holds other content and the re-ship chance is spent: only the console shows what the buyer sees'
      : conflictDetails[kind],
  retryAfterMs: null,
});

export function nothingToShip(
  verdict: Extract<Verdict, { kind: 'refunded' | 'settled' | 'closed' }>,
): Transition {
  switch (verdict.kind) {
    case 'refunded':
      return { to: 'rejected', detail: 'the payment was refunded: nothing is to be shipped' };
    case 'settled':
      return {
        to: 'rejected',
        detail: 'already settled: WeChat completed this virtual order itself, nothing is to be shipped',
      };
    case 'closed':
      return {
        to: 'parked',
        reason: 'not_shippable',
        detail: `WeChat takes no shipping for this payment (order_state ${verdict.orderState})`,
        retryAfterMs: null,
      };
  }
}
