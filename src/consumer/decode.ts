import type { DeadLetterReason } from '../../db/states.ts';
import { messageOf } from '../errors.ts';
import type { Received } from '../kafka/message.ts';
import { checkEvent, type ContractOptions } from '../shipment/contract.ts';
import { CORRECTED, SHIPPED, type ShippingEvent } from '../shipment/events.ts';
import { maskContacts } from '../shipment/mask.ts';
import { paymentIn } from '../shipment/payment.ts';
import { describeProblems } from '../shipment/problems.ts';

export type Decoded =
  | { kind: 'event'; received: Received; event: ShippingEvent; traceparent: string | null }
  | {
      kind: 'dead';
      received: Received;
      reason: DeadLetterReason;
      detail: string;
      eventId: string | null;
      payment: string | null;
    };

export type DecodeOptions = ContractOptions & { maskContacts: boolean };

/** A valid event is below 50 kB; the outbox takes 256 kB. */
const maxValueBytes = 262_144;
/** The contract is five deep: what is deeper was refused for one reason or another, and this says more. */
const maxDepth = 32;

/**
 * One message to one event, or to a dead letter that says why. CloudEvents 1.0 in binary mode (attributes in
 * headers) and in structured mode (application/cloudevents+json). Never throws, whatever the bytes are.
 */
export function decode(received: Received, options: DecodeOptions): Decoded {
  const read = readText(received.value);
  if (read.kind === 'bad')
    return { kind: 'dead', received, reason: 'undecodable', detail: read.detail, ...unnamed };
  const decoded = decodeText(received, read.text, options);
  if (decoded.kind === 'event' || !isDeeperThan(read.text, maxDepth)) return decoded;
  const detail = `the value is nested deeper than ${maxDepth} levels`;
  return { ...decoded, reason: 'undecodable', detail };
}

type Names = { eventId: string | null; payment: string | null };
const unnamed: Names = { eventId: null, payment: null };

function decodeText(received: Received, text: string, options: DecodeOptions): Decoded {
  const dead = (reason: DeadLetterReason, detail: string, names: Names = unnamed): Decoded => ({
    kind: 'dead',
    received,
    reason,
    detail,
    ...names,
  });
  const parsed = parse(text);
  if (parsed.kind === 'bad') return dead('undecodable', parsed.detail);
  const contentType = header(received, 'content-type')?.toLowerCase();
  const structured = contentType?.startsWith('application/cloudevents') === true;
  const candidate = structured ? fromStructured(parsed.value) : fromBinary(received, parsed.value);
  const checked = check(candidate, options);
  if (checked.kind === 'bad') return dead('invalid', checked.detail, namesIn(candidate));
  return { kind: 'event', received, event: checked.event, traceparent: checked.event.traceparent ?? null };
}

/** What a message that is not valid names all the same: an operator looks for it by that. */
function namesIn({ id, data }: Candidate): Names {
  const eventId = typeof id === 'string' ? id.slice(0, 128) : null;
  const { order_key: key } = Object(data) as { order_key?: unknown };
  return { eventId, payment: paymentIn(key)?.slice(0, 128) ?? null };
}

type CheckedCandidate = { kind: 'event'; event: ShippingEvent } | { kind: 'bad'; detail: string };

/** A candidate that trips a check over itself is a dead letter too: thrown on, it would hold up its partition (P7). */
function check(candidate: Candidate, options: DecodeOptions): CheckedCandidate {
  try {
    const typeProblem = problemOfType(candidate.type);
    if (typeProblem !== null) return bad(typeProblem);
    const checked = checkEvent(options.maskContacts ? maskContacts(candidate) : candidate, options);
    return checked.kind === 'invalid'
      ? bad(describeProblems(checked.problems))
      : { kind: 'event', event: checked.event };
  } catch (error) {
    return bad(`the event cannot be checked: ${messageOf(error)}`);
  }
}

const bad = (detail: string): { kind: 'bad'; detail: string } => ({ kind: 'bad', detail });

type Text = { kind: 'text'; text: string } | { kind: 'bad'; detail: string };

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

function readText(value: Buffer | null): Text {
  if (value === null || value.length === 0) return bad('the message has no value');
  if (value.length > maxValueBytes)
    return bad(`the value has ${value.length} bytes: at most ${maxValueBytes} are read`);
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

const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;

/**
 * Exact for JSON, and of what is not JSON the parser makes nothing. Brackets inside strings are text: open ones are no
 * nesting, and closed ones must not hide any.
 */
export function isDeeperThan(text: string, limit: number): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === quote) at = endOfString(text, at);
    else if (unit === openBrace || unit === openBracket) {
      depth += 1;
      if (depth > limit) return true;
    } else if (unit === closeBrace || unit === closeBracket) depth -= 1;
  }
  return false;
}

/** Where the string that begins at `start` has its closing quote. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === quote) return at;
    if (unit === backslash) at += 1;
  }
  return text.length;
}

const header = ({ headers }: Received, name: string): string | undefined => headers[name]?.toString('utf8');

type Candidate = Partial<
  Record<
    | 'id'
    | 'type'
    | 'source'
    | 'time'
    | 'appid'
    | 'version'
    | 'traceparent'
    | 'reason'
    | 'approved_by'
    | 'data',
    unknown
  >
>;

function fromBinary(received: Received, data: unknown): Candidate {
  const version = header(received, 'ce_version');
  return withoutUndefined({
    id: header(received, 'ce_id'),
    type: header(received, 'ce_type'),
    source: header(received, 'ce_source'),
    time: header(received, 'ce_time'),
    appid: header(received, 'ce_appid'),
    version: version !== undefined && /^[0-9]{1,9}$/.test(version) ? Number(version) : version,
    traceparent: header(received, 'traceparent') ?? header(received, 'ce_traceparent'),
    reason: header(received, 'ce_reason'),
    approved_by: header(received, 'ce_approvedby'),
    data,
  });
}

/**
 * Extension attributes are lower case without separators (CloudEvents 1.0 §3); ours are appid, version, reason and
 * approvedby. Those of others (`partitionkey`, `tracestate`) are passed over, as unknown headers are in binary mode.
 */
function fromStructured(value: unknown): Candidate {
  const { id, type, source, time, appid, version, traceparent, reason, data } = Object(value) as Candidate;
  const { approvedby, approved_by: plain } = Object(value) as { approvedby?: unknown; approved_by?: unknown };
  const approvedBy = plain ?? approvedby;
  return withoutUndefined({
    id,
    type,
    source,
    time,
    appid,
    version,
    traceparent,
    reason,
    approved_by: approvedBy,
    data,
  });
}

/** A member that is deleted makes the object slow to read, so what is undefined is not copied. */
function withoutUndefined(candidate: Candidate): Candidate {
  const defined: Candidate = {};
  let name: keyof Candidate;
  for (name in candidate) if (candidate[name] !== undefined) defined[name] = candidate[name];
  return defined;
}

function problemOfType(type: unknown): string | null {
  if (type === SHIPPED || type === CORRECTED) return null;
  const shown = type === undefined ? 'missing' : JSON.stringify(type).slice(0, 80);
  return `type is ${shown}: must be ${SHIPPED} or ${CORRECTED}`;
}
