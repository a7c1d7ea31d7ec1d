import { CORRECTED } from '../shipment/events.ts';
import { freezeBody } from '../shipment/frozen-body.ts';
import { describeNotes } from '../shipment/offer.ts';
import { paymentOf } from '../shipment/payment.ts';
import type { NewUpload } from '../upload/insert-store.ts';
import type { Decoded } from './decode.ts';
import type { NewReceipt } from './receipt.ts';

/**
 * The upload row of an event. The body is rendered here, once: every attempt sends these characters, so a repeat is
 * the same content to WeChat (wechat.md §6.2).
 */
export function renderUpload({
  received,
  event,
  traceparent,
  notes,
}: Extract<Decoded, { kind: 'event' }>): NewUpload {
  const { body, bodyHash } = freezeBody(event.data);
  const corrected = event.type === CORRECTED;
  return {
    appid: event.appid,
    payment: paymentOf(event.data.order_key),
    version: event.version,
    kind: corrected ? 'corrected' : 'shipped',
    event_id: event.id,
    source: event.source,
    event_time: event.time,
    reason: corrected ? event.reason : null,
    approved_by: corrected ? event.approved_by : null,
    traceparent,
    topic: received.topic,
    partition: received.partition,
    offset: received.offset,
    body,
    body_hash: bodyHash,
    published_ms: received.timestampMs ?? null,
    notes: describeNotes(notes),
  };
}

/** The row of a received event. */
export const renderReceipt = ({
  received,
  event,
  notes,
}: Extract<Decoded, { kind: 'received' }>): NewReceipt => ({
  appid: event.appid,
  payment: paymentOf(event.data.order_key),
  eventId: event.id,
  source: event.source,
  receivedSeconds: event.data.received_time,
  eventTime: event.time,
  traceparent: event.traceparent ?? null,
  topic: received.topic,
  partition: received.partition,
  offset: received.offset,
  notes: describeNotes(notes),
});
