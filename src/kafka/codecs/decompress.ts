import { gunzip, zstdDecompress } from 'node:zlib';
import { messageOf } from '../../errors.ts';
import { broken, tooLarge, type Decompressed } from './decompressed.ts';
import { decompressLz4 } from './lz4.ts';
import { decompressSnappy } from './snappy.ts';

/** By the number that a record batch has in its attributes. */
const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
export const codecName = (codec: number): (typeof codecs)[number] | undefined => codecs[codec];

/**
 * Decompresses up to `limit` bytes; resolves with an outcome whatever the bytes are. Snappy and lz4 are our own: the
 * WebAssembly that a dependency brings keeps memory of every call until it has 4 GiB, and then fails for ever.
 */
export async function decompress(codec: number, bytes: Buffer, limit: number): Promise<Decompressed> {
  switch (codecName(codec)) {
    case 'none':
      return { kind: 'bytes', bytes };
    case 'gzip':
      return unzip(gunzip, bytes, limit);
    case 'snappy':
      return decompressSnappy(bytes, limit);
    case 'lz4':
      return decompressLz4(bytes, limit);
    case 'zstd':
      return unzip(zstdDecompress, bytes, limit);
    case undefined:
      return broken(`compression ${codec} is none that Kafka knows`);
  }
}

type Unzip = (
  bytes: Buffer,
  options: { maxOutputLength: number; chunkSize: number },
  done: (error: Error | null, bytes: Buffer) => void,
) => void;

const unzip = (method: Unzip, bytes: Buffer, maxOutputLength: number): Promise<Decompressed> =>
  new Promise((resolve) => {
    method(bytes, { maxOutputLength, chunkSize: 65_536 }, (error, text) => {
      if (error === null) resolve({ kind: 'bytes', bytes: text });
      else if ((error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE') resolve(tooLarge);
      else resolve(broken(messageOf(error)));
    });
  });
