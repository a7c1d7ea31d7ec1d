import { z } from 'zod';
import { listOf } from './problems.ts';

export const endpoints = [
  'upload',
  'get_order',
  'get_order_list',
  'token',
  'quota',
  'delivery_list',
  'combined',
  'notify',
  'special_order',
  'settings',
  'rid',
  'trace_waybill',
  'query_trace',
] as const;
export type EndpointName = (typeof endpoints)[number];

const common = {
  endpoint: z.enum(endpoints).default('upload'),
  /** This payment alone. */
  transaction_id: z.string().min(1).optional(),
  /** Part of the requests, 0 to 1. */
  rate: z.number().min(0).max(1).default(1),
  /** At most so many requests of one payment. */
  times: z.int().min(1).optional(),
};

/** `committed`: whether the upload takes effect before the fault shows. */
const committed = z.boolean().default(true);

/** Every kind that there is, for who asks for another. */
const wrongKind = (issue: { code?: string }): string | undefined =>
  issue.code === 'invalid_union' ? `must be one of ${Object.keys(faultMembers).join(', ')}` : undefined;

export const faultRule = z.discriminatedUnion(
  'kind',
  [
    z.strictObject({ kind: z.literal('lost_answer'), ...common }),
    z.strictObject({ kind: z.literal('reset_before'), ...common }),
    z.strictObject({ kind: z.literal('hang'), ...common, committed }),
    z.strictObject({ kind: z.literal('delay'), ...common, ms: z.int().min(1), committed }),
    z.strictObject({
      kind: z.literal('status'),
      ...common,
      status: z.int().min(400).max(599).default(502),
      committed: z.boolean().default(false),
    }),
    z.strictObject({ kind: z.literal('garbage'), ...common, committed }),
    z.strictObject({ kind: z.literal('no_errcode'), ...common, committed }),
    z.strictObject({ kind: z.literal('half_json'), ...common, committed }),
    z.strictObject({
      kind: z.literal('errcode'),
      ...common,
      errcode: z.int(),
      errmsg: z.string().optional(),
      committed: z.boolean().default(false),
    }),
    /** Any other answer than the plain one's text: `errmsg` of so many characters, the rest as it would be. */
    z.strictObject({ kind: z.literal('long_errmsg'), ...common, length: z.int().min(1) }),
    /** Another system forced a new token: the one of this call is refused from here on, and so is the call. */
    z.strictObject({ kind: z.literal('expire_token'), ...common }),
    /** Somebody ships the payment in WeChat's console, with `item_desc` if it is given; then the request is cut off. */
    z.strictObject({
      kind: z.literal('shipped_by_hand'),
      ...common,
      item_desc: z.string().min(1).optional(),
    }),
  ],
  { error: wrongKind },
);
export type FaultRule = z.output<typeof faultRule>;
export const faultRules = listOf(faultRule);
/** A fault of one payment, for its next request. */
export const nextFault = faultRule.refine((rule) => rule.transaction_id !== undefined, {
  path: ['transaction_id'],
  error: 'must name the payment: its next request meets the fault',
});

/** Every kind of fault, and the members that a rule of it takes. */
export const faultMembers: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  faultRule.options.map((option) => [option.shape.kind.value, Object.keys(option.shape)]),
);

export const membersOfFault = (rule: unknown): readonly string[] =>
  faultMembers[String((Object(rule) as { kind?: unknown }).kind)] ?? [];

/** How a fault is counted: by endpoint, kind, code, and whether the request took effect. */
export function nameOfFault(rule: FaultRule): string {
  const endpoint = rule.endpoint === 'upload' ? [] : [rule.endpoint];
  const code = rule.kind === 'errcode' ? [rule.errcode] : rule.kind === 'status' ? [rule.status] : [];
  return [
    ...endpoint,
    rule.kind,
    ...code,
    ...('committed' in rule && rule.committed ? ['applied'] : []),
  ].join(' ');
}

/** `ordinal`: the how-manieth request of this endpoint for this payment, from 1. */
export type Occasion = { endpoint: EndpointName; payment: string; ordinal: number };

/**
 * The fault of one request, if any: the first rule that applies. A pure function of seed and occasion, so the same
 * requests meet the same faults in whatever order they come.
 */
export function faultOf(rules: readonly FaultRule[], occasion: Occasion, seed: number): FaultRule | null {
  const found = rules.find(
    (rule, index) =>
      rule.endpoint === occasion.endpoint &&
      (rule.transaction_id === undefined || rule.transaction_id === occasion.payment) &&
      (rule.times === undefined || occasion.ordinal <= rule.times) &&
      chance(`${seed}/${index}/${occasion.endpoint}/${occasion.payment}/${occasion.ordinal}`) < rule.rate,
  );
  return found ?? null;
}

/** FNV-1a with a final mix, as a number in [0, 1). */
export function chance(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 4_294_967_296;
}
