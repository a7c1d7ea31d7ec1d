import type { DeadLetterReason } from '../../db/states.ts';
import type { Received } from '../kafka/message.ts';
import {
  CORRECTED,
  checkEvent,
  describeProblems,
  SHIPPED,
  type ContractOptions,
  type ShippingEvent,
} from '../outbox/contract.ts';
import { maskContacts } from '../outbox/mask.ts';

export type Decoded =
  | { kind: 'event'; received: Received; event: ShippingEvent; traceparent: string | null }
  | { kind: 'dead'; received: Received; reason: DeadLetterReason; detail: string; eventId: string | null };

export type DecodeOptions = ContractOptions & { maskContacts: boolean };

/** A valid event is below 50 kB; the outbox takes 256 kB. */
const maxValueBytes = 262_144;
/** The contract is five deep; JSON.parse and zod recurse. */
const maxDepth = 32;

/**
 * One message to one event, or to a dead letter that says why. CloudEvents 1.0 in binary mode (attributes in
 * headers) and in structured mode (application/cloudevents+json). Never throws, whatever the bytes are.
 */
export function decode(received: Received, options: DecodeOptions): Decoded {
  const dead = (reason: DeadLetterReason, detail: string, eventId: string | null = null): Decoded => ({
    kind: 'dead',
    received,
    reason,
    detail,
    eventId,
  });
  const text = readText(received.value);
  if (text.kind === 'bad') return dead('undecodable', text.detail);
  const parsed = parse(text.text);
  if (parsed.kind === 'bad') return dead('undecodable', parsed.detail);
  const structured = header(received, 'content-type')?.startsWith('application/cloudevents') === true;
  const candidate = structured ? fromStructured(parsed.value) : fromBinary(received, parsed.value);
  const eventId = typeof candidate.id === 'string' ? candidate.id.slice(0, 128) : null;
  const typeProblem = problemOfType(candidate.type);
  if (typeProblem !== null) return dead('invalid', typeProblem, eventId);
  const checked = checkEvent(options.maskContacts ? maskContacts(candidate) : candidate, options);
  if (checked.kind === 'invalid') return dead('invalid', describeProblems(checked.problems), eventId);
  return { kind: 'event', received, event: checked.event, traceparent: checked.event.traceparent ?? null };
}

type Text = { kind: 'text'; text: string } | { kind: 'bad'; detail: string };

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

function readText(value: Buffer | null): Text {
  if (value === null || value.length === 0) return { kind: 'bad', detail: 'the message has no value' };
  if (value.length > maxValueBytes)
    return { kind: 'bad', detail: `the value has ${value.length} bytes: at most ${maxValueBytes} are read` };
  try {
    return { kind: 'text', text: utf8.decode(value) };
  } catch {
    return { kind: 'bad', detail: 'the value is not UTF-8' };
  }
}

type Parsed = { kind: 'value'; value: unknown } | { kind: 'bad'; detail: string };

function parse(text: string): Parsed {
  if (isDeeperThan(text, maxDepth))
    return { kind: 'bad', detail: `the value is nested deeper than ${maxDepth} levels` };
  try {
    return { kind: 'value', value: JSON.parse(text) };
  } catch (error) {
    return { kind: 'bad', detail: `the value is not JSON: ${error instanceof Error ? error.message : ''}` };
  }
}

const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;

/** Brackets inside strings count as well: an upper bound is enough, and texts with 32 open brackets are no orders. */
export function isDeeperThan(text: string, limit: number): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === openBrace || unit === openBracket) {
      depth += 1;
      if (depth > limit) return true;
    } else if (unit === closeBrace || unit === closeBracket) depth -= 1;
  }
  return false;
}

const header = ({ headers }: Received, name: string): string | undefined => headers[name]?.toString('utf8');

type Candidate = Record<string, unknown> & { id?: unknown; type?: unknown };

function fromBinary(received: Received, data: unknown): Candidate {
  const version = header(received, 'ce_version');
  return defined({
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

/** Attributes of structured mode that carry nothing for us. */
const unused = ['specversion', 'datacontenttype', 'dataschema', 'subject', 'approvedby'];

/** Extension attributes are lower case without separators (CloudEvents 1.0 §3); ours are version, appid, approvedby. */
function fromStructured(value: unknown): Candidate {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {};
  const { approvedby, approved_by: plain } = value as { approvedby?: unknown; approved_by?: unknown };
  const rest = Object.fromEntries(Object.entries(value).filter(([name]) => !unused.includes(name)));
  return defined({ ...rest, approved_by: plain ?? approvedby });
}

const defined = (candidate: Candidate): Candidate =>
  Object.fromEntries(Object.entries(candidate).filter(([, value]) => value !== undefined));

function problemOfType(type: unknown): string | null {
  if (type === SHIPPED || type === CORRECTED) return null;
  const shown = type === undefined ? 'missing' : JSON.stringify(type).slice(0, 80);
  return `type is ${shown}: must be ${SHIPPED} or ${CORRECTED}`;
}
