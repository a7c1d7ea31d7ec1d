import type { core } from 'zod';
import { CORRECTED, RECEIVED, SHIPPED } from './events.ts';

/** One broken rule: where, what stood there, what the rule is (with its remedy). */
export type Problem = { field: string; value: string; rule: string };

/** So many problems of one event are described; who wrote more than that has one cause for most of them. */
const maxDescribed = 20;

/** One line for logs, dead letters and errors. `fahuo.describe_problems` is the same in SQL. */
export function describeProblems(problems: readonly Problem[]): string {
  const told = problems
    .slice(0, maxDescribed)
    .map((problem) => `${problem.field} is ${problem.value}: ${problem.rule}`);
  const more = problems.length - told.length;
  return [...told, ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}

export const MAX_PARCELS = 15;
export const parcelsRule = `must hold 1 to ${MAX_PARCELS} parcels: WeChat takes no more of one payment`;

const maxShown = 80;
/** A value as problems show it: JSON, cut after 80 characters. */
export const show = (value: unknown): string => {
  const text = value === undefined ? 'missing' : textOf(value);
  return text.length > maxShown ? `${text.slice(0, maxShown - 3)}…` : text;
};

/** What has no JSON (a function, a symbol) is shown by its kind, and what is nested so deep that it cannot be written, as that. */
function textOf(value: unknown): string {
  try {
    const text = JSON.stringify(value) as string | undefined;
    return text ?? `${typeof value === 'object' ? 'an' : 'a'} ${typeof value}`;
  } catch {
    return Array.isArray(value) ? '[…]' : '{…}';
  }
}

export const MAX_PARTS = 50;
export const partsRule = `must hold 1 to ${MAX_PARTS} orders: send one event more for others`;
/** Of a combined event at a door of plain ones. */
export const severalPayments =
  'names several payments: write it with fahuo.enqueue_combined, in TypeScript with enqueueCombined';

/** Of a received event where versions of a shipment are checked. */
export const noShipment = 'says that the buyer has the goods: check it with checkReceived';

/** What belongs into a member, for whoever left it out or put another type there. Names are unique in the contract. */
const wanted: Readonly<Record<string, string>> = {
  event: 'one object with id, type, source, time, appid, version and data',
  id: 'a text that names this event for good, like "order-17-1"',
  type: `${SHIPPED}, ${CORRECTED} for a correction, or ${RECEIVED} when the buyer has the goods`,
  source: 'a text that names the sender, like "/orders"',
  appid: 'the appid of the mini-program as a text, like "wx0123456789abcdef"',
  traceparent: 'a traceparent of the W3C, or left out',
  reason: 'a text that says why WeChat holds the wrong content',
  approved_by: 'a text that names who approved spending the only re-ship chance',
  data: 'an object: the body of upload_shipping_info without upload_time',
  order_key: 'an object, like {"order_number_type":2,"transaction_id":"4200001234"}',
  order_number_type: 'the number 2 with a transaction_id, or 1 with mchid and out_trade_no',
  transaction_id: 'a text: take it from the payment notification',
  mchid: 'the merchant number as a text, or use order_number_type 2',
  out_trade_no: "the merchant's own order number as a text, or use order_number_type 2",
  shipping_list: 'an array of 1 to 15 parcels',
  parcel: 'an object with an item_desc; for logistics_type 1 tracking_no and express_company as well',
  tracking_no: "the parcel's number as a text",
  express_company: 'a delivery_id of get_delivery_list as a text, like "SF"',
  item_desc: 'a text that says what is in the parcel: the buyer reads it',
  contact: 'an object with receiver_contact or consignor_contact, or left out',
  consignor_contact: 'a phone number as a text, masked like 138****1234, or left out',
  receiver_contact: 'a phone number as a text, masked like 138****1234, or left out',
  sub_orders: 'an array of 1 to 50 orders, each with its order_key and shipping_list',
  payer: 'an object, like {"openid":"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"}',
  openid: "the buyer's openid in this mini-program as a text",
};

/** The rule of a member whose schema says none of its own. */
export const ruleOf = ({ path = [] }: { path?: readonly PropertyKey[] | undefined }): string => {
  const name = path.at(-1) ?? 'event';
  return `must be ${wanted[typeof name === 'number' ? 'parcel' : String(name)] ?? 'as the contract says'}`;
};

const valueAt = (root: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((value, step) => (Object(value) as Record<PropertyKey, unknown>)[step], root);

const fieldName = (path: readonly PropertyKey[]): string =>
  path
    .map((step, index) =>
      typeof step === 'number' ? `[${step}]` : `${index === 0 ? '' : '.'}${String(step)}`,
    )
    .join('');

/** A refused phone number goes into logs and dead letters: its last four digits are enough to find it. */
const shownAt = (input: unknown, path: readonly PropertyKey[]): string => {
  const shown = show(valueAt(input, path));
  return path.includes('contact') ? shown.replaceAll(/\d(?=(?:\D?\d){4})/g, '*') : shown;
};

const foreign = new Map([
  ['reason', `belongs to ${CORRECTED} alone: remove it`],
  ['approved_by', `belongs to ${CORRECTED} alone: remove it`],
  ['data.order_key.transaction_id', 'belongs to order_number_type 2: remove it, or send 2'],
]);
const unknownRule = (field: string): string =>
  foreign.get(field) ??
  (field.startsWith('data.')
    ? 'is not a member that WeChat knows: remove it'
    : 'is not a member of an event: remove it');

/** What a schema found, in the words of the contract. */
function problemsOf(input: unknown, issue: core.$ZodIssue): Problem[] {
  const problem = (path: readonly PropertyKey[], rule: string): Problem => ({
    field: fieldName(path) || 'event',
    value: shownAt(input, path),
    rule,
  });
  return issue.code === 'unrecognized_keys'
    ? issue.keys.map((key) => problem([...issue.path, key], unknownRule(fieldName([...issue.path, key]))))
    : [problem(issue.path, issue.message)];
}

const listField = 'data.shipping_list';

/** What the schemas found, the first problem of each field. Of a list with too many parcels nothing is said but that. */
export function structureProblems(input: unknown, issues: readonly core.$ZodIssue[]): Problem[] {
  const first = new Map<string, Problem>();
  for (const problem of issues.flatMap((issue) => problemsOf(input, issue)))
    if (!first.has(problem.field)) first.set(problem.field, problem);
  const problems = [...first.values()];
  return problems.some(({ field, rule }) => field === listField && rule === parcelsRule)
    ? problems.filter(({ field }) => !field.startsWith(`${listField}[`))
    : problems;
}
