import type { Plan } from './look.ts';
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

/** Adds what a look at `keys` led to. */
export function addPlan(tally: Tally, keys: readonly Key[], plan: Plan): void {
  tally.orders += keys.length;
  tally.events += plan.events.length;
  for (const { state, reason, detail, payment } of plan.payments) {
    if (state === 'proposed') tally.proposed += 1;
    if (state === 'held') add(tally.held, reason ?? 'held', `${payment}: ${detail ?? ''}`);
  }
  const own = new Set(keys.map(({ kind, ref }) => `${kind}\n${ref}`));
  for (const { kind, ref, state, detail, payment } of plan.keys.filter((key) =>
    own.has(`${key.kind}\n${key.ref}`),
  )) {
    if (state === 'skipped') add(tally.skipped, detail ?? 'skipped', `${kind} ${ref}`);
    if (state === 'failed') add(tally.failed, detail ?? 'failed', `${kind} ${ref}`);
    if (state === 'held' && payment === null)
      add(tally.held, 'no_payment', `${kind} ${ref}: ${detail ?? ''}`);
  }
}

function add(into: Record<string, Counted>, reason: string, example: string): void {
  const name = into[reason] !== undefined || Object.keys(into).length < maxReasons ? reason : 'other reasons';
  const counted = (into[name] ??= { count: 0, examples: [] });
  counted.count += 1;
  if (counted.examples.length < maxExamples) counted.examples.push(example);
}
