import { systemClock } from '../../../src/clock.ts';
import { describe, expect, it } from 'vitest';
import { bundledCarriers } from '../../../src/shipment/carriers.ts';
import { decode } from '../../../src/consumer/decode.ts';
import { renderUpload } from '../../../src/consumer/render.ts';
import { countRows, emptyPlan, Planner } from '../../../src/replay/plan.ts';
import type { KnownUpload } from '../../../src/replay/store.ts';
import type { Rival } from '../../../src/upload/insert-store.ts';
import { shippedEvent } from '../../support/events.ts';

const event = (payment: string, change: Parameters<typeof shippedEvent>[0] = {}) =>
  decode(
    {
      topic: 't',
      partition: 0,
      offset: 0,
      key: null,
      value: Buffer.from(JSON.stringify(shippedEvent({ payment, ...change }))),
      headers: { 'content-type': Buffer.from('application/cloudevents+json') },
    },
    { carriers: bundledCarriers(), maskContacts: false, clock: systemClock },
  );
const rowOf = (decoded: ReturnType<typeof event>, state: Rival['state']): Rival => {
  if (decoded.kind !== 'event') expect.unreachable();
  const upload = renderUpload(decoded);
  return { ...upload, eventId: upload.event_id, bodyHash: upload.body_hash, state };
};
const planOf = (known: readonly Rival[], ...decoded: ReturnType<typeof event>[]) => {
  const planner = new Planner();
  planner.add(decoded, known);
  const { events, ...rest } = planner.plan;
  expect(events).toBe(decoded.length);
  return Object.fromEntries(Object.entries(rest).filter(([, count]) => count > 0));
};

const ends = [
  ['acknowledged', 'acknowledged'],
  ['rejected', 'finished'],
  ['superseded', 'finished'],
  ['pending', 'underWay'],
  ['uploading', 'underWay'],
  ['unknown', 'underWay'],
  ['parked', 'parked'],
] as const;

describe('a plan', () => {
  it.each(ends)('counts an event whose row is %s as %s', (state, member) => {
    expect(planOf([rowOf(event('a'), state)], event('a'))).toEqual({ [member]: 1 });
  });

  it.each(ends)('counts a row that is %s as %s', (state, member) => {
    const rows = [{ state }, { state }] as KnownUpload[];
    expect(countRows(rows)).toEqual({ ...emptyPlan, events: 2, [member]: 2 });
    expect(countRows([])).toEqual(emptyPlan);
  });

  it('finds the row of an event by its payment and version, under any event id', () => {
    const [older, same] = [event('a', { version: 1 }), event('a', { version: 2 })];
    const known = [rowOf(older, 'rejected'), rowOf(same, 'parked')];
    expect(planOf(known, event('a', { version: 2, id: 'other' }))).toEqual({ parked: 1 });
    expect(planOf(known, event('b', { version: 2 }))).toEqual({ toSend: 1 });
    expect(planOf(known, event('a', { version: 2, appid: 'wxother', id: 'other' }))).toEqual({ toSend: 1 });
  });

  it('knows what it would have sent by event id and by payment', () => {
    expect(planOf([], event('a'), event('a', { id: 'again' }))).toEqual({ toSend: 1, underWay: 1 });
    expect(planOf([], event('a', { id: 'one' }), event('b', { id: 'one' }))).toEqual({ toSend: 1, dead: 1 });
    expect(planOf([], event('a'), event('a', { version: 2 }), event('a'))).toEqual({
      toSend: 2,
      underWay: 1,
    });
  });

  it('knows what it would have kept as superseded', () => {
    const known = [rowOf(event('a', { version: 3 }), 'acknowledged')];
    expect(planOf(known, event('a'), event('a'))).toEqual({ finished: 2 });
  });

  it('adds the events that were forgotten to the finished ones', () => {
    const planner = new Planner();
    planner.add([event('a')], []);
    planner.addForgotten(3);
    planner.addForgotten(2);
    expect(planner.plan).toEqual({ ...emptyPlan, events: 6, toSend: 1, finished: 5 });
  });
});
