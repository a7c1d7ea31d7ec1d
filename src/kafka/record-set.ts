import { crc32c } from '@platformatic/kafka';
import { BytesReader } from './bytes-reader.ts';
import { codecName, decompress } from './codecs/decompress.ts';
import type { RecordHeader } from './message.ts';

/** What is common to the records of a batch; kafkajs reads some of it. */
export type BatchContext = {
  firstOffset: string;
  lastOffset: number;
  producerId: string;
  inTransaction: boolean;
  isControlBatch: boolean;
};

/** A record in the form that kafkajs hands on. */
export type FetchedRecord = {
  offset: string;
  timestamp: string;
  attributes: number;
  key: Buffer | null;
  value: Buffer | null;
  /** All of them in their order, where kafkajs has an object. */
  headers: RecordHeader[];
  /** True as well for what only says how far the batch reaches. */
  isControlRecord: boolean;
  batchContext: BatchContext;
  /** Why a whole batch stands here as one record, with its bytes for a value. */
  unreadable?: string;
};

/** A batch's frame, magic 2: base offset, length, leader epoch, magic, crc, and from the attributes on what that covers. */
const lengthAt = 8;
const bodyAt = 12;
const magicAt = 16;
const crcAt = 17;
const attributesAt = 21;
const recordsAt = 61;

/** What a batch may become in memory. Kafka limits batches as they are sent, a megabyte, and zeros shrink to nothing. */
const leastBytes = 67_108_864;
const mostTimes = 64;
/** A record of a few bytes takes hundreds here, and so does a header. */
const maxItems = 200_000;
/** Checking a larger one takes its memory twice, for good. */
const maxCheckedBytes = 8_388_608;

export type RecordBudget = { usedBytes: number };

/**
 * The records of all whole batches of one partition's answer. A batch that cannot be read (damaged, of an unknown codec, too
 * large once it is decompressed) is one record that says so, because whoever throws here gets the same batch again, for ever.
 * `budget` is that of the whole answer: once it is used up, what follows is left to the next fetch.
 *
 * A batch whose last offsets were compacted away, or all of them, ends with a record that is for no handler: kafkajs asks
 * for what comes after the last record that it has seen.
 */
export async function decodeRecordSet(set: Buffer, budget: RecordBudget): Promise<FetchedRecord[]> {
  const records: FetchedRecord[] = [];
  for (let start = 0; start + recordsAt <= set.length;) {
    const end = endOfBatch(set, start);
    if (end > set.length) break; // cut by the broker: it comes whole the next time
    if (records.length > 0 && budget.usedBytes >= leastBytes) break;
    for (const record of await decodeBatch(set.subarray(start, end), budget)) records.push(record);
    start = end;
  }
  return records;
}

/** Where the length is damaged nobody knows where the next batch begins: all that follows is taken for this one. */
function endOfBatch(set: Buffer, start: number): number {
  const length = bodyAt + set.readInt32BE(start + lengthAt);
  return length < recordsAt ? set.length : start + length;
}

/** At least one, and the last one stands where the batch ends. */
async function decodeBatch(batch: Buffer, budget: RecordBudget): Promise<FetchedRecord[]> {
  const frame = frameOf(batch);
  const body = await decodeBody(batch, frame, budget);
  if (body.kind === 'unreadable') return [wholeBatch(batch, frame, body.detail)];
  const last = Number(body.records.at(-1)?.offset ?? -1);
  return last < frame.context.lastOffset ? [...body.records, marker(frame.context)] : body.records;
}

/** Whether the bytes are of the format that Kafka 0.11 brought; what is older kafkajs decodes itself. */
export const isRecordSet = (set: Buffer): boolean => set[magicAt] === 2;

type Frame = {
  codec: number;
  usesAppendTime: boolean;
  firstOffset: number;
  firstTimestampMs: number;
  maxTimestampMs: number;
  count: number;
  context: BatchContext;
};

function frameOf(batch: Buffer): Frame {
  const firstOffset = Number(batch.readBigInt64BE(0));
  const attributes = batch.readInt16BE(attributesAt);
  const lastDelta = Math.max(0, batch.readInt32BE(attributesAt + 2));
  return {
    codec: attributes & 7,
    usesAppendTime: (attributes & 8) !== 0,
    firstOffset,
    firstTimestampMs: Number(batch.readBigInt64BE(attributesAt + 6)),
    maxTimestampMs: Number(batch.readBigInt64BE(attributesAt + 14)),
    count: batch.readInt32BE(attributesAt + 36),
    context: {
      firstOffset: String(firstOffset),
      lastOffset: firstOffset + lastDelta,
      producerId: String(batch.readBigInt64BE(attributesAt + 22)),
      inTransaction: (attributes & 16) !== 0,
      isControlBatch: (attributes & 32) !== 0,
    },
  };
}

type Body = { kind: 'records'; records: FetchedRecord[] } | { kind: 'unreadable'; detail: string };
const unreadable = (detail: string): Body => ({ kind: 'unreadable', detail });

async function decodeBody(batch: Buffer, frame: Frame, budget: RecordBudget): Promise<Body> {
  if (batch.readInt32BE(lengthAt) !== batch.length - bodyAt) return unreadable('its length is damaged');
  if (batch.length <= maxCheckedBytes && crc32c(batch.subarray(attributesAt)) !== batch.readUInt32BE(crcAt))
    return unreadable('its checksum is wrong: it was damaged on its way or on a disk');
  const limit = Math.max(leastBytes, batch.length * mostTimes);
  const text = await decompress(frame.codec, batch.subarray(recordsAt), limit);
  const name = codecName(frame.codec) ?? 'its compression';
  switch (text.kind) {
    case 'too_large':
      return unreadable(`${name} makes more than ${limit} bytes of it`);
    case 'broken':
      return unreadable(`${name} does not decompress: ${text.detail}`);
    case 'bytes':
      if (frame.codec !== 0) budget.usedBytes += text.bytes.length;
      return decodeRecords(text.bytes, frame);
  }
}

function decodeRecords(text: Buffer, frame: Frame): Body {
  const reader = new BytesReader(text);
  if (frame.count < 0) return unreadable('it holds a negative number of records');
  const records: FetchedRecord[] = [];
  let items = frame.count;
  for (let index = 0; index < frame.count && items <= maxItems; index++) {
    const record = readRecord(reader, frame);
    if (record === null) return unreadable(`record ${index + 1} of ${frame.count} is damaged`);
    items += record.headers.length;
    records.push(record);
  }
  return items > maxItems
    ? unreadable(`it holds more than ${maxItems} records and headers`)
    : { kind: 'records', records };
}

function readRecord(reader: BytesReader, frame: Frame): FetchedRecord | null {
  const length = reader.varint();
  const end = reader.at + length;
  reader.at += 1; // its attributes are not used
  const timestampMs = frame.firstTimestampMs + reader.varint();
  const offset = frame.firstOffset + reader.varint();
  const key = reader.bytes();
  const value = reader.bytes();
  const headers = readHeaders(reader);
  if (reader.failed || reader.at !== end) return null;
  return {
    offset: String(offset),
    timestamp: String(frame.usesAppendTime ? frame.maxTimestampMs : timestampMs),
    attributes: 0,
    key,
    value,
    headers,
    isControlRecord: frame.context.isControlBatch,
    batchContext: frame.context,
  };
}

function readHeaders(reader: BytesReader): RecordHeader[] {
  const count = reader.varint();
  if (count < 0) reader.failed = true;
  const headers: RecordHeader[] = [];
  for (let index = 0; index < count && index <= maxItems && !reader.failed; index++) {
    const name = reader.text();
    if (name === null) reader.failed = true;
    else headers.push({ name, value: reader.bytes() });
  }
  return headers;
}

const marker = (context: BatchContext): FetchedRecord => ({
  offset: String(context.lastOffset),
  timestamp: '-1',
  attributes: 0,
  key: null,
  value: null,
  headers: [],
  isControlRecord: true,
  batchContext: context,
});

/** It stands at the last offset, so that the next fetch begins after the batch. */
const wholeBatch = (batch: Buffer, { context }: Frame, detail: string): FetchedRecord => ({
  ...marker(context),
  value: batch,
  isControlRecord: false,
  unreadable: `the record batch of the offsets ${context.firstOffset} to ${context.lastOffset} cannot be read: ${detail}`,
});
