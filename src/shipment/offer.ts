import { systemClock, type Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import { storable } from '../text.ts';
import {
  checkCombined,
  checkEvent,
  checkReceived,
  isReceived,
  type CheckedCombined,
  type CheckedReceived,
  type ContractOptions,
} from './contract.ts';
import type { CorrectedEvent, ShippedEvent } from './events.ts';
import { isDeeperThan } from './nesting.ts';
import type { Problem } from './problems.ts';
import { byteLength } from './texts.ts';

/** What a door takes: without a version it draws the next one of the payment. */
export type Offer = (Omit<ShippedEvent, 'version'> | Omit<CorrectedEvent, 'version'>) & {
  version?: number | undefined;
};

export type CheckedOffer =
  { kind: 'valid'; event: Offer; notes: string[] } | { kind: 'invalid'; problems: Problem[] };

/** {@link checkEvent}, for an event that may leave its version to the door. Never throws. */
export function checkOffer(input: unknown, options: ContractOptions): CheckedOffer {
  if (!isVersionless(input)) return checkEvent(input, options);
  const checked = checkEvent({ ...input, version: 1 }, options);
  if (checked.kind === 'invalid') return checked;
  const { version: _drawnLater, ...event } = checked.event;
  return { kind: 'valid', event, notes: checked.notes };
}

/** By `clock` nobody has had the goods in the future. */
export type EnqueuedOptions = ContractOptions & { clock?: Clock };

/** What `fahuo.enqueue` says of an event: {@link checkOffer}, and {@link checkReceived}. Never throws. */
export const checkEnqueued = (
  input: unknown,
  { clock = systemClock, ...options }: EnqueuedOptions,
): CheckedOffer | CheckedReceived =>
  isReceived(input) ? checkReceived(input, { now: clock() }) : checkOffer(input, options);

const isVersionless = (input: unknown): input is object =>
  typeof input === 'object' &&
  input !== null &&
  !Array.isArray(input) &&
  ((input as { version?: unknown }).version ?? null) === null;

/** A valid event is below 50 kB. */
export const maxEventBytes = 262_144;
/** The contract is five deep: what is deeper was refused for one reason or another, and this says more. */
export const maxDepth = 32;

/** The text of one event, as `fahuo.problems` takes it and with its words. Never throws. */
export const checkEnqueuedText = (text: string, options: EnqueuedOptions): CheckedOffer | CheckedReceived =>
  checkText(text, (value) => checkEnqueued(value, options));

/** The text of one combined event: {@link checkEnqueuedText} with {@link checkCombined}. */
export const checkCombinedText = (text: string, options: ContractOptions): CheckedCombined =>
  checkText(text, (value) => checkCombined(value, options));

function checkText<Checked extends { kind: string }>(
  text: string,
  check: (value: unknown) => Checked,
): Checked | Broken {
  const size = byteLength(text);
  if (size > maxEventBytes)
    return broken(`${size} bytes`, `must have at most ${maxEventBytes} bytes: send one event`);
  const parsed = parse(text);
  if (parsed.kind === 'broken') return broken('no JSON', `must be one JSON object: ${parsed.why}`);
  const checked = check(parsed.value);
  return checked.kind === 'invalid' && isDeeperThan(text, maxDepth)
    ? broken('nested', `must not be nested deeper than ${maxDepth} levels: send the event alone`)
    : checked;
}

type Broken = { kind: 'invalid'; problems: Problem[] };
const broken = (value: string, rule: string): Broken => ({
  kind: 'invalid',
  problems: [{ field: 'event', value, rule }],
});

function parse(text: string): { kind: 'value'; value: unknown } | { kind: 'broken'; why: string } {
  try {
    return { kind: 'value', value: JSON.parse(text) };
  } catch (error) {
    return { kind: 'broken', why: messageOf(error) };
  }
}

/** So many changes of one event are kept. */
const maxNotes = 20;

/** Notes as they are stored, one a line; null where nothing was changed. `fahuo.read_event` is the same in SQL. */
export function describeNotes(notes: readonly string[]): string | null {
  if (notes.length === 0) return null;
  const more = notes.length - maxNotes;
  return storable([...notes.slice(0, maxNotes), ...(more > 0 ? [`and ${more} more`] : [])].join('\n'));
}
