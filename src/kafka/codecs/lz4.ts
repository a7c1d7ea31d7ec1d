import { broken, copyBytes, repeat, tooLarge, type Decompressed } from './decompressed.ts';

const frameMagic = 0x184d2204;
/** Frames of other programs' own data: to be skipped. */
const isSkippable = (magic: number): boolean => magic >>> 4 === 0x184d2a5;

/** The largest block of a frame, by the number in its header. */
const blockBytes: Readonly<Record<number, number>> = { 4: 65_536, 5: 262_144, 6: 1_048_576, 7: 4_194_304 };

/** Grows as blocks come, because a frame need not say how long its text is. */
type Target = { bytes: Buffer; written: number };

/** LZ4 in its frame format, of linked blocks or independent ones. Its checksums are left to the record batch's own. */
export function decompressLz4(source: Buffer, limit: number): Decompressed {
  const target: Target = { bytes: Buffer.allocUnsafe(Math.min(limit, source.length * 4)), written: 0 };
  for (let at = 0; at < source.length;) {
    if (at + 8 > source.length) return broken('lz4 ends within a header');
    const magic = source.readUInt32LE(at);
    if (isSkippable(magic)) {
      at += 8 + source.readUInt32LE(at + 4);
      continue;
    }
    if (magic !== frameMagic) return broken('this is no lz4 frame');
    const frame = decompressFrame(source, at, { target, limit });
    if (typeof frame !== 'number') return frame;
    at = frame;
  }
  return { kind: 'bytes', bytes: target.bytes.subarray(0, target.written) };
}

type Into = { target: Target; limit: number };
type Header = { largest: number; hasBlockSums: boolean; trailer: number; end: number };

/** Where the frame ends. */
function decompressFrame(source: Buffer, start: number, { target, limit }: Into): number | Decompressed {
  const header = readHeader(source, start);
  if (header === null) return broken('the header of the lz4 frame is damaged, or it needs a dictionary');
  let at = header.end;
  for (;;) {
    if (at + 4 > source.length) return broken('lz4 ends within a frame');
    const size = source.readUInt32LE(at);
    if (size === 0) return at + 4 + header.trailer;
    const end = at + 4 + (size & 0x7fffffff);
    if (end > source.length) return broken('lz4 ends within a block');
    reserve(target, header.largest);
    const isStored = size > 0x7fffffff;
    const decoded = (isStored ? copyBlock : decodeBlock)(source, { at: at + 4, end }, target, header.largest);
    if (!decoded) return broken('an lz4 block is damaged');
    if (target.written > limit) return tooLarge;
    at = end + (header.hasBlockSums ? 4 : 0);
  }
}

function readHeader(source: Buffer, start: number): Header | null {
  const flags = source[start + 4] ?? 0;
  const largest = blockBytes[((source[start + 5] ?? 0) >>> 4) & 7];
  const hasDictionary = (flags & 1) !== 0;
  if (flags >>> 6 !== 1 || largest === undefined || hasDictionary) return null;
  const end = start + 7 + ((flags & 8) !== 0 ? 8 : 0); // it may say the size of the text
  return { largest, hasBlockSums: (flags & 16) !== 0, trailer: (flags & 4) !== 0 ? 4 : 0, end };
}

function reserve(target: Target, more: number): void {
  if (target.written + more <= target.bytes.length) return;
  const larger = Buffer.allocUnsafe(Math.max(target.bytes.length * 2, target.written + more));
  target.bytes.copy(larger, 0, 0, target.written);
  target.bytes = larger;
}

type Block = { at: number; end: number };

function copyBlock(source: Buffer, { at, end }: Block, target: Target, largest: number): boolean {
  if (end - at > largest) return false;
  source.copy(target.bytes, target.written, at, end);
  target.written += end - at;
  return true;
}

/**
 * Sequences of literals and of what came before; false where one leads outside of either side. One loop, because calls and
 * fields for each of the sequences, a few bytes long often, make it three times slower.
 */
// eslint-disable-next-line complexity -- see above
function decodeBlock(source: Buffer, block: Block, target: Target, largest: number): boolean {
  const { bytes } = target;
  const full = target.written + largest;
  const { end } = block;
  let { at } = block;
  let { written } = target;
  while (at < end) {
    const token = source[at++] ?? 0;
    let length = token >>> 4;
    if (length === 15) for (let more = 255; more === 255; length += more) more = source[at++] ?? 0;
    if (at + length > end || written + length > full) return false;
    copyBytes(bytes, written, source, at, length);
    at += length;
    written += length;
    if (at === end) break; // the last sequence has literals alone
    const distance = (source[at] ?? 0) + ((source[at + 1] ?? 0) << 8);
    at += 2;
    length = (token & 15) + 4;
    if (length === 19) for (let more = 255; more === 255; length += more) more = source[at++] ?? 0;
    if (at > end || distance === 0 || distance > written || written + length > full) return false;
    repeat(bytes, written, distance, length);
    written += length;
  }
  target.written = written;
  return true;
}
