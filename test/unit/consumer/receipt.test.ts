import { describe, expect, it } from 'vitest';
import { decode } from '../../../src/consumer/decode.ts';
import { judgeReceipt, namesOfReceipt, type ReceiptRivals } from '../../../src/consumer/receipt.ts';
import { renderReceipt } from '../../../src/consumer/render.ts';
import type { Received } from '../../../src/kafka/message.ts';
import { bundledCarriers } from '../../../src/shipment/carriers.ts';
import { appid, receivedEvent } from '../../support/events.ts';

const now = new Date('2026-11-26T08:00:00Z');
const seconds = now.getTime() / 1000 - 60;
const options = { carriers: bundledCarriers(), maskContacts: false, clock: () => now };
const message = (value: unknown, headers: Record<string, string>): Received => ({
  topic: 't',
  partition: 3,
  offset: 7,
  key: null,
  value: Buffer.from(JSON.stringify(value)),
  headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)])),
});
const structured = (event: object): Received =>
  message(event, { 'content-type': 'application/cloudevents+json' });
const binary = (headers: Record<string, string> = {}): Received =>
  message(receivedEvent({ payment: 'p', seconds }).data, {
    ce_id: 'e',
    ce_type: 'fahuo.shipment.received.v1',
    ce_source: '/orders',
    ce_time: '2026-11-26T15:04:00+0800',
    ce_appid: appid,
    ...headers,
  });

describe('a received event of the topic', () => {
  it('is read in binary and in structured mode, with its trace and what was changed in it', () => {
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const decoded = decode(binary({ traceparent }), options);
    if (decoded.kind !== 'received') expect.unreachable();
    expect(renderReceipt(decoded)).toEqual({
      appid,
      payment: 'p',
      eventId: 'e',
      source: '/orders',
      receivedSeconds: seconds,
      eventTime: '2026-11-26T15:04:00+08:00',
      traceparent,
      topic: 't',
      partition: 3,
      offset: 7,
      notes: 'time: read as 2026-11-26T15:04:00+08:00',
    });
    const other = decode(structured(receivedEvent({ payment: 'p', id: 'e', seconds })), options);
    if (other.kind !== 'received') expect.unreachable();
    expect(renderReceipt(other)).toMatchObject({
      payment: 'p',
      eventId: 'e',
      traceparent: null,
      notes: null,
    });
  });

  it.each([
    ['with a version', binary({ ce_version: '1' }), /version is 1: belongs to a shipment/],
    ['of the future', structured(receivedEvent({ seconds: seconds + 3_600 })), /must not be in the future/],
    [
      'in milliseconds',
      structured(receivedEvent({ seconds: seconds * 1_000 })),
      /divide milliseconds by 1000/,
    ],
  ])('is a dead letter %s, which names event and payment', (_what, received, detail) => {
    const decoded = decode(received, options);
    if (decoded.kind !== 'dead') expect.unreachable();
    expect(decoded).toMatchObject({ reason: 'invalid', source: '/orders', appid });
    expect(decoded.payment).not.toBeNull();
    expect(decoded.detail).toMatch(detail);
  });
});

describe('what the door makes of a received event', () => {
  const decoded = decode(structured(receivedEvent({ payment: 'p', id: 'e', seconds })), options);
  if (decoded.kind !== 'received') throw new TypeError('the event is in order');
  const receipt = renderReceipt(decoded);
  const same = { eventId: 'e', source: '/orders', appid, payment: 'p', receivedSeconds: seconds };
  const judge = (rivals: Partial<ReceiptRivals>) =>
    judgeReceipt(receipt, { events: [], reminders: [], ...rivals });
  const reminder = (change: object = {}) => ({
    appid,
    payment: 'p',
    state: 'acknowledged' as const,
    ...change,
  });

  it('is the reminder, unless the payment has one', () => {
    expect(judge({})).toEqual({ kind: 'first' });
    expect(judge({ reminders: [reminder()] })).toEqual({ kind: 'second' });
    expect(judge({ reminders: [reminder({ payment: 'q' }), reminder({ appid: 'wx2' })] })).toEqual({
      kind: 'first',
    });
    expect(
      judge({
        events: [
          { ...same, eventId: 'f' },
          { ...same, source: '/other' },
        ],
      }),
    ).toEqual({
      kind: 'first',
    });
  });

  it('is nothing for the same event again, whatever became of the reminder', () => {
    expect(judge({ events: [same], reminders: [reminder()] })).toEqual({
      kind: 'duplicate',
      state: 'acknowledged',
    });
    expect(judge({ events: [same] })).toEqual({ kind: 'duplicate', state: null });
    const shipment = { ...same, payment: 'q', receivedSeconds: null };
    expect(judge({ events: [same, shipment] })).toEqual({ kind: 'duplicate', state: null });
  });

  it.each([
    ['time', { receivedSeconds: seconds - 1 }],
    ['payment', { payment: 'q' }],
    ['app', { appid: 'wx2' }],
    ['kind of event', { receivedSeconds: null }],
  ])('is a conflict under the id of an event with another %s', (_what, change) => {
    expect(judge({ events: [{ ...same, ...change }] })).toEqual({
      kind: 'conflict',
      detail: 'the event id e of /orders was used before with other content',
    });
  });

  it('names event and payment, and no version', () => {
    expect(namesOfReceipt(receipt)).toEqual({
      type: 'fahuo.shipment.received.v1',
      eventId: 'e',
      source: '/orders',
      appid,
      payment: 'p',
      version: null,
    });
  });
});
