import { systemClock } from '../../../src/clock.ts';
import { describe, expect, it } from 'vitest';
import { bundledCarriers } from '../../../src/shipment/carriers.ts';
import { decode } from '../../../src/consumer/decode.ts';
import { Planner } from '../../../src/replay/plan.ts';
import type { Rival } from '../../../src/upload/insert-store.ts';
import { parseDuration, parseInstant } from '../../../src/replay/when.ts';
import { renderUpload } from '../../../src/consumer/render.ts';
import { shippedEvent } from '../../support/events.ts';

describe('datetimes and durations', () => {
  it('are refused without a zone or off the calendar', () => {
    expect(parseInstant('2026-11-23T10:00:00').kind).toBe('bad');
    expect(parseInstant('2026-13-23T10:00:00Z').kind).toBe('bad');
    expect(parseInstant('2026-11-23T10:00:00+08:00')).toEqual({
      kind: 'instant',
      at: new Date('2026-11-23T02:00:00Z'),
    });
  });

  it('understand ISO 8601 in days, hours, minutes and seconds', () => {
    expect([
      parseDuration('PT1H30M'),
      parseDuration('P1DT1S'),
      parseDuration('P'),
      parseDuration('1h'),
    ]).toEqual([5_400_000, 86_401_000, null, null]);
  });
});

describe('a plan', () => {
  type Change = { version?: unknown; id?: string; corrected?: boolean; text?: string };
  const event = (payment: string, { corrected, text, ...change }: Change = {}) => {
    const told = { ...shippedEvent({ payment }), ...change };
    if (text !== undefined) told.data.shipping_list[0]!['item_desc'] = text;
    const type = { type: 'fahuo.shipment.corrected.v1', reason: 'wrong text', approved_by: 'li' };
    return decode(
      {
        topic: 't',
        partition: 0,
        offset: 0,
        key: null,
        value: Buffer.from(JSON.stringify(corrected === true ? { ...told, ...type } : told)),
        headers: { 'content-type': Buffer.from('application/cloudevents+json') },
      },
      { carriers: bundledCarriers(), maskContacts: false, clock: systemClock },
    );
  };
  const known = (decoded: ReturnType<typeof event>, state: Rival['state']): Rival => {
    if (decoded.kind !== 'event') expect.unreachable();
    const upload = renderUpload(decoded);
    return { ...upload, eventId: upload.event_id, bodyHash: upload.body_hash, state };
  };
  const nothing = { events: 0, acknowledged: 0, parked: 0, finished: 0, underWay: 0, toSend: 0, dead: 0 };

  it('says what is known already, and would send only what is not, once', () => {
    const planner = new Planner();
    planner.add(
      [
        event('a'),
        event('b'),
        event('c'),
        event('d'),
        event('new'),
        event('new'),
        event('x', { version: 'x' }),
      ],
      [
        known(event('a'), 'acknowledged'),
        known(event('b'), 'parked'),
        known(event('c'), 'superseded'),
        known(event('d'), 'unknown'),
      ],
    );
    const plan = { events: 7, acknowledged: 1, parked: 1, finished: 1, underWay: 2, toSend: 1, dead: 1 };
    expect(planner.plan).toEqual(plan);
    planner.add([event('new'), event('other')], []);
    expect(planner.plan).toEqual({ ...plan, events: 9, underWay: 3, toSend: 2 });
  });

  it('counts as dead what the door would refuse: a second correction, a version or an event id with other content', () => {
    const first = event('a', { version: 2, id: 'first', corrected: true });
    const dead = [
      event('a', { version: 3, id: 'second', corrected: true }),
      event('a', { version: 2, id: 'changed', text: '换了' }),
      event('b', { version: 1, id: 'first' }),
    ];
    for (const state of ['acknowledged', 'parked'] as const) {
      const planner = new Planner();
      planner.add(dead, [known(first, state)]);
      expect(planner.plan).toEqual({ ...nothing, events: 3, dead: 3 });
    }
    const unknown = new Planner();
    unknown.add([first], []);
    unknown.add(dead, []); // refused beside what the same replay would insert
    expect(unknown.plan).toEqual({ ...nothing, events: 4, toSend: 1, dead: 3 });
  });

  it('would send another correction where the first one failed, and no version older than an acknowledged one', () => {
    const correction = event('a', { version: 3, id: 'second', corrected: true });
    const planner = new Planner();
    planner.add([correction], [known(event('a', { version: 2, id: 'first', corrected: true }), 'rejected')]);
    expect(planner.plan).toEqual({ ...nothing, events: 1, toSend: 1 });
    const late = new Planner();
    late.add([event('a', { version: 1 })], [known(event('a', { version: 2, id: 'newer' }), 'acknowledged')]);
    expect(late.plan).toEqual({ ...nothing, events: 1, finished: 1 });
  });
});
