import { z } from 'zod';

/** The body of `upload_shipping_info` without `upload_time`, in WeChat's own names and types (wechat.md §1.1). */
export const SHIPPED = 'fahuo.shipment.shipped.v1';
export const CORRECTED = 'fahuo.shipment.corrected.v1';

const EXPRESS = 1;
const UNIFIED = 1;
const SPLIT = 2;
const MAX_PARCELS = 15;
const MAX_ITEM_DESC_CODE_POINTS = 100; // WeChat documents 120 and has refused less: do not sit on the limit (wechat.md §6.7)
const MAX_ID_BYTES = 128;

const bytes = (text: string): number => Buffer.byteLength(text, 'utf8');
// eslint-disable-next-line no-control-regex -- control characters are exactly what is refused here
const controlCharacters = /[\u0000-\u001f\u007f-\u009f]/u;
const isClean = (text: string): boolean => text.isWellFormed() && !controlCharacters.test(text);
const cleanRule = 'holds a control character or a lone surrogate: remove it';
const limitedText = (rule: string, maxBytes = MAX_ID_BYTES) =>
  z
    .string()
    .refine((text) => text.length > 0 && bytes(text) <= maxBytes, {
      error: `${rule}: 1 to ${maxBytes} bytes`,
    })
    .refine(isClean, { error: cleanRule });
const label = (max: number, empty = 'must not be empty') =>
  z
    .string()
    .min(1, empty)
    .max(max, `must have at most ${max} characters`)
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
  .max(1024)
  .refine((phone) => phone === '' || maskedPhone.test(phone), {
    error:
      'must be masked with * and end in four clear digits, like 138****1234: mask it, or set FAHUO_MASK_CONTACTS=true',
  });

const contact = z.strictObject({
  consignor_contact: contactPhone.optional(),
  receiver_contact: contactPhone.optional(),
});

const parcel = z.strictObject({
  tracking_no: limitedText('tracking_no').optional(),
  express_company: limitedText('express_company').optional(),
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
      .regex(/^[0-9A-Za-z_-]{1,32}$/, 'must be the merchant number, 1 to 32 letters or digits'),
    out_trade_no: z
      .string()
      .regex(
        /^[0-9A-Za-z_\-*]{1,64}$/,
        'must be 1 to 64 of 0-9 A-Z a-z _ - *: use order_number_type 2 for others',
      ),
  }),
]);

const whole = (rule: string, min: number, max: number) =>
  z
    .number({ error: `${rule}: send a number, not a string` })
    .int(rule)
    .min(min, rule)
    .max(max, rule);

const shipment = z.strictObject({
  order_key: orderKey,
  logistics_type: whole('must be the number 1 express, 2 same-city, 3 virtual or 4 pick-up', 1, 4),
  delivery_mode: whole('must be the number 1 unified or 2 split', 1, 2),
  is_all_delivered: z.boolean({ error: 'must be true or false: send a boolean, not a string' }).optional(),
  shipping_list: z
    .array(parcel)
    .min(1, 'must hold 1 to 15 parcels')
    .max(MAX_PARCELS, 'must hold 1 to 15 parcels'),
  payer: z.strictObject({ openid: limitedText('openid') }),
});
export type Shipment = z.infer<typeof shipment>;
type Parcel = z.infer<typeof parcel>;

/** Calendar-checked RFC 3339 with a zone. */
const rfc3339 = z.iso.datetime({
  offset: true,
  error: 'must be RFC 3339 with a zone, like 2026-11-23T10:00:00+08:00',
});

const common = {
  id: label(128),
  source: label(256),
  time: rfc3339,
  appid: z.string().regex(/^[0-9A-Za-z_-]{1,64}$/, 'must be the appid of the mini-program'),
  version: whole('must be a whole number from 1 that grows per payment', 1, 999_999_999),
  traceparent: label(128).optional(),
  data: shipment,
};

const eventSchema = z.discriminatedUnion('type', [
  z.strictObject({ ...common, type: z.literal(SHIPPED) }),
  z.strictObject({
    ...common,
    type: z.literal(CORRECTED),
    reason: label(500, 'must say why WeChat holds the wrong content'),
    approved_by: label(128, 'must name who approved spending the only re-ship chance'),
  }),
]);
export type ShippingEvent = z.infer<typeof eventSchema>;

/** One broken rule: where, what stood there, what the rule is (with its remedy). */
export type Problem = { field: string; value: string; rule: string };

export type Checked = { kind: 'valid'; event: ShippingEvent } | { kind: 'invalid'; problems: Problem[] };

export type ContractOptions = {
  /** Carrier ids of `get_delivery_list`, exact and case-sensitive. */
  carriers: Pick<ReadonlyMap<string, string>, 'has'>;
};

const show = (value: unknown): string => {
  const text = value === undefined ? 'missing' : JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
};

const valueAt = (root: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((value, step) => (Object(value) as Record<PropertyKey, unknown>)[step], root);

const fieldName = (path: readonly PropertyKey[]): string =>
  path
    .map((step, index) =>
      typeof step === 'number' ? `[${step}]` : `${index === 0 ? '' : '.'}${String(step)}`,
    )
    .join('');

const problemOf = (input: unknown, issue: z.core.$ZodIssue): Problem => {
  const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] ?? ''] : issue.path;
  const rule =
    issue.code === 'unrecognized_keys' ? 'is not a member that WeChat knows: remove it' : issue.message;
  const shown = show(valueAt(input, path));
  // A refused phone number goes into logs and dead letters: its last four digits are enough to find it.
  const value = path.includes('contact') ? shown.replaceAll(/\d(?=(?:\D?\d){4})/g, '*') : shown;
  return { field: fieldName(path) || 'event', value, rule };
};

function expressProblems(item: Parcel, at: string, options: ContractOptions): Problem[] {
  const problems: Problem[] = [];
  if (item.tracking_no === undefined)
    problems.push({ field: `${at}.tracking_no`, value: 'missing', rule: 'is required for logistics_type 1' });
  if (item.express_company === undefined || !options.carriers.has(item.express_company))
    problems.push({
      field: `${at}.express_company`,
      value: show(item.express_company),
      rule: 'must be a delivery_id of get_delivery_list, case-sensitive; OTHER for carriers that are not listed',
    });
  const phones = [item.contact?.receiver_contact, item.contact?.consignor_contact];
  if (item.express_company === 'SF' && !phones.some((phone) => phone !== undefined && phone !== ''))
    problems.push({
      field: `${at}.contact`,
      value: show(item.contact),
      rule: 'is required for SF: give receiver_contact or consignor_contact, masked like 138****1234',
    });
  return problems;
}

function unshippedProblems(item: Parcel, at: string): Problem[] {
  return (['tracking_no', 'express_company', 'contact'] as const)
    .filter((member) => item[member] !== undefined)
    .map((member) => ({
      field: `${at}.${member}`,
      value: show(item[member]),
      rule: 'belongs to logistics_type 1 only: remove it',
    }));
}

function modeProblems(data: Shipment): Problem[] {
  const problems: Problem[] = [];
  if (data.delivery_mode === SPLIT && data.logistics_type !== EXPRESS)
    problems.push({
      field: 'data.delivery_mode',
      value: '2',
      rule: 'split delivery is for logistics_type 1 only: send 1',
    });
  if (data.delivery_mode === UNIFIED && data.shipping_list.length !== 1)
    problems.push({
      field: 'data.shipping_list',
      value: `${data.shipping_list.length} parcels`,
      rule: 'unified delivery has exactly one parcel: use delivery_mode 2',
    });
  if (data.delivery_mode === SPLIT && data.is_all_delivered === undefined)
    problems.push({
      field: 'data.is_all_delivered',
      value: 'missing',
      rule: 'is required for delivery_mode 2',
    });
  return problems;
}

function duplicateProblems(data: Shipment): Problem[] {
  const seen = new Set<string>();
  return data.shipping_list.flatMap((item, index) => {
    const key = `${item.express_company ?? ''}\n${item.tracking_no ?? ''}`;
    if (item.tracking_no === undefined || !seen.has(key)) {
      seen.add(key);
      return [];
    }
    return [
      {
        field: `data.shipping_list[${index}].tracking_no`,
        value: show(item.tracking_no),
        rule: 'stands twice: list each parcel once',
      },
    ];
  });
}

/** Rules that span members: mode and type, carrier, SF's contact, parcels listed twice. */
function crossProblems(data: Shipment, options: ContractOptions): Problem[] {
  const perParcel = data.shipping_list.flatMap((item, index) => {
    const at = `data.shipping_list[${index}]`;
    return data.logistics_type === EXPRESS ? expressProblems(item, at, options) : unshippedProblems(item, at);
  });
  return [...modeProblems(data), ...perParcel, ...duplicateProblems(data)];
}

/**
 * Checks one event against the contract: strict types (`"1"` is not `1`), no unknown members, WeChat's limits and
 * combinations (wechat.md §1.1, §5, §6.7–6.9). Never throws; every problem names field, value, rule and remedy.
 */
export function checkEvent(input: unknown, options: ContractOptions): Checked {
  const parsed = eventSchema.safeParse(input);
  if (!parsed.success)
    return { kind: 'invalid', problems: parsed.error.issues.map((issue) => problemOf(input, issue)) };
  const problems = crossProblems(parsed.data.data, options);
  return problems.length === 0 ? { kind: 'valid', event: parsed.data } : { kind: 'invalid', problems };
}

/** One line for logs, dead letters and errors. */
export const describeProblems = (problems: readonly Problem[]): string =>
  problems.map((problem) => `${problem.field} is ${problem.value}: ${problem.rule}`).join('; ');

/** The key of a payment within its app: its transaction_id, or `mchid:out_trade_no` (order_number_type 1). */
export const paymentOf = (data: Pick<Shipment, 'order_key'>): string =>
  data.order_key.order_number_type === 2
    ? data.order_key.transaction_id
    : `${data.order_key.mchid}:${data.order_key.out_trade_no}`;
