import { messageOf } from '../errors.ts';
import { hideAborted, type AbortedTransaction } from './aborted.ts';
import { decompress } from './codecs/decompress.ts';
import { decodeRecordSet, isRecordSet, type FetchedRecord, type RecordBudget } from './record-set.ts';

type Decoder = {
  buffer: Buffer;
  offset: number;
  readInt32: () => number;
  canReadBytes: (length: number) => boolean;
  readBytes: (length: number) => Buffer;
};
type DecodeMessages = (decoder: Decoder) => Promise<FetchedRecord[]>;
/** `logStart`: the first offset that the partition still holds. */
type Messages = FetchedRecord[] & { logStart?: number };
type PartitionData = {
  abortedTransactions?: AbortedTransaction[];
  lastStartOffset?: string;
  messages: Messages;
};
type FetchResponse = { responses: { partitions: PartitionData[] }[] };
type Response = { decode: (raw: Buffer) => Promise<FetchResponse> };
type BatchClass = { prototype: { rawMessages: Messages; isEmpty: () => boolean } };

/**
 * What kafkajs 2.2.4 makes of a fetch is replaced, because of what other producers, brokers and disks give:
 * - it knows gzip alone, and what it cannot decode it fetches again for ever, or ends over it; it checks no checksum;
 * - 8,000 headers in one message kept it busy for 40 s, and the order of repeated ones was lost;
 * - a batch that compaction emptied held its partition for ever, and each offset of a gap was a fetch of its own;
 * - of two aborted transactions the records of one came through;
 * - a stretch of markers and aborted records came to no handler, so that nobody committed it and the lag stayed.
 */
export function patchFetch(require: NodeJS.Require): void {
  const path = 'kafkajs/src/protocol/requests/fetch/';
  const original = require(`${path}v4/decodeMessages`) as DecodeMessages;
  const loaded = require.cache[require.resolve(`${path}v4/decodeMessages`)];
  if (loaded !== undefined) loaded.exports = decodeWith(original, oldDecoder(require));
  for (const version of [4, 5, 6, 7, 8, 9, 10, 11])
    completeResponse(require(`${path}v${version}/response`) as Response);
  tellOfFiltered(require('kafkajs/src/consumer/batch') as BatchClass);
}

/** What the batches of one answer have become in memory together. */
const budgets = new WeakMap<Decoder, RecordBudget>();

const decodeWith =
  (original: DecodeMessages, copyOf: (buffer: Buffer) => Decoder): DecodeMessages =>
  async (decoder) => {
    const start = decoder.offset;
    const size = decoder.readInt32();
    if (size <= 0 || !decoder.canReadBytes(size)) return [];
    const set = decoder.readBytes(size);
    const budget = budgets.get(decoder) ?? { usedBytes: 0 };
    budgets.set(decoder, budget);
    if (isRecordSet(set)) return decodeRecordSet(set, budget);
    return original(copyOf(decoder.buffer.subarray(start))).catch((error: unknown) => [damaged(set, error)]);
  };

/** Messages of before Kafka 0.11 are left to kafkajs, with the codecs that it lacks. */
function oldDecoder(require: NodeJS.Require): (buffer: Buffer) => Decoder {
  const { Codecs } = require('kafkajs/src/protocol/message/compression') as {
    Codecs: Record<number, () => { decompress: (bytes: Buffer) => Promise<Buffer> }>;
  };
  for (const codec of [2, 3]) Codecs[codec] = () => ({ decompress: (bytes) => decompressOld(codec, bytes) });
  const Decoder = require('kafkajs/src/protocol/decoder') as new (buffer: Buffer) => Decoder;
  return (buffer) => new Decoder(buffer);
}

const maxOldBytes = 67_108_864;

async function decompressOld(codec: number, bytes: Buffer): Promise<Buffer> {
  const text = await decompress(codec, bytes, maxOldBytes);
  if (text.kind === 'bytes') return text.bytes;
  throw new RangeError(text.kind === 'broken' ? text.detail : `more than ${maxOldBytes} bytes`);
}

/** In place of messages that kafkajs cannot read: one at the first offset, with all their bytes. */
function damaged(set: Buffer, error: unknown): FetchedRecord {
  const offset = set.length >= 8 ? Number(set.readBigInt64BE(0)) : 0;
  return {
    offset: String(offset),
    timestamp: '-1',
    attributes: 0,
    key: null,
    value: set,
    headers: [],
    isControlRecord: false,
    batchContext: {
      firstOffset: String(offset),
      lastOffset: offset,
      producerId: '-1',
      inTransaction: false,
      isControlBatch: false,
    },
    unreadable: `messages of an old format cannot be read: ${messageOf(error)}`,
  };
}

function completeResponse(response: Response): void {
  const { decode } = response;
  response.decode = async (raw) => {
    const answer = await decode(raw);
    for (const { partitions } of answer.responses) for (const partition of partitions) complete(partition);
    return answer;
  };
}

function complete(partition: PartitionData): void {
  const { messages, abortedTransactions = [], lastStartOffset } = partition;
  if (abortedTransactions.length > 0) hideAborted(messages, abortedTransactions);
  partition.abortedTransactions = [];
  if (lastStartOffset !== undefined) messages.logStart = Number(lastStartOffset);
}

/** The first offset that the partition held when the batch was fetched. */
export const logStartOf = (batch: object): number | undefined =>
  (batch as { rawMessages?: Messages }).rawMessages?.logStart;

/** A stretch that has no message for a handler comes to it all the same: it says how far the partition was read. */
function tellOfFiltered({ prototype }: BatchClass): void {
  prototype.isEmpty = function (): boolean {
    return this.rawMessages.length === 0;
  };
}
