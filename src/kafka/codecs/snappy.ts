import { broken, copyBytes, repeat, tooLarge, type Decompressed } from './decompressed.ts';

/** Begins what xerial's snappy-java writes, and with it every Java producer: blocks of raw snappy, each with its length. */
const xerialMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
/** The magic, a version and the oldest version that reads it. */
const xerialHeaderBytes = 16;

/** Snappy in both framings that Kafka's producers use: raw (librdkafka, Go), and in xerial's blocks (Java). */
export function decompressSnappy(bytes: Buffer, limit: number): Decompressed {
  return isXerialAt(bytes, 0) ? decompressBlocks(bytes, limit) : decompressRaw(bytes, limit);
}

const isXerialAt = (bytes: Buffer, at: number): boolean =>
  bytes.subarray(at, at + xerialMagic.length).equals(xerialMagic);

function decompressBlocks(bytes: Buffer, limit: number): Decompressed {
  const blocks: Buffer[] = [];
  let room = limit;
  for (let at = 0; at < bytes.length;) {
    if (isXerialAt(bytes, at)) {
      at += xerialHeaderBytes; // streams may follow one another
      continue;
    }
    if (at + 4 > bytes.length) return broken('snappy ends within a length');
    const end = at + 4 + bytes.readUInt32BE(at);
    if (end > bytes.length) return broken('snappy ends within a block');
    const block = decompressRaw(bytes.subarray(at + 4, end), room);
    if (block.kind !== 'bytes') return block;
    blocks.push(block.bytes);
    room -= block.bytes.length;
    at = end;
  }
  return { kind: 'bytes', bytes: blocks.length === 1 ? (blocks[0] ?? empty) : Buffer.concat(blocks) };
}

const empty = Buffer.alloc(0);

/** The text says first how long it will be, and no more than that is written. */
export function decompressRaw(source: Buffer, limit: number): Decompressed {
  const preamble = readLength(source);
  if (preamble === null) return broken('snappy does not say its length');
  if (preamble.length > limit) return tooLarge;
  // 64 bytes come of 2 at the best: what promises more does not keep it, and its memory is not taken.
  if (preamble.length > source.length * 32) return broken('snappy promises more than it holds');
  const target = Buffer.allocUnsafe(preamble.length);
  return decodeElements(source, preamble.end, target) === target.length
    ? { kind: 'bytes', bytes: target }
    : broken('snappy text is damaged');
}

function readLength(source: Buffer): { length: number; end: number } | null {
  let length = 0;
  for (let at = 0; at < 5 && at < source.length; at++) {
    const byte = source[at] ?? 0;
    length += (byte & 0x7f) * 2 ** (7 * at);
    if (byte < 0x80) return { length, end: at + 1 };
  }
  return null;
}

/**
 * How much was written; -1 where an element leads outside of either side. One loop, because an object for each of the
 * elements, three bytes long often, makes it four times slower.
 */
// eslint-disable-next-line complexity -- see above
function decodeElements(source: Buffer, from: number, target: Buffer): number {
  let at = from;
  let written = 0;
  while (at < source.length) {
    const tag = source[at++] ?? 0;
    const kind = tag & 3;
    if (kind === 0) {
      const extra = Math.max(0, (tag >>> 2) - 59); // so many bytes hold the length
      const length = 1 + (extra === 0 ? tag >>> 2 : littleEndian(source, at, extra));
      at += extra;
      if (at + length > source.length || written + length > target.length) return -1;
      copyBytes(target, written, source, at, length);
      at += length;
      written += length;
      continue;
    }
    const length = kind === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1;
    const extra = kind === 3 ? 4 : kind;
    const distance = littleEndian(source, at, extra) + (kind === 1 ? (tag >>> 5) << 8 : 0);
    at += extra;
    if (at > source.length || distance === 0 || distance > written) return -1;
    if (written + length > target.length) return -1;
    repeat(target, written, distance, length);
    written += length;
  }
  return written;
}

function littleEndian(source: Buffer, at: number, bytes: number): number {
  let value = 0;
  for (let index = 0; index < bytes; index++) value += (source[at + index] ?? 0) * 2 ** (8 * index);
  return value;
}
