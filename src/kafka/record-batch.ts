import { crc32c } from '@platformatic/kafka';
import type { Message, RecordHeader } from './message.ts';

/** Bytes that lie in a larger buffer, `end` not included. */
export type Span = { bytes: Buffer; start: number; end: number };

/** Kafka's record batch, magic 2: base offset, length, leader epoch, magic, crc, then what the crc covers. */
const lengthAt = 8;
const leaderEpochAt = 12;
const magicAt = 16;
const crcAt = 17;
const attributesAt = 21;
const recordsAt = 61;

/**
 * Records of one partition, encoded as they are added: the library's own encoder makes some forty objects a message,
 * and half of the relay's time went there. Not idempotent, not compressed; `reset` makes the memory usable again.
 */
export class RecordBatch {
  count = 0;
  #bytes: Buffer;
  #end = recordsAt;

  constructor(capacity = 65_536) {
    this.#bytes = Buffer.allocUnsafe(capacity);
  }

  /** What the batch takes on the wire by now. */
  get size(): number {
    return this.#end;
  }

  /** `key` or `value` null is Kafka's null; `headers` holds `headerCount` of them, see {@link writeHeader}. */
  append(key: Span | null, value: Span | null, headers: Span, headerCount: number): void {
    const body =
      2 + // attributes, and the time delta of 0
      varintSize(this.count) +
      spanSize(key) +
      spanSize(value) +
      varintSize(headerCount) +
      (headers.end - headers.start);
    this.#reserve(body + 5);
    const bytes = this.#bytes;
    let at = writeVarint(bytes, this.#end, body);
    bytes[at++] = 0;
    bytes[at++] = 0;
    at = writeVarint(bytes, at, this.count);
    at = writeSpan(bytes, at, key);
    at = writeSpan(bytes, at, value);
    at = writeVarint(bytes, at, headerCount);
    this.#end = copySpan(bytes, at, headers);
    this.count += 1;
  }

  /** The whole batch, for as long as nothing is appended and it is not reset. `nowMs` is every record's timestamp. */
  finish(nowMs: number): Buffer {
    const bytes = this.#bytes;
    const time = BigInt(nowMs);
    bytes.writeBigInt64BE(0n, 0); // the broker sets the base offset
    bytes.writeInt32BE(this.#end - leaderEpochAt, lengthAt);
    bytes.writeInt32BE(-1, leaderEpochAt);
    bytes.writeInt8(2, magicAt);
    bytes.writeInt16BE(0, attributesAt); // no compression, create time, no transaction
    bytes.writeInt32BE(this.count - 1, attributesAt + 2); // last offset delta
    bytes.writeBigInt64BE(time, attributesAt + 6);
    bytes.writeBigInt64BE(time, attributesAt + 14);
    bytes.writeBigInt64BE(-1n, attributesAt + 22); // no producer id: see publisher.ts
    bytes.writeInt16BE(-1, attributesAt + 30);
    bytes.writeInt32BE(-1, attributesAt + 32);
    bytes.writeInt32BE(this.count, attributesAt + 36);
    bytes.writeUInt32BE(crc32c(bytes.subarray(attributesAt, this.#end)), crcAt);
    return bytes.subarray(0, this.#end);
  }

  reset(): void {
    this.count = 0;
    this.#end = recordsAt;
  }

  #reserve(more: number): void {
    if (this.#end + more <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#end + more));
    this.#bytes.copy(larger, 0, 0, this.#end);
    this.#bytes = larger;
  }
}

/** One header, its name encoded before; returns where it ends. The caller sees to the room. */
export function writeHeader(target: Buffer, at: number, name: Buffer, value: Span | null): number {
  return writeSpan(target, writeSpan(target, at, spanOf(name)), value);
}

/** The most that a header takes. */
export const headerRoom = (name: Buffer, value: Span | null): number =>
  name.length + (value === null ? 0 : value.end - value.start) + 10;

export const spanOf = (bytes: Buffer): Span => ({ bytes, start: 0, end: bytes.length });

/** For the few messages that are not outbox rows. */
export function encodeMessages(messages: readonly Message[]): RecordBatch {
  const batch = new RecordBatch();
  for (const { key, value, headers } of messages) {
    const list = listOf(headers).map(({ name, value: held }) => ({
      name: Buffer.from(name),
      held: spanOrNull(held),
    }));
    const bytes = Buffer.allocUnsafe(list.reduce((sum, { name, held }) => sum + headerRoom(name, held), 0));
    let end = 0;
    for (const { name, held } of list) end = writeHeader(bytes, end, name, held);
    batch.append(spanOrNull(key), spanOrNull(value), { bytes, start: 0, end }, list.length);
  }
  return batch;
}

const listOf = (headers: Message['headers']): readonly RecordHeader[] =>
  isList(headers)
    ? headers
    : Object.entries(headers).map(([name, text]) => ({ name, value: Buffer.from(text) }));

const isList = (headers: Message['headers']): headers is readonly RecordHeader[] => Array.isArray(headers);

const spanOrNull = (data: string | Buffer | null): Span | null =>
  data === null ? null : spanOf(typeof data === 'string' ? Buffer.from(data) : data);

/** Zigzag, seven bits a byte. Lengths and deltas are never negative but for the one that says null. */
const varintSize = (value: number): number =>
  value < 64 ? 1 : value < 8_192 ? 2 : value < 1_048_576 ? 3 : value < 134_217_728 ? 4 : 5;

function writeVarint(target: Buffer, at: number, value: number): number {
  let rest = value * 2;
  while (rest > 127) {
    target[at++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  target[at++] = rest;
  return at;
}

const spanSize = (span: Span | null): number => {
  if (span === null) return 1;
  const length = span.end - span.start;
  return varintSize(length) + length;
};

function writeSpan(target: Buffer, at: number, span: Span | null): number {
  if (span !== null) return copySpan(target, writeVarint(target, at, span.end - span.start), span);
  target[at] = 1; // -1
  return at + 1;
}

/** A call into native code costs more than a short loop. */
const shortBytes = 24;

function copySpan(target: Buffer, at: number, { bytes, start, end }: Span): number {
  const length = end - start;
  if (length > shortBytes) bytes.copy(target, at, start, end);
  else for (let index = 0; index < length; index++) target[at + index] = bytes[start + index] ?? 0;
  return at + length;
}
