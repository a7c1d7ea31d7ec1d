import type { ConsoleEdit } from '../../src/sandbox/console-edit.ts';
import type { Omission } from '../../src/sandbox/omissions.ts';
import type { LooseEvent } from '../support/events.ts';
import { kinds } from './plan-kinds.ts';

export { appid } from '../support/events.ts';

/**
 * What happens to a payment, as far as the writer and the sandbox must know. `refused`: WeChat refuses it. `conflict` and
 * `elsewhere`: somebody ships it in the console, with other or with the same content, while our first outcome is open.
 * `inverted`: the older event comes late, from a producer without an outbox, while the newer one is being claimed.
 * `staged`: each event is written when the one before it has its end. `finished_code`: somebody shipped it by hand, reads
 * never show it, and the first upload is answered with `finishedCode`.
 */
export type Fate = 'applied' | 'refused' | 'conflict' | 'elsewhere' | 'inverted' | 'staged' | 'finished_code';

/**
 * What must become of an event. `acknowledged`: by one effect of its own. `elsewhere`: acknowledged, and WeChat held its
 * content without an effect of ours. `overtaken`: as acknowledged, or superseded. `conflict`: parked as one. `unsent`:
 * not acknowledged, without an effect, whatever it is called. `either`: acknowledged by one effect, or unsent.
 * `contested`: acknowledged by one effect; or in conflict, since no read can tell its effect from what a person added.
 */
export type End =
  'acknowledged' | 'elsewhere' | 'rejected' | 'conflict' | 'overtaken' | 'unsent' | 'either' | 'contested';

/** One payment's events, in the order in which they are written, and the end of each. */
export type Planned = {
  /** The transaction_id, whatever key an event uses. */
  payment: string;
  fate: Fate;
  events: LooseEvent[];
  ends: End[];
  /** What is edited in the console before the event of this index is written. */
  edits?: ReadonlyMap<number, Omit<ConsoleEdit, 'payment'>>;
  /** Its other name, where an event uses it. */
  merchant?: { mchid: string; out_trade_no: string };
  finishedCode?: number;
  /** The id of the combined event whose part its one event is: written as one with the others of that id (ADR 31). */
  combined?: string;
  /** The answer to its first upload is lost, so that a read decides. */
  losesFirstAnswer?: boolean;
  /** What the sandbox is told before the start. */
  orderState?: number;
  visibleAfterMs?: number;
  readLagMs?: number;
  omits?: readonly Omission[];
};

/** The payment's name where a row or a request has its other one. */
export const namesOf = (plans: readonly Planned[]): ReadonlyMap<string, string> =>
  new Map(
    plans.flatMap(({ payment, merchant }) =>
      merchant === undefined ? [] : [[`${merchant.mchid}:${merchant.out_trade_no}`, payment] as const],
    ),
  );

const mostInverted = 12;

/** Only what every shop does, for runs that measure something else. */
export type PlanOptions = { plain?: boolean };

/** Exactly `count` events, and the same ones for the same seed. */
export function planEvents(count: number, random: () => number, options: PlanOptions = {}): Planned[] {
  const plans: Planned[] = [];
  let inverted = 0;
  for (let left = count; left > 0;) {
    const number = plans.length;
    const special =
      options.plain === true ? null : kinds.special(random(), { number, random }, inverted < mostInverted);
    const found = special ?? kinds.ordinary({ number, random });
    const plan = found.events.length <= left ? found : kinds.single('42', number);
    if (plan.fate === 'inverted') inverted += 1;
    left -= plan.events.length;
    plans.push(plan);
  }
  return options.plain === true ? plans : combineSome(plans, random);
}

const combinedShare = 0.12;
const partsEach = 3;

/** Payments of one event each that were paid together, whatever becomes of each. */
function combineSome(plans: readonly Planned[], random: () => number): Planned[] {
  const chosen = plans.filter((plan) => mayBePart(plan) && random() < combinedShare);
  const firstOf = new Map(chosen.map((plan, index) => [plan, chosen[index - (index % partsEach)]!]));
  return plans.map((plan) => {
    const first = firstOf.get(plan);
    if (first === undefined) return plan;
    const combined = `together-${first.payment}`;
    const events = plan.events.map((event) => ({ ...event, id: `${combined}#${plan.payment}` }));
    return { ...plan, events, combined };
  });
}

const mayBePart = ({ fate, events, merchant }: Planned): boolean =>
  ['applied', 'refused', 'conflict', 'elsewhere'].includes(fate) &&
  events.length === 1 &&
  merchant === undefined;
