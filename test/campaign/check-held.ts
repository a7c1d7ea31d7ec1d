import type { LooseEvent } from '../support/events.ts';
import type { HeldLine } from '../support/sandbox-client.ts';
import type { Evidence, Row } from './check.ts';
import type { Planned } from './plan.ts';

/**
 * Payments of which a row says "acknowledged" while WeChat holds other content than the newest such row's. What a person
 * did in the console is not counted against us, unless the row says that WeChat held its content already. Pure.
 */
export function heldOtherwiseIn({ plans, rows, effects, held }: Evidence): number {
  const heldOf = new Map(held.map((line) => [line.key, line]));
  const byHand = new Set(effects.filter((effect) => effect.byHand).map(({ payment }) => payment));
  const rowsOf = Map.groupBy(
    rows.filter((row) => row.state === 'acknowledged'),
    (row) => row.payment,
  );
  return plans.filter((plan) => {
    const own = rowsOf.get(plan.payment) ?? [];
    const newest = own.toSorted((left, right) => left.version - right.version).at(-1);
    if (newest === undefined) return false;
    if (byHand.has(plan.payment) && endOf(plan, newest) !== 'elsewhere') return false;
    return !holds(heldOf.get(plan.payment), contentsOf(plan, own), contentOf(plan, newest));
  }).length;
}

type Content = LooseEvent['data'];

const eventOf = ({ events }: Planned, row: Row): number =>
  events.findIndex((event) => event['version'] === row.version);
const endOf = (plan: Planned, row: Row) => plan.ends[eventOf(plan, row)];
const contentOf = (plan: Planned, row: Row): Content => plan.events[eventOf(plan, row)]!.data;
const contentsOf = (plan: Planned, rows: readonly Row[]): Content[] =>
  rows.map((row) => contentOf(plan, row));

const finishes = (content: Content): boolean =>
  content['delivery_mode'] === 1 || content['is_all_delivered'] === true;

/** Every parcel of ours, and no other; where WeChat merges, parcels of our own unfinished uploads stay in a finished one. */
function holds(line: HeldLine | undefined, acknowledged: readonly Content[], newest: Content): boolean {
  const shipping = line?.shipping ?? null;
  if (shipping === null) return false;
  const isOfKind =
    shipping.deliveryMode === newest['delivery_mode'] &&
    shipping.logisticsType === newest['logistics_type'] &&
    shipping.finished === finishes(newest);
  const before = finishes(newest) ? acknowledged.filter((content) => !finishes(content)) : [];
  const allowed = new Set([newest, ...before].flatMap(parcelsIn));
  const there = new Set(shipping.parcels.map((one) => keyOf(one.trackingNo, one.company, one.itemDesc)));
  return (
    isOfKind &&
    parcelsIn(newest).every((parcel) => there.has(parcel)) &&
    [...there].every((parcel) => allowed.has(parcel))
  );
}

const keyOf = (...parts: readonly unknown[]): string => JSON.stringify(parts);
const parcelsIn = (content: Content): string[] =>
  content.shipping_list.map((parcel) =>
    keyOf(parcel['tracking_no'] ?? '', parcel['express_company'] ?? '', parcel['item_desc']),
  );
