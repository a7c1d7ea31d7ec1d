import { describe, expect, it } from 'vitest';
import { bundledCarriers } from '../../../src/carriers.ts';
import { decode } from '../../../src/consumer/decode.ts';
import { countBatch, emptyPlan } from '../../../src/replay/plan.ts';
import { rangesOf, type Positions } from '../../../src/replay/selection.ts';
import type { KnownUpload } from '../../../src/replay/store.ts';
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

describe('ranges of a selection', () => {
  const positions: Positions = {
    held: [
      { partition: 0, low: 10, high: 100 },
      { partition: 1, low: 0, high: 50 },
      { partition: 2, low: 5, high: 5 },
    ],
    committed: new Map([[0, 90]]),
    byTime: new Map([[1, 40]]),
  };

  it('are half-open, end at the end of now, and are cut to what the topic holds', () => {
    expect(rangesOf({ kind: 'offset', offset: 3, partition: null }, positions)).toEqual([
      { partition: 0, from: 10, to: 100 },
      { partition: 1, from: 3, to: 50 },
    ]);
    expect(rangesOf({ kind: 'offset', offset: 3, partition: 1 }, positions)).toEqual([
      { partition: 1, from: 3, to: 50 },
    ]);
    expect(rangesOf({ kind: 'earliest' }, positions)[0]).toEqual({ partition: 0, from: 10, to: 100 });
    expect(rangesOf({ kind: 'since', at: new Date() }, positions)).toEqual([
      { partition: 1, from: 40, to: 50 },
    ]);
    expect(rangesOf({ kind: 'shift', by: -20 }, positions)[0]).toEqual({ partition: 0, from: 70, to: 100 });
    expect(rangesOf({ kind: 'shift', by: 500 }, positions)).toEqual([]);
  });
});

describe('a plan', () => {
  it('says what is known already, and would send only what is not, once', () => {
    const event = (payment: string, change: object = {}) =>
      decode(
        {
          topic: 't',
          partition: 0,
          offset: 0,
          key: null,
          value: Buffer.from(JSON.stringify({ ...shippedEvent({ payment }), ...change })),
          headers: { 'content-type': Buffer.from('application/cloudevents+json') },
        },
        { carriers: bundledCarriers(), maskContacts: false },
      );
    const known = (payment: string, state: KnownUpload['state']): KnownUpload => {
      const decoded = event(payment);
      if (decoded.kind !== 'event') expect.unreachable();
      const upload = renderUpload(decoded);
      return { ...upload, id: 1, eventId: upload.event_id, bodyHash: upload.body_hash, state };
    };
    const batch = [
      event('a'),
      event('b'),
      event('c'),
      event('d'),
      event('new'),
      event('new'),
      event('x', { version: 'x' }),
    ];
    expect(
      countBatch(emptyPlan, batch, [
        known('a', 'acknowledged'),
        known('b', 'parked'),
        known('c', 'superseded'),
        known('d', 'unknown'),
      ]),
    ).toEqual({ events: 7, acknowledged: 1, parked: 1, finished: 1, underWay: 2, toSend: 1, dead: 1 });
  });
});
