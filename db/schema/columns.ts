import { bigint, customType, integer, pgSchema, text, timestamp } from 'drizzle-orm/pg-core';
import {
  adoptStates,
  attemptKinds,
  deadLetterReasons,
  findingKinds,
  parkReasons,
  pushPhases,
  receiptCallKinds,
  receiptOrigins,
  receiptStates,
  relayParkReasons,
  replayStates,
  sweeps,
  traceStates,
  uploadCautions,
  uploadKinds,
  uploadStates,
  webhookStates,
} from '../states.ts';

/** Everything lives in the schema `fahuo`, so that it can stand beside an order database's own tables. */
export const fahuo = pgSchema('fahuo');

export const uploadState = fahuo.enum('upload_state', uploadStates);
export const uploadKind = fahuo.enum('upload_kind', uploadKinds);
export const uploadCaution = fahuo.enum('upload_caution', uploadCautions);
export const attemptKind = fahuo.enum('attempt_kind', attemptKinds);
export const deadLetterReason = fahuo.enum('dead_letter_reason', deadLetterReasons);
export const parkReason = fahuo.enum('park_reason', parkReasons);
export const replayState = fahuo.enum('replay_state', replayStates);
export const receiptState = fahuo.enum('receipt_state', receiptStates);
export const receiptOrigin = fahuo.enum('receipt_origin', receiptOrigins);
export const receiptCallKind = fahuo.enum('receipt_call_kind', receiptCallKinds);
export const traceState = fahuo.enum('trace_state', traceStates);
export const adoptState = fahuo.enum('adopt_state', adoptStates);
export const pushPhase = fahuo.enum('push_phase', pushPhases);
export const sweep = fahuo.enum('sweep', sweeps);
export const findingKind = fahuo.enum('finding_kind', findingKinds);
export const relayParkReason = fahuo.enum('relay_park_reason', relayParkReasons);
export const webhookState = fahuo.enum('webhook_state', webhookStates);

export const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });
export const id = (name: string) => bigint(name, { mode: 'number' });
export const instant = (name: string) => timestamp(name, { withTimezone: true, precision: 3 });

/** What an event is made of, in the outbox and where a row of it is kept whole. */
export const eventColumns = () => ({
  eventId: text('event_id').notNull(),
  type: text('type').notNull(),
  source: text('source').notNull(),
  eventTime: text('event_time').notNull(),
  appid: text('appid').notNull(),
  payment: text('payment').notNull(),
  /** Null of a receipt, which is no version of a shipment. */
  version: integer('version'),
  reason: text('reason'),
  approvedBy: text('approved_by'),
  traceparent: text('traceparent'),
  data: text('data').notNull(),
});
