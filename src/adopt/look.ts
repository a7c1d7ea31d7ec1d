import { isDeepStrictEqual } from 'node:util';
import type { AdoptState } from '../../db/states.ts';
import { checkOffer } from '../shipment/offer.ts';
import { CORRECTED, SHIPPED, type Shipment } from '../shipment/events.ts';
import type { CarrierIds } from '../shipment/combinations.ts';
import { describeProblems } from '../shipment/problems.ts';
import { decide, unknownPayment, type Decision } from './decide.ts';
import type { AdoptFile } from './file.ts';
import type { Part } from './part.ts';
import { keyName, type Looked } from './read-parts.ts';
import type { Key } from './shop.ts';
import type { KeyRow, KnownPayment, PaymentName, PaymentRow } from './store.ts';

/** What a look at some keys leads to. */
export type Plan = {
  /** Each with the row of the payment that it belongs to; the row's version is the door's to draw. */
  events: { eventId: string; text: string; row: PaymentRow }[];
  payments: PaymentRow[];
  keys: KeyRow[];
};

export type PlanContext = {
  file: AdoptFile;
  carriers: CarrierIds;
  known: readonly KnownPayment[];
  /** Of the keys: how often each failed before, and whether it was said. */
  before: readonly (Key & { state: AdoptState; failures: number })[];
  /** When the shop touched a key. */
  touchedAtMs: (key: Key) => number;
  /** Payments with a part that names `no_backfill` are left out. */
  backfill: boolean;
  newId: () => string;
  random: () => number;
};

export type Group = PaymentName & { parts: Part[] };

/** The payments that these parts belong to, under the name by which one was said already. Pure. */
export function groupByPayment(parts: readonly Part[], known: readonly PaymentName[]): Group[] {
  const names = new Set(known.map(nameOf));
  const isKnown = (appid: string, payment: string | null): payment is string =>
    payment !== null && names.has(nameOf({ appid, payment }));
  const groups = new Map<string, Group>();
  for (const part of parts) {
    const { appid, payment, otherPayment } = part;
    const name = !isKnown(appid, payment) && isKnown(appid, otherPayment) ? otherPayment : payment;
    if (name === null) continue;
    const key = nameOf({ appid, payment: name });
    const group = groups.get(key) ?? { appid, payment: name, parts: [] };
    group.parts.push(part);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ parts: of, ...name }) => ({ ...name, parts: of.toSorted(byName) }));
}

/** The query need not order its rows, and the same parts must give the same event. */
const collator = new Intl.Collator('en', { numeric: true });
const byName = (left: Part, right: Part): number =>
  collator.compare(left.name, right.name) || collator.compare(left.trackingNo ?? '', right.trackingNo ?? '');

/** Names under which a payment of these parts may be known. */
export const namesOf = (parts: readonly Part[]): PaymentName[] =>
  parts.flatMap(({ appid, payment, otherPayment }) =>
    [payment, otherPayment].flatMap((name) => (name === null ? [] : [{ appid, payment: name }])),
  );

/** Decides for each payment, and says what is to be written. Pure but for the names it is given. */
export function planLook(keys: readonly Key[], { parts, failures }: Looked, context: PlanContext): Plan {
  const failed = new Set(failures.map(({ key }) => keyName(key)));
  const known = new Map(context.known.map((one) => [nameOf(one), one]));
  const plan: Plan = { events: [], payments: [], keys: [] };
  for (const group of groupByPayment(parts, context.known)) {
    // What cannot be read of one part may change what is to be said of the whole payment.
    if (group.parts.some((part) => part.keys.some((key) => failed.has(keyName(key))))) continue;
    planPayment({ ...group, known: known.get(nameOf(group)) }, context, plan);
  }
  for (const part of parts.filter(({ payment }) => payment === null)) plan.keys.push(...paymentless(part));
  const before = new Map(context.before.map((one) => [keyName(one), one]));
  const failedKey = (key: Key, problem: string): KeyRow =>
    failedRow(key, { problem, failures: before.get(keyName(key))?.failures ?? 0, random: context.random });
  plan.keys.push(...failures.map(({ key, problem }) => failedKey(key, problem)));
  plan.keys.push(...unseenKeys(keys, { seen: plan.keys, parts, before, failedKey }));
  // In one order for all: the door locks a payment's row until the transaction ends.
  const events = plan.events.toSorted((left, right) => (nameOf(left.row) < nameOf(right.row) ? -1 : 1));
  return { ...plan, events, keys: lastOfEach(plan.keys) };
}

const nameOf = ({ appid, payment }: PaymentName): string => `${appid}\n${payment}`;

function planPayment(
  { appid, payment, parts, known }: Group & { known: KnownPayment | undefined },
  context: PlanContext,
  plan: Plan,
): void {
  const leftOut = context.backfill ? leftOutOf(parts, known) : undefined;
  const decided: Decision =
    leftOut ??
    decide(payment, parts, known ?? unknownPayment, {
      carriers: context.carriers,
      own: context.file.carriers,
    });
  const touchedAtMs = Math.max(...parts.flatMap(({ keys }) => keys.map(context.touchedAtMs)));
  const eventId = `adopt-${context.newId()}`;
  const draft = { appid, touchedAtMs, eventId, source: context.file.source ?? `/adopt/${context.file.name}` };
  const decision = unlessRefused(held(decided, draft, context), known);
  const row: PaymentRow = { appid, payment, touchedAtMs, ...outcomeOf(decision, known) };
  if (decision.kind === 'say')
    plan.events.push({ eventId, text: JSON.stringify(eventOf(decision.shipment, draft)), row });
  else plan.payments.push(row);
  const { state, detail } = row;
  const nextLookMs = state === 'held' ? retryMs(longestRetries, context.random) : null;
  for (const part of parts)
    for (const key of part.keys) plan.keys.push({ ...key, appid, payment, state, detail, nextLookMs });
}

/**
 * What the shop uploaded itself, or refunded, is no backfill's to say; what was said here before is followed as ever. A part
 * that was refunded unshipped keeps the rest of its payment from nothing.
 */
function leftOutOf(parts: readonly Part[], known: KnownPayment | undefined): Decision | undefined {
  const counted = parts.filter(({ skip }) => skip === null);
  const live = counted.filter(({ state }) => state !== 'void');
  const named = (live.length > 0 ? live : counted).find(({ noBackfill }) => noBackfill !== null);
  const why = named?.noBackfill ?? null;
  return why === null || wasSaid(known) ? undefined : { kind: 'skipped', why };
}

type Draft = { appid: string; touchedAtMs: number; eventId: string; source: string };

const eventOf = (data: Shipment, { appid, touchedAtMs, eventId, source }: Draft): object => ({
  id: eventId,
  type: SHIPPED,
  source,
  time: new Date(touchedAtMs).toISOString(),
  appid,
  data,
});

/** An event that no door would take is held here, with the contract's own words. */
function held(decision: Decision, draft: Draft, { carriers }: PlanContext): Decision {
  if (decision.kind !== 'say' && decision.kind !== 'propose') return decision;
  const checked = checkOffer(eventOf(decision.shipment, draft), { carriers });
  return checked.kind === 'valid'
    ? { ...decision, shipment: checked.event.data }
    : { kind: 'held', reason: 'contract', detail: describeProblems(checked.problems) };
}

const wasSaid = (known: KnownPayment | undefined): boolean => (known?.said ?? null) !== null;

/** What WeChat refused is compared as it was written: the contract may have cut a text of it. */
const unlessRefused = (decision: Decision, known: KnownPayment | undefined): Decision =>
  decision.kind === 'say' && isDeepStrictEqual(decision.shipment, known?.said)
    ? { kind: 'nothing', why: 'same' }
    : decision;

type Outcome = Pick<
  PaymentRow,
  'state' | 'reason' | 'detail' | 'said' | 'version' | 'corrected' | 'proposed'
>;
const same = { said: null, version: null, corrected: false, proposed: null, reason: null, detail: null };

/** What the payment's row says then. Pure. */
export function outcomeOf(decision: Decision, known: KnownPayment | undefined): Outcome {
  switch (decision.kind) {
    case 'say':
      return { ...same, state: 'said', said: JSON.stringify(decision.shipment) };
    case 'propose':
      return proposalOf(decision, known);
    case 'held':
      return { ...same, state: 'held', reason: decision.reason, detail: decision.detail };
    case 'skipped':
      return { ...same, state: wasSaid(known) ? 'said' : 'skipped', detail: decision.why };
    case 'nothing':
      return { ...same, state: wasSaid(known) ? 'said' : 'nothing' };
  }
}

/** A change that a person dismissed is not proposed again. */
function proposalOf(
  { shipment, why }: Extract<Decision, { kind: 'propose' }>,
  known: KnownPayment | undefined,
): Outcome {
  const proposed = JSON.stringify(shipment);
  return proposed === known?.dismissed
    ? { ...same, state: 'said' }
    : { ...same, state: 'proposed', detail: why, proposed };
}

/** A part that names no payment: skipped with its reason, or not paid for yet as far as the shop tells. */
function paymentless({ keys, skip, state }: Part): KeyRow[] {
  const waits = { state: 'held' as const, detail: noPayment };
  const outcome =
    skip !== null
      ? { state: 'skipped' as const, detail: skip }
      : state === 'shipped'
        ? waits
        : { state: 'nothing' as const, detail: null };
  return keys.map((key) => ({ ...key, appid: null, payment: null, nextLookMs: null, ...outcome }));
}

const noPayment =
  'it is shipped and names no payment: the parts query must give transaction_id, or mchid and out_trade_no, or skip with the reason why WeChat has no part in it';

type Failed = { problem: string; failures: number; random: () => number };

const failedRow = (key: Key, { problem, failures, random }: Failed): KeyRow => ({
  ...key,
  appid: null,
  payment: null,
  state: 'failed',
  detail: problem,
  nextLookMs: retryMs(failures, random),
});

const firstRetryMs = 5_000;
const longestRetryMs = 3_600_000;
/** What is held is mended in the shop, which touches it, or in the file or the list of carriers, which does not. */
const longestRetries = 20;
/** 5 s, doubling to an hour: what stands in the shop's rows is mended by people. */
export const retryMs = (failures: number, random: () => number): number =>
  Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(failures, longestRetries)) * (0.75 + random() / 2);

type Unseen = {
  seen: readonly KeyRow[];
  parts: readonly Part[];
  before: ReadonlyMap<string, { state: AdoptState }>;
  failedKey: (key: Key, problem: string) => KeyRow;
};

/**
 * Keys of which nothing was decided. One without parts was deleted where something was known of it, and is nothing to us
 * else; one with parts waits for another part of its payment, which cannot be read.
 */
function unseenKeys(keys: readonly Key[], { seen, parts, before, failedKey }: Unseen): KeyRow[] {
  const decided = new Set(seen.map(keyName));
  const withParts = new Set(parts.flatMap((part) => part.keys.map(keyName)));
  return keys
    .filter((key) => !decided.has(keyName(key)))
    .map((key) => {
      const state = before.get(keyName(key))?.state ?? 'nothing';
      if (state === 'nothing') return { ...key, ...nothingKnown };
      return withParts.has(keyName(key))
        ? failedKey(key, 'another part of its payment cannot be read')
        : {
            ...key,
            ...nothingKnown,
            state: 'gone' as const,
            detail: `the shop has no parts of it any more; it was ${state}`,
          };
    });
}

const nothingKnown = {
  appid: null,
  payment: null,
  state: 'nothing' as const,
  detail: null,
  nextLookMs: null,
};

const lastOfEach = (keys: readonly KeyRow[]): KeyRow[] => [
  ...new Map(keys.map((key) => [keyName(key), key])).values(),
];
export const correctedEvent = (
  data: Shipment,
  { reason, approvedBy, ...draft }: Draft & { reason: string; approvedBy: string },
): object => ({ ...eventOf(data, draft), type: CORRECTED, reason, approved_by: approvedBy });
