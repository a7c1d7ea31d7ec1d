import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { decompress } from '../../../src/kafka/codecs/decompress.ts';
import { createRandom } from '../../support/random.ts';
import { compressors } from '../../support/record-batches.ts';

const limit = 4_000_000;
const named = Object.entries(compressors).map(([name, rest]) => ({ name, ...rest }));
const compressed = named.filter(({ codec }) => codec !== 0);

/** Texts that repeat near and far, and some that do not repeat at all. */
function texts(seed: number): Buffer[] {
  const random = createRandom(seed);
  const pick = (count: number): number => Math.floor(random() * count);
  const noise = Buffer.from(Array.from({ length: 70_000 }, () => pick(256)));
  const events = Array.from(
    { length: 3_000 },
    (_, at) => `{"id":"order-${at}","text":"红富士苹果 ${pick(50)}kg*1","n":${pick(1_000_000)}}`,
  );
  return [
    Buffer.from('{}'),
    Buffer.from('a'.repeat(1_000_000)),
    noise,
    Buffer.concat([noise, noise]),
    Buffer.from(events.join('')),
  ];
}

describe.each(named)('$name', ({ codec, compress }) => {
  it('gives back what was compressed', async () => {
    for (const text of texts(7)) {
      const got = await decompress(codec, compress(text), limit);
      expect(got.kind === 'bytes' && got.bytes.equals(text)).toBe(true);
    }
  });
});

describe.each(compressed)('$name', ({ codec, compress }) => {
  it('stops at its limit, however much is promised', async () => {
    const zeros = compress(Buffer.alloc(30_000_000));
    const before = process.memoryUsage.rss();
    for (let time = 0; time < 20; time++)
      expect(await decompress(codec, zeros, limit)).toEqual({ kind: 'too_large' });
    expect(process.memoryUsage.rss() - before).toBeLessThan(300_000_000);
    expect((await decompress(codec, compress(Buffer.alloc(1_000)), 1_000)).kind).toBe('bytes');
  });

  it('resolves whatever the bytes are: cut, changed or noise', async () => {
    const random = createRandom(codec);
    const whole = compress(texts(3).at(-1)!);
    for (let time = 0; time < 300; time++) {
      const bytes = Buffer.from(whole.subarray(0, 1 + Math.floor(random() * whole.length)));
      for (let flips = 0; flips < 3; flips++) bytes[Math.floor(random() * bytes.length)]! ^= 1 << (flips * 2);
      await decompress(codec, bytes, limit);
      await decompress(codec, Buffer.from(bytes.map(() => Math.floor(random() * 256))), limit);
    }
    expect((await decompress(codec, whole.subarray(0, whole.length >> 1), limit)).kind).toBe('broken');
  });
});

describe('lz4 of other libraries', () => {
  const decoded = async (hex: string): Promise<string> => {
    const got = await decompress(3, Buffer.from(hex, 'hex'), limit);
    return got.kind === 'bytes' ? got.bytes.toString() : got.kind;
  };
  /** Flags 0x40 (linked blocks), blocks of 64 kB at most; a stored block, and one that repeats 5 bytes of it. */
  const stored = '05000080' + Buffer.from('hello').toString('hex');
  const linked = '04000000' + '11' + '20' + '0600'; // ' ', then 5 from 6 back

  it('may link its blocks, say its size, or stand behind a frame of something else', async () => {
    expect(await decoded(`04224d18404000${stored}${linked}00000000`)).toBe('hello hello');
    expect(await decoded(`04224d1848400b0000000000000000${stored}${linked}00000000`)).toBe('hello hello');
    expect(await decoded(`502a4d1802000000ffff04224d18404000${stored}00000000`)).toBe('hello');
    expect(await decoded(`04224d18404000${stored}0000000004224d18404000${stored}00000000`)).toBe(
      'hellohello',
    );
  });

  it('is broken where it leads before its beginning, or asks for a dictionary', async () => {
    expect(await decoded(`04224d18404000${linked}00000000`)).toBe('broken');
    expect(await decoded(`04224d184140000000000000${stored}00000000`)).toBe('broken');
  });
});

it('a compression that Kafka does not know is broken, and so is one that is another', async () => {
  expect((await decompress(6, Buffer.from('x'), limit)).kind).toBe('broken');
  expect((await decompress(1, zstdCompressSync('x'), limit)).kind).toBe('broken');
  expect((await decompress(4, gzipSync('x'), limit)).kind).toBe('broken');
  expect((await decompress(3, gzipSync('x'), limit)).kind).toBe('broken');
});
