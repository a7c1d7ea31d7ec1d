/** Kafka's default partitioner for keyed messages, so that other producers put the same payment beside ours. */
export const partitionFor = (key: string, partitionCount: number): number =>
  partitionOfHash(murmur2(Buffer.from(key)), partitionCount);

export const partitionOfHash = (hash: number, partitionCount: number): number =>
  (hash & 0x7fffffff) % partitionCount;

const seed = 0x9747b28c;
const m = 0x5bd1e995;
const r = 24;

/** murmur2 as org.apache.kafka.common.utils.Utils has it, 32 bit, of the first `length` bytes. */
export function murmur2(data: Uint8Array, length = data.length): number {
  let h = seed ^ length;
  const words = length >> 2;
  for (let i = 0; i < words; i++) {
    const at = i * 4;
    let k =
      byte(data, at) | (byte(data, at + 1) << 8) | (byte(data, at + 2) << 16) | (byte(data, at + 3) << 24);
    k = Math.imul(k, m);
    k ^= k >>> r;
    h = Math.imul(h, m) ^ Math.imul(k, m);
  }
  const rest = length & 3;
  const tail = words * 4;
  if (rest === 3) h ^= byte(data, tail + 2) << 16;
  if (rest >= 2) h ^= byte(data, tail + 1) << 8;
  if (rest >= 1) h = Math.imul(h ^ byte(data, tail), m);
  h ^= h >>> 13;
  h = Math.imul(h, m);
  return h ^ (h >>> 15);
}

const byte = (data: Uint8Array, at: number): number => data[at] ?? 0;
