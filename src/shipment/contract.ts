import { z } from 'zod';
import { combinationProblems, type CarrierIds } from './combinations.ts';
import { CORRECTED, SHIPPED, type ShippingEvent } from './events.ts';
import { problemsOf, ruleOf, type Problem } from './problems.ts';

export { bundledCarriers } from './carriers.ts';
export { ACKNOWLEDGED, CORRECTED, SHIPPED } from './events.ts';
export type { Contact, CorrectedEvent, Parcel, Shipment, ShippedEvent, ShippingEvent } from './events.ts';
export { maskContacts, maskPhone } from './mask.ts';
export { orderKeyOf, paymentOf, type OrderKey } from './payment.ts';
export { describeProblems, type Problem } from './problems.ts';

const MAX_PARCELS = 15;
const MAX_ITEM_DESC_CODE_POINTS = 100; // WeChat documents 120 and has refused less: do not sit on the limit (wechat.md §6.7)
const MAX_ID_BYTES = 128;
const MAX_PHONE_CHARACTERS = 1024;

const bytes = (text: string): number => Buffer.byteLength(text, 'utf8');
// eslint-disable-next-line no-control-regex -- control characters are exactly what is refused here
const controlCharacters = /[\u0000-\u001f\u007f-\u009f]/u;
const isClean = (text: string): boolean => text.isWellFormed() && !controlCharacters.test(text);
const cleanRule = 'holds a control character or a lone surrogate: remove it';
const limitedText = () =>
  z
    .string()
    .refine((text) => text.length > 0 && bytes(text) <= MAX_ID_BYTES, {
      error: `must have 1 to ${MAX_ID_BYTES} bytes: give it as WeChat or the carrier has it`,
    })
    .refine(isClean, { error: cleanRule });
const label = (max: number, empty = 'must not be empty: give 1 character at least') =>
  z
    .string()
    .min(1, empty)
    .max(max, `must have at most ${max} characters: shorten it`)
    .refine(isClean, { error: cleanRule });
/** Four clear digits at the end, at least one star, digits and separators before them (wechat.md §5). */
const maskedPhone = /^[+\d\-*]*\*[+\d\-*]*\d{2}-?\d{2}$/;

/** A text has at most as many code points as units, so most need no counting. */
const hasCodePoints = (text: string, max: number): boolean =>
  text.length <= max || Array.from(text).length <= max;

const itemDesc = z
  .string()
  .refine((text) => text.trim() !== '', { error: 'must not be empty: the buyer reads it' })
  .refine((text) => text.isWellFormed(), {
    error: 'holds a lone surrogate: cut texts between whole characters',
  })
  .refine((text) => !controlCharacters.test(text), { error: 'holds a control character: remove it' })
  .refine((text) => hasCodePoints(text, MAX_ITEM_DESC_CODE_POINTS), {
    error: `must have at most ${MAX_ITEM_DESC_CODE_POINTS} code points: shorten it`,
  });

const contactPhone = z
  .string()
  .max(MAX_PHONE_CHARACTERS, `must have at most ${MAX_PHONE_CHARACTERS} characters: give one phone number`)
  .refine((phone) => phone === '' || maskedPhone.test(phone), {
    error:
      'must be masked with * and end in four clear digits, like 138****1234: mask it, or set FAHUO_MASK_CONTACTS=true',
  });

const contact = z.strictObject({
  consignor_contact: contactPhone.optional(),
  receiver_contact: contactPhone.optional(),
});

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

const parcelsRule = `must hold 1 to ${MAX_PARCELS} parcels: WeChat takes no more of one payment`;

const shipment = z.strictObject({
  order_key: orderKey,
  logistics_type: oneOf([1, 2, 3, 4], 'must be the number 1 express, 2 same-city, 3 virtual or 4 pick-up'),
  delivery_mode: oneOf([1, 2], 'must be the number 1 unified or 2 split'),
  is_all_delivered: z.boolean({ error: 'must be true or false: send a boolean, not a string' }).optional(),
  shipping_list: z.array(parcel).min(1, parcelsRule).max(MAX_PARCELS, parcelsRule),
  payer: z.strictObject({ openid: limitedText() }),
});

/** Calendar-checked RFC 3339 with a zone. */
const rfc3339 = z.iso.datetime({
  offset: true,
  error: 'must be RFC 3339 with a zone, like 2026-11-23T10:00:00+08:00',
});

const common = {
  id: label(128),
  source: label(256),
  time: rfc3339,
  appid: z
    .string()
    .regex(/^[0-9A-Za-z_-]{1,64}$/, 'must be the appid of the mini-program, 1 to 64 of 0-9 A-Z a-z _ -'),
  version: whole('must be a whole number from 1 that grows per payment', 1, 999_999_999),
  traceparent: label(128).optional(),
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

export type Checked = { kind: 'valid'; event: ShippingEvent } | { kind: 'invalid'; problems: Problem[] };

export type ContractOptions = { carriers: CarrierIds };

/**
 * Checks one event against the contract: strict types (`"1"` is not `1`), no unknown members, WeChat's limits and
 * combinations (wechat.md §1.1, §5, §6.7–6.9). Never throws; every problem names field, value, rule and remedy.
 */
export function checkEvent(input: unknown, { carriers }: ContractOptions): Checked {
  const parsed = eventSchema.safeParse(input, { error: ruleOf });
  if (!parsed.success)
    return { kind: 'invalid', problems: parsed.error.issues.flatMap((issue) => problemsOf(input, issue)) };
  const problems = combinationProblems(parsed.data.data, carriers);
  return problems.length === 0 ? { kind: 'valid', event: parsed.data } : { kind: 'invalid', problems };
}
