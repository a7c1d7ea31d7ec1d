import { isDeepStrictEqual } from 'node:util';
import type { CarrierIds } from '../shipment/combinations.ts';
import type { Parcel, Shipment } from '../shipment/events.ts';
import { maskPhone } from '../shipment/mask.ts';
import { orderKeyOf } from '../shipment/payment.ts';
import { MAX_PARCELS } from '../shipment/problems.ts';
import { findCarrier } from './carrier.ts';
import type { Part } from './part.ts';

/** What this adoption knows of a payment from before. */
export type Known = {
  /** The content of the last event that was written; null where there was none. */
  said: Shipment | null;
  /** False where WeChat refused it for good: nothing of it is in force. */
  stands: boolean;
  /** The payment's one correction was written. */
  corrected: boolean;
};
export const unknownPayment: Known = { said: null, stands: false, corrected: false };

export const holdReasons = [
  'mixed_types',
  'no_tracking_no',
  'unknown_carrier',
  'too_many_parcels',
  'no_openid',
  'second_correction',
  'contract',
] as const;
export type HoldReason = (typeof holdReasons)[number];

export type Decision =
  /** Nothing to say: nothing is shipped, what is there was said, or it waits for the rest. */
  | { kind: 'nothing'; why: 'nothing_shipped' | 'same' | 'rest_open' }
  /** WeChat has no part in the payment. */
  | { kind: 'skipped'; why: string }
  | { kind: 'say'; shipment: Shipment }
  /** Changed after it was finished: it would spend the one chance, so a person approves it (P5). */
  | { kind: 'propose'; shipment: Shipment; why: string }
  /** A person, or a change in the shop, must mend it first. */
  | { kind: 'held'; reason: HoldReason; detail: string };

type Rules = { carriers: CarrierIds; own: Readonly<Record<string, string>> };

const EXPRESS = 1;

/**
 * What follows from all the parts of one payment, as they stand after the shop's commit, and from what was said before.
 * Texts, phones and the openid that were said are frozen: a refund or an edit must not rewrite them. Pure; upholds P5.
 */
export function decide(payment: string, parts: readonly Part[], known: Known, rules: Rules): Decision {
  const counted = parts.filter(({ skip }) => skip === null);
  if (counted.length === 0) return { kind: 'skipped', why: parts[0]?.skip ?? 'no parts' };
  const live = counted.filter(({ state }) => state !== 'void');
  const shipped = live.filter(({ state }) => state === 'shipped');
  if (shipped.length === 0) return { kind: 'nothing', why: 'nothing_shipped' };
  return decideShipped(payment, { shipped, all: shipped.length === live.length }, known, rules);
}

type Shipped = { shipped: readonly Part[]; all: boolean };

function decideShipped(payment: string, { shipped, all }: Shipped, known: Known, rules: Rules): Decision {
  const before = known.stands ? known.said : null;
  const content = contentOf(shipped, { rules, before });
  if (content.kind === 'held') return content;
  if (!all && content.type !== EXPRESS) return { kind: 'nothing', why: 'rest_open' };
  const openid = before?.payer.openid ?? openidOf(shipped);
  if (openid === null) return noOpenid;
  const now = shipmentOf(payment, { ...content, all, openid, before });
  return compareWith(now, { known, before, all });
}

const openidOf = (shipped: readonly Part[]): string | null =>
  shipped.find(({ openid }) => openid !== null)?.openid ?? null;

const noOpenid: Decision = {
  kind: 'held',
  reason: 'no_openid',
  detail:
    'openid is missing: the parts query must give the payer’s openid in this mini-program, or skip with the reason why WeChat has no part in it',
};

type Compared = { known: Known; before: Shipment | null; all: boolean };

function compareWith(now: Shipment, { known, before, all }: Compared): Decision {
  if (before === null) return sayAnew(now, known);
  const same = hasSameParcels(now, before);
  if (!isFinished(before)) return sayFurther(now, before, same);
  if (same) return nothingNew;
  if (!all) return { kind: 'nothing', why: 'rest_open' };
  return known.corrected ? secondCorrection : { kind: 'propose', shipment: now, why: changeOf(now, before) };
}

/** Another logistics_type is re-shipping, finished or not, and a correction needs a finished payment (wechat.md §1.1 b). */
function sayFurther(now: Shipment, before: Shipment, same: boolean): Decision {
  if (now.logistics_type !== before.logistics_type)
    return held(
      'mixed_types',
      `parcels of type ${before.logistics_type} were said, and now it is shipped by type ${now.logistics_type}: WeChat would count that as its one correction`,
    );
  return same && !isFinished(now) ? nothingNew : { kind: 'say', shipment: now };
}

const nothingNew: Decision = { kind: 'nothing', why: 'same' };

/** What WeChat refused is said again when anything of it was mended, a text or an openid as well, and not before. */
function sayAnew(now: Shipment, { said, corrected }: Known): Decision {
  if (isDeepStrictEqual(now, said)) return nothingNew;
  return corrected ? secondCorrection : { kind: 'say', shipment: now };
}

const secondCorrection: Decision = {
  kind: 'held',
  reason: 'second_correction',
  detail: 'the shipment changed again after its one correction: WeChat takes no second one (wechat.md §1.1)',
};

const changeOf = (now: Shipment, before: Shipment): string => {
  if (now.logistics_type !== before.logistics_type) return 'the way of shipping changed in the shop';
  const count = now.shipping_list.length - before.shipping_list.length;
  if (count > 0) return 'parcels were added in the shop after the shipment was complete';
  return count < 0
    ? 'parcels were removed in the shop after the shipment was complete'
    : 'the waybill changed in the shop';
};

export const isFinished = ({ delivery_mode: mode, is_all_delivered: all }: Shipment): boolean =>
  mode === 1 || all === true;

const parcelName = ({ express_company: carrier, tracking_no: number }: Parcel): string =>
  `${carrier ?? ''}\n${number ?? ''}`;
const namesOf = ({ shipping_list: list }: Shipment): string => list.map(parcelName).join('\n\n');

/**
 * Texts and phones make no difference: WeChat would call them a change all the same. Neither does the order in which the
 * shop names its parcels, for what was said first stands first in both.
 */
const hasSameParcels = (left: Shipment, right: Shipment): boolean =>
  left.logistics_type === right.logistics_type && namesOf(left) === namesOf(right);

type Content =
  | { kind: 'content'; type: Shipment['logistics_type']; parcels: Parcel[] }
  | Extract<Decision, { kind: 'held' }>;
type Frame = { rules: Rules; before: Shipment | null };

function contentOf(shipped: readonly Part[], frame: Frame): Content {
  const types = [...new Set(shipped.map(({ logisticsType }) => logisticsType))];
  const type = types[0] as Shipment['logistics_type'];
  if (types.length > 1)
    return held(
      'mixed_types',
      `parts of one payment are shipped in ways ${types.join(' and ')}: WeChat takes one logistics_type a payment`,
    );
  if (type === EXPRESS) return expressContent(shipped, frame);
  return { kind: 'content', type, parcels: [{ item_desc: textOf(shipped) }] };
}

function expressContent(shipped: readonly Part[], { rules, before }: Frame): Content {
  const parcels = new Map<string, { parcel: Parcel; parts: Part[] }>();
  for (const part of shipped) {
    if (part.trackingNo === null)
      return held(
        'no_tracking_no',
        `part ${part.name} is shipped by express and has no waybill number: enter it, or let the parts query call it open`,
      );
    const carrier = findCarrier(part, rules.own, rules.carriers);
    if (carrier.kind === 'unknown') return held('unknown_carrier', unknownCarrier(part, carrier));
    const parcel: Parcel = { tracking_no: part.trackingNo, express_company: carrier.id, item_desc: '' };
    const entry = parcels.get(parcelName(parcel)) ?? { parcel, parts: [] };
    parcels.set(parcelName(parcel), { ...entry, parts: [...entry.parts, part] });
  }
  if (parcels.size > MAX_PARCELS)
    return held(
      'too_many_parcels',
      `the payment has ${parcels.size} parcels: WeChat takes ${MAX_PARCELS} at most`,
    );
  const frozen = new Map(before?.shipping_list.map((parcel) => [parcelName(parcel), parcel] as const));
  const list = [...parcels].map(([name, entry]) => frozen.get(name) ?? described(entry.parcel, entry.parts));
  return { kind: 'content', type: EXPRESS, parcels: inOrderSaid(list, frozen) };
}

/** What was said first stays first. */
function inOrderSaid(list: readonly Parcel[], said: ReadonlyMap<string, Parcel>): Parcel[] {
  const kept = [...said.values()].filter((parcel) => list.includes(parcel));
  return [...kept, ...list.filter((parcel) => !kept.includes(parcel))];
}

function described(parcel: Parcel, parts: readonly Part[]): Parcel {
  const phone = parts.find(({ receiverPhone }) => receiverPhone !== null)?.receiverPhone ?? null;
  const contact =
    parcel.express_company === 'SF' && phone !== null
      ? { contact: { receiver_contact: maskPhone(phone) } }
      : {};
  return { ...parcel, item_desc: textOf(parts), ...contact };
}

const textOf = (parts: readonly Part[]): string =>
  [...new Set(parts.map(({ itemDesc }) => itemDesc).filter((text) => text !== null))].join(';');

const held = (reason: HoldReason, detail: string): Extract<Decision, { kind: 'held' }> => ({
  kind: 'held',
  reason,
  detail,
});

function unknownCarrier(
  part: Part,
  { words, suggested }: { words: string; suggested: readonly string[] },
): string {
  if (words === '')
    return `part ${part.name} is shipped by express and names no carrier: the parts query must give carrier_key or carrier_name`;
  const remedy = suggested.length > 0 ? `it may be ${suggested.join(' or ')}; ` : '';
  return `the carrier "${words}" of part ${part.name} is not on WeChat's list: ${remedy}name its id under carriers in the file, or OTHER`;
}

type Given = {
  type: Shipment['logistics_type'];
  parcels: Parcel[];
  all: boolean;
  openid: string;
  before: Shipment | null;
};

/** Once split, always split: another delivery_mode is re-shipping (wechat.md §1.1 b). */
function shipmentOf(payment: string, { type, parcels, all, openid, before }: Given): Shipment {
  const unified = all && parcels.length === 1 && before?.delivery_mode !== 2;
  return {
    order_key: orderKeyOf(payment),
    logistics_type: type,
    ...(unified ? { delivery_mode: 1 as const } : { delivery_mode: 2 as const, is_all_delivered: all }),
    shipping_list: parcels,
    payer: { openid },
  };
}
