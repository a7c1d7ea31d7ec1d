import { systemClock } from '../../../src/clock.ts';
import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { bundledCarriers } from '../../../src/shipment/carriers.ts';
import { decode } from '../../../src/consumer/decode.ts';
import { renderUpload } from '../../../src/consumer/render.ts';
import { shippedEvent } from '../../support/events.ts';

const render = (change: object, timestampMs?: number) => {
  const decoded = decode(
    {
      topic: 't',
      partition: 3,
      offset: 5,
      key: null,
      value: Buffer.from(JSON.stringify({ ...shippedEvent({ payment: '42', version: 2 }), ...change })),
      headers: { 'content-type': Buffer.from('application/cloudevents+json') },
      ...(timestampMs === undefined ? {} : { timestampMs }),
    },
    { carriers: bundledCarriers(), maskContacts: false, clock: systemClock },
  );
  if (decoded.kind !== 'event') expect.unreachable();
  return renderUpload(decoded);
};
const traceparent = `00-${'a'.repeat(32)}-${'1'.repeat(16)}-01`;
const correction = { type: 'fahuo.shipment.corrected.v1', reason: 'wrong number', approved_by: 'li' };

it('keeps where an event came from, what it is called and when it was put on the topic', () => {
  expect(render({ traceparent }, 7)).toMatchObject({
    payment: '42',
    version: 2,
    event_id: '42-2',
    source: '/orders',
    event_time: '2026-11-23T10:00:00+08:00',
    traceparent,
    topic: 't',
    partition: 3,
    offset: 5,
    published_ms: 7,
  });
  expect(render({})).toMatchObject({ traceparent: null, published_ms: null, notes: null });
  expect(render({ time: '2026-11-23T10:00+0800' })).toMatchObject({
    event_time: '2026-11-23T10:00:00+08:00',
    notes: 'time: read as 2026-11-23T10:00:00+08:00',
  });
});

it('keeps who approved a correction, and why; a shipment has neither', () => {
  expect(render(correction)).toMatchObject({ kind: 'corrected', reason: 'wrong number', approved_by: 'li' });
  expect(render({})).toMatchObject({ kind: 'shipped', reason: null, approved_by: null });
});

it('tells bodies apart by the SHA-256 of what is sent', () => {
  const { body, body_hash } = render({});
  expect(body_hash).toBe(createHash('sha256').update(body).digest('hex'));
});
