import type { Plan } from './look.ts';
import { keyName } from './read-parts.ts';
import type { Key } from './shop.ts';

/** What a walk, or a sample, led to: counted, with the first examples of each kind. */
export type Tally = {
  orders: number;
  events: number;
  proposed: number;
  /** By reason. */
  skipped: Record<string, Counted>;
  held: Record<string, Counted>;
  failed: Record<string, Counted>;
};
export type Counted = { count: number; examples: string[] };

export const newTally = (): Tally => ({
  orders: 0,
  events: 0,
  proposed: 0,
  skipped: {},
  held: {},
  failed: {},
});

const maxExamples = 10;
/** Reasons hold what the shop wrote, so there may be one for each order. */
const maxReasons = 50;

/** Adds what a look at `keys`, in one plan or several, led to. */
export function addPlan(tally: Tally, keys: readonly Key[], ...plans: Plan[]): void {
  tally.orders += keys.length;
  const own = new Set(keys.map(keyName));
  for (const plan of plans) addOne(tally, own, plan);
}

function addOne(tally: Tally, own: ReadonlySet<string>, plan: Plan): void {
  tally.events += plan.events.length;
  for (const payment of plan.payments) addPayment(tally, payment);
  for (const key of plan.keys.filter((one) => own.has(keyName(one)))) addKey(tally, key);
}

function addPayment(tally: Tally, { state, reason, detail, payment }: Plan['payments'][number]): void {
  if (state === 'proposed') tally.proposed += 1;
  if (state === 'held') add(tally.held, reason ?? 'held', `${payment}: ${detail ?? ''}`);
}

/** A key that is held is counted with its payment, where it has one. */
function addKey(tally: Tally, { kind, ref, state, detail, payment }: Plan['keys'][number]): void {
  const name = `${kind} ${ref}`;
  if (state === 'skipped') add(tally.skipped, detail ?? state, name);
  if (state === 'failed') add(tally.failed, detail ?? state, name);
  if (state === 'held' && payment === null) add(tally.held, 'no_payment', `${name}: ${detail ?? ''}`);
}

function add(into: Record<string, Counted>, reason: string, example: string): void {
  const name =
    Object.hasOwn(into, reason) || Object.keys(into).length < maxReasons ? reason : 'other reasons';
  const counted = Object.hasOwn(into, name) ? into[name] : undefined;
  if (counted === undefined) {
    into[name] = { count: 1, examples: [example] };
    return;
  }
  counted.count += 1;
  if (counted.examples.length < maxExamples) counted.examples.push(example);
}
