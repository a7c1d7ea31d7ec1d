import { gzipSync, zstdCompressSync } from 'node:zlib';
import { crc32c } from '@platformatic/kafka';
import { lz4Compress, snappyCompress } from '@platformatic/wasm-utils';
import { encodeMessages } from '../../src/kafka/record-batch.ts';
import type { Message } from '../../src/kafka/message.ts';

const lengthAt = 8;
const crcAt = 17;
const attributesAt = 21;
const recordsAt = 61;

const xerialHeader = Buffer.concat([
  Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]),
  Buffer.from([0, 0, 0, 1, 0, 0, 0, 1]),
]);

/** In blocks of `size` bytes, as snappy-java writes it. */
export function snappyInBlocks(text: Buffer, size = 32_768): Buffer {
  const parts: Buffer[] = [xerialHeader];
  for (let at = 0; at < text.length; at += size) {
    const block = snappyCompress(text.subarray(at, at + size));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(block.length);
    parts.push(length, block);
  }
  return Buffer.concat(parts);
}

export const compressors: Record<string, { codec: number; compress: (text: Buffer) => Buffer }> = {
  none: { codec: 0, compress: (text) => text },
  gzip: { codec: 1, compress: (text) => gzipSync(text) },
  'snappy, raw': { codec: 2, compress: (text) => snappyCompress(text) },
  'snappy, in blocks': { codec: 2, compress: (text) => snappyInBlocks(text) },
  lz4: { codec: 3, compress: (text) => lz4Compress(text) },
  zstd: { codec: 4, compress: (text) => zstdCompressSync(text) },
};

export type BatchOptions = {
  baseOffset?: number;
  compression?: string;
  /** Edits the whole batch, before its checksum is made. */
  edit?: (batch: Buffer) => void;
  lastOffsetDelta?: number;
  producerId?: number;
  attributes?: number;
};

/** A record batch as a broker gives it. */
export function recordBatch(messages: readonly Message[], options: BatchOptions = {}): Buffer {
  const plain = Buffer.from(encodeMessages(messages).finish(1_700_000_000_000));
  const { codec, compress } = compressors[options.compression ?? 'none']!;
  return sealed(plain.subarray(0, recordsAt), compress(plain.subarray(recordsAt)), { ...options, codec });
}

function sealed(frame: Buffer, records: Buffer, options: BatchOptions & { codec: number }): Buffer {
  const batch = Buffer.concat([frame, records]);
  batch.writeBigInt64BE(BigInt(options.baseOffset ?? 0), 0);
  batch.writeInt32BE(batch.length - 12, lengthAt);
  batch.writeInt16BE(options.codec | (options.attributes ?? 0), attributesAt);
  if (options.lastOffsetDelta !== undefined) batch.writeInt32BE(options.lastOffsetDelta, attributesAt + 2);
  if (options.producerId !== undefined) batch.writeBigInt64BE(BigInt(options.producerId), attributesAt + 22);
  options.edit?.(batch);
  batch.writeUInt32BE(crc32c(batch.subarray(attributesAt)), crcAt);
  return batch;
}

/** What compaction leaves of a batch whose records are all gone. */
export const emptyBatch = (baseOffset: number, lastOffsetDelta: number): Buffer =>
  recordBatch([], { baseOffset, lastOffsetDelta });

/** The end of a transaction. */
export const controlBatch = (baseOffset: number, kind: 'abort' | 'commit', producerId: number): Buffer =>
  recordBatch([{ key: Buffer.from([0, 0, 0, kind === 'abort' ? 0 : 1]), value: null, headers: {} }], {
    baseOffset,
    producerId,
    attributes: 0x30,
  });
