import { z } from 'zod';
import { combinationProblems, type CarrierIds } from './combinations.ts';
import { partEnvelope, partPlace, partsOf, spanningProblems } from './combined.ts';
import { isEventTime } from './event-time.ts';
import {
  COMBINED,
  CORRECTED,
  RECEIVED,
  SHIPPED,
  type CombinedEvent,
  type ReceivedEvent,
  type Shipment,
  type ShippedEvent,
  type ShippingEvent,
} from './events.ts';
import { isMasked } from './mask.ts';
import {
  MAX_PARCELS,
  MAX_PARTS,
  noShipment,
  parcelsRule,
  partsRule,
  ruleOf,
  severalPayments,
  show,
  structureProblems,
  type Problem,
} from './problems.ts';
import { receivedTimeProblem } from './received-time.ts';
import { sameMeaning, type SameMeaningOptions } from './same-meaning.ts';
import { byteLength, hasCodePoints, hasControls, isBlank, isClean, isWhole, maxItemDesc } from './texts.ts';
import { isTraceparent } from './traceparent.ts';

export { bundledCarriers } from './carriers.ts';
export { partsOf } from './combined.ts';
export { ACKNOWLEDGED, COMBINED, CORRECTED, RECEIVED, SHIPPED } from './events.ts';
export type {
  CombinedEvent,
  CombinedShipment,
  Contact,
  CorrectedEvent,
  Parcel,
  ReceivedEvent,
  Shipment,
  ShippedEvent,
  ShippingEvent,
  SubOrder,
} from './events.ts';
export { maskContacts, maskPhone } from './mask.ts';
export { sealPhone, type PhoneOwner } from './sealed-phone.ts';
export { orderKeyOf, paymentOf, type OrderKey } from './payment.ts';
export { describeProblems, type Problem } from './problems.ts';

const MAX_ID_BYTES = 128;
const MAX_PHONE_CHARACTERS = 1024;

const cleanRule = 'holds a control character or a lone surrogate: remove it';
const limitedText = () =>
  z
    .string()
    .refine((text) => text.length > 0 && byteLength(text) <= MAX_ID_BYTES, {
      error: `must have 1 to ${MAX_ID_BYTES} bytes: give it as WeChat or the carrier has it`,
    })
    .refine(isClean, { error: cleanRule });
const label = (max: number, empty = 'must not be empty: give 1 character at least') =>
  z
    .string()
    .refine((text) => text !== '', { error: empty })
    .refine((text) => hasCodePoints(text, max), {
      error: `must have at most ${max} characters: shorten it`,
    })
    .refine(isClean, { error: cleanRule });

const itemDesc = z
  .string()
  .refine((text) => !isBlank(text), { error: 'must not be empty: the buyer reads it' })
  .refine(isWhole, { error: 'holds a lone surrogate: cut texts between whole characters' })
  // Nobody reads of these: same-meaning.ts mends them in a whole text, and of a broken one that is said.
  .refine((text) => !hasControls(text) && hasCodePoints(text, maxItemDesc));

const contactPhone = z
  .string()
  .refine((phone) => hasCodePoints(phone, MAX_PHONE_CHARACTERS), {
    error: `must have at most ${MAX_PHONE_CHARACTERS} characters: give one phone number`,
  })
  .refine(isMasked, {
    error:
      'must be masked with * and end in four clear digits, like 138****1234: mask it, or set FAHUO_MASK_CONTACTS=true',
  });

const contact = z
  .strictObject({
    consignor_contact: contactPhone.optional(),
    receiver_contact: contactPhone.optional(),
  })
  .refine((phones) => Object.values(phones).some((phone) => phone !== undefined));

const parcel = z.strictObject({
  tracking_no: limitedText().optional(),
  express_company: limitedText().optional(),
  item_desc: itemDesc,
  contact: contact.optional(),
});

const orderKey = z.discriminatedUnion('order_number_type', [
  z.strictObject({
    order_number_type: z.literal(2),
    transaction_id: z
      .string()
      .regex(
        /^[0-9A-Za-z_-]{1,64}$/,
        'must be 1 to 64 of 0-9 A-Z a-z _ -: take it from the payment notification',
      ),
  }),
  z.strictObject({
    order_number_type: z.literal(1),
    mchid: z
      .string()
      .regex(
        /^[0-9A-Za-z_-]{1,32}$/,
        'must be the merchant number, 1 to 32 of 0-9 A-Z a-z _ -: take it from the payment notification',
      ),
    out_trade_no: z
      .string()
      .regex(
        /^[0-9A-Za-z_\-*]{1,64}$/,
        'must be 1 to 64 of 0-9 A-Z a-z _ - *: use order_number_type 2 for others',
      ),
  }),
]);

const numberRule =
  (rule: string) =>
  ({ input }: { input?: unknown }): string =>
    typeof input === 'string' ? `${rule}: send a number, not a string` : rule;

const whole = (rule: string, min: number, max: number) =>
  z
    .number({ error: numberRule(rule) })
    .int(rule)
    .min(min, rule)
    .max(max, rule);

const oneOf = <Value extends number>(values: Value[], rule: string) =>
  z.literal(values, { error: numberRule(rule) });

const timeRule = 'must be RFC 3339 with a zone, like 2026-11-23T10:00:00+08:00';

const payer = z.strictObject({ openid: limitedText() });

const shipment = z.strictObject({
  order_key: orderKey,
  logistics_type: oneOf([1, 2, 3, 4], 'must be the number 1 express, 2 same-city, 3 virtual or 4 pick-up'),
  delivery_mode: oneOf([1, 2], 'must be the number 1 unified or 2 split'),
  is_all_delivered: z.boolean({ error: 'must be true or false: send a boolean, not a string' }).optional(),
  shipping_list: z.array(parcel).min(1, parcelsRule).max(MAX_PARCELS, parcelsRule),
  payer,
});

const eventTime = z.string({ error: timeRule }).refine(isEventTime);

const attributes = {
  id: label(128),
  source: label(256),
  time: eventTime,
  appid: z
    .string()
    .regex(/^[0-9A-Za-z_-]{1,64}$/, 'must be the appid of the mini-program, 1 to 64 of 0-9 A-Z a-z _ -'),
  traceparent: z.string().refine(isTraceparent).optional(),
};
const common = {
  ...attributes,
  version: whole('must be a whole number from 1 that grows per payment', 1, 999_999_999),
  data: shipment,
};

/** The rules; {@link ShippingEvent} writes their output out. */
export const eventSchema = z.discriminatedUnion('type', [
  z.strictObject({ ...common, type: z.literal(SHIPPED) }),
  z.strictObject({
    ...common,
    type: z.literal(CORRECTED),
    reason: label(500, 'must say why WeChat holds the wrong content'),
    approved_by: label(128, 'must name who approved spending the only re-ship chance'),
  }),
]);

const combinedDataRule = 'must be an object: the body of upload_combined_shipping_info without upload_time';

/** A combined event but for its parts, each of which is checked as the shipment that it becomes. */
const combinedHead = z.strictObject({
  ...attributes,
  type: z.literal(COMBINED),
  version: z
    .never({ error: 'belongs to one payment: remove it, each part is given its next one' })
    .optional(),
  data: z.strictObject(
    {
      order_key: orderKey,
      sub_orders: z.array(z.unknown()).min(1, partsRule).max(MAX_PARTS, partsRule),
      payer,
    },
    { error: ({ code }) => (code === 'invalid_type' ? combinedDataRule : undefined) },
  ),
});

const receivedDataRule = 'must be an object with order_key and received_time';

/** A received event but for its time, which is checked by the clock. */
const receivedHead = z.strictObject({
  ...attributes,
  type: z.literal(RECEIVED),
  version: z.never({ error: 'belongs to a shipment: remove it, a payment has one reminder' }).optional(),
  data: z.strictObject(
    { order_key: orderKey, received_time: z.unknown().optional() },
    { error: ({ code }) => (code === 'invalid_type' ? receivedDataRule : undefined) },
  ),
});

/** `notes` says what was changed because it means the same, one change each: field and change. */
export type Checked =
  { kind: 'valid'; event: ShippingEvent; notes: string[] } | { kind: 'invalid'; problems: Problem[] };

export type ContractOptions = { carriers: CarrierIds } & SameMeaningOptions;

/**
 * Checks one event against the contract: strict types (`"1"` is not `1`), no unknown members, WeChat's limits and
 * combinations (wechat.md §1.1, §5, §6.7–6.9). What means the same is taken and noted (wechat.md §11). Never throws; every
 * problem names field, value, rule and remedy. `fahuo.problems` says the same in SQL.
 */
export function checkEvent(input: unknown, options: ContractOptions): Checked {
  const asItCame = checkStrictly(input, options);
  if (asItCame.kind === 'valid') return asItCame;
  const { event, notes } = sameMeaning(input, options);
  if (notes.length === 0) return asItCame;
  const checked = checkStrictly(event, options);
  return checked.kind === 'valid' ? { ...checked, notes } : checked;
}

function checkStrictly(input: unknown, { carriers }: ContractOptions): Checked {
  const type = typeOf(input);
  if (type === COMBINED || type === RECEIVED) {
    const rule = type === COMBINED ? severalPayments : noShipment;
    return { kind: 'invalid', problems: [{ field: 'type', value: show(type), rule }] };
  }
  const parsed = eventSchema.safeParse(input, { error: ruleOf });
  if (!parsed.success) return { kind: 'invalid', problems: structureProblems(input, parsed.error.issues) };
  const problems = combinationProblems(parsed.data.data, carriers);
  return problems.length === 0
    ? { kind: 'valid', event: parsed.data, notes: [] }
    : { kind: 'invalid', problems };
}

const typeOf = (input: unknown): unknown => (Object(input) as { type?: unknown }).type;

/** Whether a text is meant to be a combined event: {@link checkCombined} is for these, {@link checkEvent} for all others. */
export const isCombined = (input: unknown): boolean => typeOf(input) === COMBINED;

/** Whether a text is meant to be a received event: {@link checkReceived} is for these. */
export const isReceived = (input: unknown): boolean => typeOf(input) === RECEIVED;

export type CheckedReceived =
  { kind: 'valid'; event: ReceivedEvent; notes: string[] } | { kind: 'invalid'; problems: Problem[] };

/**
 * {@link checkEvent} for a received event. Nobody has had the goods after `now`, which is not asked where it is left out. Never
 * throws. `fahuo.problems` says the same in SQL.
 */
export function checkReceived(input: unknown, { now }: { now?: Date | undefined }): CheckedReceived {
  const { event, notes } = sameMeaning(input, { carriers: noCarriers });
  if (event === Object(event) && !Array.isArray(event) && !isReceived(event))
    return invalid([{ field: 'type', value: show(typeOf(event)), rule: `must be ${RECEIVED}` }]);
  const head = receivedHead.safeParse(event, { error: ruleOf });
  const problems = [
    ...(head.success ? [] : structureProblems(event, head.error.issues)),
    ...timeProblems(event, now),
  ];
  if (!head.success || problems.length > 0) return invalid(problems);
  const { version: _never, ...rest } = head.data;
  return {
    kind: 'valid',
    event: rest as ReceivedEvent,
    notes: notes.filter((note) => !note.startsWith('version:')),
  };
}

const noCarriers: CarrierIds = { has: () => false };

function timeProblems(event: unknown, now: Date | undefined): Problem[] {
  const { data } = Object(event) as { data?: unknown };
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return [];
  const { received_time: time } = data as { received_time?: unknown };
  const rule = receivedTimeProblem(time, now);
  return rule === null ? [] : [{ field: 'data.received_time', value: show(time), rule }];
}

/** `parts` are what the door writes, in the order of `sub_orders`, each with what was changed in it. */
export type CheckedCombined =
  | {
      kind: 'valid';
      event: CombinedEvent;
      parts: { event: Omit<ShippedEvent, 'version'>; notes: string[] }[];
    }
  | { kind: 'invalid'; problems: Problem[] };

/**
 * {@link checkEvent} for a combined event: each part is checked as the shipment that it becomes, and its problems name their
 * place, like `data.sub_orders[2].shipping_list[0].tracking_no`. Parts have one order_number_type, that of the main order,
 * and each payment stands once (wechat.md §1.2). Never throws. `fahuo.problems` says the same in SQL.
 */
export function checkCombined(input: unknown, options: ContractOptions): CheckedCombined {
  const { event, notes } = sameMeaning(input, options);
  if (event === Object(event) && !Array.isArray(event) && !isCombined(event))
    return invalid([
      {
        field: 'type',
        value: show(typeOf(event)),
        rule: `must be ${COMBINED}: write other events with fahuo.enqueue`,
      },
    ]);
  const head = combinedHead.safeParse(event, { error: ruleOf });
  const checked = subOrdersOf(event).map((part, at) => checkPart(part, at, options));
  const problems = [
    ...(head.success ? [] : structureProblems(event, head.error.issues)),
    ...checked.flatMap((part) => part.problems),
  ];
  if (!head.success || problems.length > 0) return invalid(problems);
  const shipments = checked.flatMap(({ shipment: one }) => one ?? []);
  const { version: _never, ...rest } = head.data;
  const data = { ...rest.data, sub_orders: shipments.map(({ payer: _stand_in, ...part }) => part) };
  const combined: CombinedEvent = { ...rest, data };
  const spanning = spanningProblems(combined);
  if (spanning.length > 0) return invalid(spanning);
  const common = notes.filter(isOfEveryPart);
  const parts = partsOf(combined).map((part, at) => ({
    event: part,
    notes: [...common, ...(checked[at]?.notes ?? [])],
  }));
  return { kind: 'valid', event: combined, parts };
}

/** The main order's own key reaches nobody, and a door takes `null` for a version that it is to draw. */
const isOfEveryPart = (note: string): boolean =>
  note.startsWith('data.payer.') || !/^(data\.|version:)/.test(note);

const invalid = (problems: Problem[]): { kind: 'invalid'; problems: Problem[] } => ({
  kind: 'invalid',
  problems,
});

/** The parts as far as there may be any: of a list that is too long nothing is said but that. */
function subOrdersOf(event: unknown): unknown[] {
  const { data } = Object(event) as { data?: unknown };
  const { sub_orders: parts } = Object(data) as { sub_orders?: unknown };
  return Array.isArray(parts) && parts.length <= MAX_PARTS ? parts : [];
}

type CheckedPart = { shipment?: Shipment; notes: string[]; problems: Problem[] };

function checkPart(part: unknown, at: number, options: ContractOptions): CheckedPart {
  const place = partPlace(at);
  if (typeof part !== 'object' || part === null || Array.isArray(part)) {
    const rule = 'must be an object with order_key, logistics_type, delivery_mode and shipping_list';
    return { notes: [], problems: [{ field: place, value: show(part), rule }] };
  }
  const { payer: own, ...body } = part as Record<string, unknown>;
  const misplaced =
    own === undefined || own === null
      ? []
      : [{ field: `${place}.payer`, value: show(own), rule: 'belongs into data, once: remove it' }];
  const checked = checkEvent(partEnvelope(body), options);
  if (checked.kind === 'valid')
    return { shipment: checked.event.data, notes: checked.notes, problems: misplaced };
  const problems = checked.problems.map((one) => ({ ...one, field: one.field.replace(/^data/, place) }));
  return { notes: [], problems: [...problems, ...misplaced] };
}
