import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { murmur2, partitionFor } from '../../../src/kafka/partition.ts';

describe('the partition of a key', () => {
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])("hashes %s as Kafka's own test does", (text, hash) => {
    expect(murmur2(Buffer.from(text))).toBe(hash);
  });

  it("is where kafkajs's default partitioner puts it", () => {
    const require = createRequire(import.meta.url);
    const { Partitioners } = require('kafkajs') as {
      Partitioners: { DefaultPartitioner: () => (given: object) => number };
    };
    const theirs = Partitioners.DefaultPartitioner();
    const partitionMetadata = Array.from({ length: 7 }, (_, partitionId) => ({ partitionId, leader: 1 }));
    for (let number = 0; number < 500; number++) {
      const key = `wx0123456789abcdef/42000012342026112300${number}`;
      expect(partitionFor(key, 7)).toBe(theirs({ topic: 't', partitionMetadata, message: { key } }));
    }
  });
});
