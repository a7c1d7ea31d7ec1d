import type { DeadLetterReason } from '../../db/states.ts';
import type { Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Received } from '../kafka/message.ts';
import { checkEvent, checkReceived, isReceived, type ContractOptions } from '../shipment/contract.ts';
import {
  COMBINED,
  CORRECTED,
  RECEIVED,
  SHIPPED,
  type ReceivedEvent,
  type ShippingEvent,
} from '../shipment/events.ts';
import { maxDepth, maxEventBytes } from '../shipment/offer.ts';
import { paymentIn } from '../shipment/payment.ts';
import { describeProblems } from '../shipment/problems.ts';
import type { NewUpload } from '../upload/insert-store.ts';
import { converterHint, registryHint } from './converter.ts';
import { fromBinary, fromStructured, garbledHeader, header, type Candidate } from './candidate.ts';
import { isDeeperThan } from '../shipment/nesting.ts';

export type Decoded =
  | {
      kind: 'event';
      received: Received;
      event: ShippingEvent;
      traceparent: string | null;
      /** What was changed because it means the same. */
      notes: string[];
    }
  /** The buyer has the goods. */
  | { kind: 'received'; received: Received; event: ReceivedEvent; notes: string[] }
  | ({ kind: 'dead'; received: Received; reason: DeadLetterReason; detail: string } & Names);

/** What a message names, valid or not: by these its writer and an operator find what became of it. */
export type Names = {
  eventId: string | null;
  type: string | null;
  source: string | null;
  appid: string | null;
  payment: string | null;
  version: number | null;
};

export type DecodeOptions = ContractOptions & {
  maskContacts: boolean;
  /** By this clock nobody has had the goods in the future. */
  clock: Clock;
};

/**
 * One message to one event, or to a dead letter that says why. CloudEvents 1.0 in binary mode (attributes in
 * headers) and in structured mode (application/cloudevents+json). Never throws, whatever the bytes are.
 */
export function decode(received: Received, options: DecodeOptions): Decoded {
  try {
    return decodeOne(received, options);
  } catch (error) {
    return undecodable(received, `the message cannot be read: ${messageOf(error)}`);
  }
}

const undecodable = (received: Received, detail: string, names: Names = unnamed): Decoded => ({
  kind: 'dead',
  received,
  reason: 'undecodable',
  detail,
  ...names,
});

function decodeOne(received: Received, options: DecodeOptions): Decoded {
  if (received.unreadable !== undefined) return undecodable(received, received.unreadable);
  const read = readText(received.value);
  if (read.kind === 'bad') return undecodable(received, read.detail, namesInHeaders(received));
  const decoded = decodeText(received, read.text, options);
  if (decoded.kind !== 'dead' || !isDeeperThan(read.text, maxDepth)) return decoded;
  const detail = `the value is nested deeper than ${maxDepth} levels`;
  return { ...decoded, reason: 'undecodable', detail };
}

const unnamed: Names = { eventId: null, type: null, source: null, appid: null, payment: null, version: null };

function decodeText(received: Received, text: string, options: DecodeOptions): Decoded {
  const parsed = parse(text);
  if (parsed.kind === 'bad') return undecodable(received, parsed.detail, namesInHeaders(received));
  const contentType = header(received, 'content-type')?.toLowerCase();
  const hint = converterHint(parsed.value);
  if (hint !== null) return undecodable(received, hint, namesInHeaders(received));
  const structured = contentType?.startsWith('application/cloudevents') === true;
  const candidate = structured ? fromStructured(parsed.value) : fromBinary(received, parsed.value);
  const garbled = structured ? undefined : garbledHeader(received);
  return decodedOf(received, candidate, garbled === undefined ? check(candidate, options) : bad(garbled));
}

function decodedOf(received: Received, candidate: Candidate, checked: CheckedCandidate): Decoded {
  switch (checked.kind) {
    case 'bad':
      return { kind: 'dead', received, reason: 'invalid', detail: checked.detail, ...namesIn(candidate) };
    case 'received':
      return { ...checked, received };
    case 'event':
      return { ...checked, received, traceparent: checked.event.traceparent ?? null };
  }
}

/** Of a value that cannot be read, where the event's attributes stand in headers. */
const namesInHeaders = (received: Received): Names => namesIn(fromBinary(received, undefined));

/** What a message that is not valid names all the same: an operator looks for it by that. */
function namesIn({ id, type, source, appid, version, data }: Candidate): Names {
  const text = (value: unknown, max: number): string | null =>
    typeof value === 'string' && value !== '' ? value.slice(0, max) : null;
  const { order_key: key } = Object(data) as { order_key?: unknown };
  return {
    eventId: text(id, 128),
    type: text(type, 128),
    source: text(source, 256),
    appid: text(appid, 64),
    payment: text(paymentIn(key), 128),
    // "1" for 1 is a common mistake, and names the version all the same.
    version: versionIn(version),
  };
}

function versionIn(value: unknown): number | null {
  if (typeof value !== 'number' && typeof value !== 'string') return null;
  return /^[1-9][0-9]{0,8}$/.test(String(value)) ? Number(value) : null;
}

/** What an event names that is valid, and becomes a dead letter for another reason. */
export const namesOf = (upload: NewUpload): Names => ({
  eventId: upload.event_id,
  type: upload.kind === 'corrected' ? CORRECTED : SHIPPED,
  source: upload.source,
  appid: upload.appid,
  payment: upload.payment,
  version: upload.version,
});

type CheckedCandidate =
  | { kind: 'event'; event: ShippingEvent; notes: string[] }
  | { kind: 'received'; event: ReceivedEvent; notes: string[] }
  | { kind: 'bad'; detail: string };

/** A candidate that trips a check over itself is a dead letter too: thrown on, it would hold up its partition (P7). */
function check(candidate: Candidate, options: DecodeOptions): CheckedCandidate {
  try {
    const typeProblem = problemOfType(candidate.type);
    if (typeProblem !== null) return bad(typeProblem);
    if (isReceived(candidate)) return checkReceipt(candidate, options);
    const checked = checkEvent(candidate, options);
    return checked.kind === 'invalid'
      ? bad(describeProblems(checked.problems))
      : { kind: 'event', event: checked.event, notes: checked.notes };
  } catch (error) {
    return bad(`the event cannot be checked: ${messageOf(error)}`);
  }
}

function checkReceipt(candidate: Candidate, { clock }: DecodeOptions): CheckedCandidate {
  const checked = checkReceived(candidate, { now: clock() });
  return checked.kind === 'invalid'
    ? bad(describeProblems(checked.problems))
    : { kind: 'received', event: checked.event, notes: checked.notes };
}

const bad = (detail: string): { kind: 'bad'; detail: string } => ({ kind: 'bad', detail });

type Text = { kind: 'text'; text: string } | { kind: 'bad'; detail: string };

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

function readText(value: Buffer | null): Text {
  if (value === null)
    return bad('the message has no value: a tombstone is no event (Debezium: tombstones.on.delete=false)');
  if (value.length === 0) return bad('the value is empty');
  if (value.length > maxEventBytes)
    return bad(`the value has ${value.length} bytes: at most ${maxEventBytes} are read`);
  const hint = registryHint(value);
  if (hint !== null) return bad(hint);
  try {
    return { kind: 'text', text: utf8.decode(value) };
  } catch {
    return bad('the value is not UTF-8');
  }
}

type Parsed = { kind: 'value'; value: unknown } | { kind: 'bad'; detail: string };

function parse(text: string): Parsed {
  try {
    return { kind: 'value', value: JSON.parse(text) };
  } catch (error) {
    return bad(`the value is not JSON: ${messageOf(error)}`);
  }
}

/** In one message the parts would share a partition that other events of their payments do not have, and so lose their order. */
const oneKey =
  'names several payments, and a message has the key of one: send an event for each, or write it with fahuo.enqueue_combined';

function problemOfType(type: unknown): string | null {
  if (type === SHIPPED || type === CORRECTED || type === RECEIVED) return null;
  if (type === COMBINED) return `type is "${COMBINED}": ${oneKey}`;
  const shown = type === undefined ? 'missing' : JSON.stringify(type).slice(0, 80);
  return `type is ${shown}: must be ${SHIPPED}, ${CORRECTED} or ${RECEIVED}`;
}
