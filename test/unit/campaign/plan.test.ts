import { describe, expect, it } from 'vitest';
import { bundledCarriers } from '../../../src/shipment/carriers.ts';
import { checkEvent } from '../../../src/shipment/contract.ts';
import { planEvents } from '../../campaign/plan.ts';
import { createRandom } from '../../support/random.ts';

const plans = planEvents(5_000, createRandom(1));
const events = plans.flatMap((plan) => plan.events);
const has = (wanted: (plan: (typeof plans)[number]) => boolean): number => plans.filter(wanted).length;

describe('the plan of a campaign', () => {
  it('has as many events as were asked for, each valid, each with an id of its own and an end', () => {
    expect(events).toHaveLength(5_000);
    expect(new Set(events.map((event) => event['id'])).size).toBe(5_000);
    for (const { events: own, ends } of plans) expect(ends).toHaveLength(own.length);
    const options = { carriers: bundledCarriers() };
    const invalid = events
      .map((event) => checkEvent(event, options))
      .filter(({ kind }) => kind === 'invalid');
    expect(invalid).toEqual([]);
  });

  it('is the same for the same seed', () => {
    expect(planEvents(500, createRandom(7))).toEqual(planEvents(500, createRandom(7)));
    expect(planEvents(500, createRandom(7))).not.toEqual(planEvents(500, createRandom(8)));
  });

  it.each<[string, (plan: (typeof plans)[number]) => boolean]>([
    ['two names', ({ merchant }) => merchant !== undefined],
    ['edits in the console', ({ edits }) => edits !== undefined],
    ['a code that says finished', ({ finishedCode }) => finishedCode !== undefined],
    ['reads that leave out members', ({ omits }) => omits !== undefined && omits.length > 0],
    ['an order that others were paid with', ({ combined }) => combined !== undefined],
    ['a dropped parcel', ({ ends }) => ends.includes('either')],
    ['a conflict after an acknowledged version', ({ ends }) => ends.indexOf('conflict') === 1],
  ])('has payments with %s, also in a small campaign', (_what, wanted) => {
    expect(has(wanted)).toBeGreaterThan(20);
    for (const seed of [1, 2, 3])
      expect(planEvents(500, createRandom(seed)).some(wanted), `seed ${seed}`).toBe(true);
  });

  it('has nothing special when only the ordinary is asked for', () => {
    const plain = planEvents(1_000, createRandom(1), { plain: true });
    expect(new Set(plain.flatMap(({ ends }) => ends))).toEqual(new Set(['acknowledged']));
    expect(plain.every(({ fate }) => fate === 'applied')).toBe(true);
  });
});
