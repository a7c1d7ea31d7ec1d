import type { FindingKind, UploadKind, UploadState } from '../../db/states.ts';
import { compare, contentOf } from '../upload/content.ts';
import type { Order } from '../wechat/order.ts';

/** An upload of the payment, under whichever of its keys. */
export type HeldUpload = {
  id: number;
  version: number;
  kind: UploadKind;
  state: UploadState;
  /** A person ended it, who has seen what WeChat shows. */
  resolved: boolean;
  /** Of an acknowledged one; null of any other. */
  body: string | null;
  uploadedAt: Date | null;
};

/**
 * Where the events of a payment without uploads are. `none`: nothing names it. `under_way`: in the outbox or the topic.
 * `lost`: consumed, and nothing is left of it. `ended`: refused at a door, a dead letter, or forgotten.
 */
export type EventPlace = 'none' | 'under_way' | 'lost' | 'ended';

/** What we hold of a payment. */
export type Held = { uploads: readonly HeldUpload[]; event: EventPlace };

export type Contradiction = { kind: FindingKind; uploadId: number | null };

/** How a payment stands, for the count of a listing. */
export const standings = ['to_ship', 'unknown_here', 'shipped', 'confirmed', 'settled', 'refunded'] as const;
export type Standing = (typeof standings)[number];

const openStates: readonly UploadState[] = ['pending', 'uploading', 'unknown', 'parked'];
const toShip = 1;
const refunded = 5;

/** By WeChat's order_state (wechat.md §1.3). */
const shippedStandings: Readonly<Record<number, Standing>> = {
  2: 'shipped',
  3: 'confirmed',
  6: 'confirmed',
  4: 'settled',
  [refunded]: 'refunded',
};

/** What WeChat shows of a payment and what we hold, together. Pure. */
export function standingOf({ orderState }: Order, { uploads, event }: Held): Standing {
  const unshipped = uploads.length === 0 && event === 'none' ? 'unknown_here' : 'to_ship';
  return shippedStandings[orderState ?? toShip] ?? unshipped;
}

/**
 * Where WeChat shows something else than we hold; null where both agree, where the state machine is about it, or where a
 * person has decided. One read proves nothing: see {@link judge}. Pure.
 */
export function contradictionOf(order: Order, { uploads, event }: Held): Contradiction | null {
  if (uploads.length === 0) return isUnshipped(order) && event === 'lost' ? lost : null;
  if (uploads.some(({ state }) => openStates.includes(state))) return null;
  const acknowledged = uploads
    .filter(({ state }) => state === 'acknowledged')
    .toSorted((left, right) => left.version - right.version || left.id - right.id);
  const last = acknowledged.at(-1);
  if (last === undefined || last.resolved || last.body === null) return null;
  const earlier = acknowledged.slice(0, -1).flatMap(({ body }) => (body === null ? [] : [contentOf(body)]));
  const kind = kindOf(order, compare(contentOf(last.body), order, earlier).kind);
  return kind === null ? null : { kind, uploadId: last.id };
}

const lost: Contradiction = { kind: 'lost', uploadId: null };

const isUnshipped = ({ orderState, shipping }: Order): boolean =>
  orderState === toShip && (shipping?.finishShippingCount ?? 0) === 0;

function kindOf(order: Order, verdict: ReturnType<typeof compare>['kind']): FindingKind | null {
  switch (verdict) {
    case 'open':
      return order.orderState === toShip ? 'not_held' : null;
    case 'other_kind':
    case 'finished':
      // Of some goods WeChat shows no shipping, although they are shipped (wechat.md §10): nothing to compare.
      return order.shipping === null ? null : 'console_edit';
    case 'same':
    case 'refunded':
    case 'settled':
    case 'closed':
      return null;
  }
}

/** A contradiction as it stands on record. */
export type Finding = Contradiction & {
  firstSeenAt: Date;
  confirmedAt: Date | null;
  offers: number;
  ended: boolean;
};

/**
 * `note`: seen for the first time. `wait`: seen again, and too early. `believe`: a second read, apart, shows it still:
 * what follows, follows now. `known`: it was believed before.
 */
export type Judged = 'note' | 'wait' | 'believe' | 'known';

/**
 * Reads lag, so one read proves nothing (wechat.md §6.11, §7.15): only a second one, `apartMs` later, is believed. What was offered
 * again and comes back waits twice as long each time, since sending the same again has not helped. Pure.
 */
export function judge(
  found: Contradiction,
  before: Finding | undefined,
  { readAt, apartMs }: { readAt: Date; apartMs: number },
): Judged {
  if (before === undefined || before.ended || before.uploadId !== found.uploadId) return 'note';
  if (before.confirmedAt !== null && found.kind === 'console_edit') return 'known';
  const waitMs = apartMs * 2 ** Math.min(before.offers, 10);
  return readAt.getTime() - before.firstSeenAt.getTime() >= waitMs ? 'believe' : 'wait';
}
