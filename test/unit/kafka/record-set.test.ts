import { describe, expect, it } from 'vitest';
import { hideAborted } from '../../../src/kafka/aborted.ts';
import type { Message } from '../../../src/kafka/message.ts';
import { received } from '../../../src/kafka/received.ts';
import { decodeRecordSet, type FetchedRecord } from '../../../src/kafka/record-set.ts';
import { compressors, controlBatch, emptyBatch, recordBatch } from '../../support/record-batches.ts';

const message = (text: string): Message => ({ key: `key of ${text}`, value: text, headers: {} });
const decode = (...batches: Buffer[]): Promise<FetchedRecord[]> =>
  decodeRecordSet(Buffer.concat(batches), { usedBytes: 0 });
/** What a handler sees: offset and value. */
const seen = (records: readonly FetchedRecord[]): [number, string][] =>
  records
    .filter(({ isControlRecord }) => !isControlRecord)
    .map(({ offset, value }) => [Number(offset), String(value)]);
const endOf = (records: readonly FetchedRecord[]): number => Number(records.at(-1)!.offset);

describe('the records of a fetch', () => {
  it.each(Object.keys(compressors))('are those of every batch (%s)', async (compression) => {
    const records = await decode(
      recordBatch([message('a'), message('b')], { baseOffset: 5, compression }),
      recordBatch([message('c')], { baseOffset: 7, compression }),
    );
    expect(seen(records)).toEqual([
      [5, 'a'],
      [6, 'b'],
      [7, 'c'],
    ]);
    expect(String(records[1]!.key)).toBe('key of b');
    expect(records[0]!.timestamp).toBe('1700000000000');
  });

  it('keep headers as they came: in order, repeated, without a value', async () => {
    const headers = [
      { name: 'b', value: Buffer.from([0, 255]) },
      { name: 'a', value: null },
      { name: 'b', value: null },
      { name: '__proto__', value: Buffer.from('x') },
      { name: 'a', value: Buffer.from('2') },
    ];
    const [record] = await decode(recordBatch([{ key: null, value: 'v', headers }]));
    const { headers: last, rawHeaders } = received('t', 0, record!);
    expect(rawHeaders).toEqual(headers);
    expect(Object.keys(last).sort()).toEqual(['__proto__', 'a']);
    expect(String(last['a'])).toBe('2');
  });

  /** kafkajs copied all headers once more for each: these took minutes. */
  it('may have many headers', async () => {
    const headers = Array.from({ length: 20_000 }, (_, at) => ({ name: `h${at}`, value: null }));
    const [record] = await decode(recordBatch([{ key: null, value: 'v', headers }]));
    expect(record!.headers).toHaveLength(20_000);
  });

  it('end where their batch ends, whatever compaction left of it', async () => {
    const gap = recordBatch([message('a')], { baseOffset: 10, lastOffsetDelta: 40 });
    const records = await decode(gap, emptyBatch(51, 8));
    expect(seen(records)).toEqual([[10, 'a']]);
    expect(endOf(records)).toBe(59);
    expect(endOf(await decode(emptyBatch(3, 4)))).toBe(7);
  });

  it('stop at a batch that the broker cut', async () => {
    const whole = recordBatch([message('a')]);
    const cut = recordBatch([message('b')], { baseOffset: 1 }).subarray(0, 70);
    expect(seen(await decode(whole, cut))).toEqual([[0, 'a']]);
    expect(await decode(cut)).toEqual([]);
  });
});

describe('a batch that cannot be read', () => {
  const good = recordBatch([message('good')], { baseOffset: 2 });
  const outcome = async (batch: Buffer): Promise<string> => {
    const records = await decode(batch, good);
    expect(seen(records).at(-1)).toEqual([2, 'good']);
    const [first] = records;
    expect([first!.offset, first!.value!.length]).toEqual(['1', batch.length]);
    return first!.unreadable!;
  };
  const two = [message('a'), message('b')];

  it('is one record that says why, at its last offset, and what follows is read', async () => {
    const flipped = recordBatch(two);
    flipped[70]! ^= 4;
    expect(await outcome(flipped)).toMatch(/^the record batch of the offsets 0 to 1 .*checksum is wrong/);
    for (const compression of Object.keys(compressors).slice(1)) {
      const noise = (batch: Buffer): void => void batch.fill(0xaa, 61);
      expect(await outcome(recordBatch(two, { compression, edit: noise }))).toMatch(/does not decompress/);
    }
    const unknown = recordBatch(two, { attributes: 7 });
    expect(await outcome(unknown)).toMatch(/compression 7 is none that Kafka knows/);
    const more = recordBatch(two, { edit: (batch) => batch.writeInt32BE(3, 57) });
    expect(await outcome(more)).toMatch(/record 3 of 3 is damaged/);
    const endless = recordBatch(two, { edit: (batch) => batch.writeInt32BE(2_147_483_647, 57) });
    expect(await outcome(endless)).toMatch(/more than 200000 records/);
    const negative = recordBatch(two, { edit: (batch) => batch.writeInt32BE(-5, 57) });
    expect(await outcome(negative)).toMatch(/negative/);
  });

  it('is one whose length is damaged, and then what follows waits for the next fetch', async () => {
    const damaged = recordBatch(two);
    damaged.writeInt32BE(20, 8);
    const records = await decode(damaged, good);
    expect(records).toHaveLength(1);
    expect(records[0]).toMatchObject({ offset: '1', unreadable: expect.stringMatching(/length/) as string });
  });

  it.each(['gzip', 'snappy, in blocks', 'lz4', 'zstd'])('is a bomb of %s', async (compression) => {
    const bomb = [{ key: null, value: Buffer.alloc(120_000_000), headers: {} }];
    const [first] = await decode(recordBatch(bomb, { compression }));
    // Snappy shrinks zeros to a twentieth: that is within the bounds, and the one message is too large for an event.
    if (compression.startsWith('snappy')) expect(first!.value).toHaveLength(120_000_000);
    else expect(first!.unreadable).toMatch(/makes more than/);
  });

  it('is one of more headers than memory holds', async () => {
    const headers = Array.from({ length: 250_000 }, () => ({ name: '', value: null }));
    const [first] = await decode(recordBatch([{ key: null, value: 'v', headers }]));
    expect(first!.unreadable).toMatch(/more than 200000 records and headers|is damaged/);
  });
});

it('leaves batches to the next fetch once their text has used up the memory of this one', async () => {
  const large = (baseOffset: number): Buffer =>
    recordBatch([{ key: null, value: Buffer.alloc(40_000_000), headers: {} }], {
      baseOffset,
      compression: 'zstd',
    });
  expect((await decode(large(0), large(1), large(2))).map(({ offset }) => offset)).toEqual(['0', '1']);
});

describe('a message that is larger than any event', () => {
  it('keeps its beginning, and says where the rest lies', async () => {
    const value = Buffer.alloc(20_000_000, 'v');
    const [record] = await decode(recordBatch([{ key: 'k', value, headers: {} }], { baseOffset: 9 }));
    const own = received('t', 3, record!);
    expect(own.value).toHaveLength(1_048_576);
    expect(own.unreadable).toMatch(/20000001 bytes.* t\/3@9/);
  });
});

describe('aborted transactions', () => {
  const of = (text: string, baseOffset: number, producerId: number): Buffer =>
    recordBatch([message(text)], { baseOffset, producerId, attributes: 0x10 });
  const read = async (aborted: [number, number][], ...batches: Buffer[]): Promise<string[]> => {
    const records = await decode(...batches);
    const list = aborted.map(([producerId, first]) => ({
      producerId: String(producerId),
      firstOffset: String(first),
    }));
    hideAborted(records, list);
    expect(endOf(records)).toBe(batches.length + 9);
    return seen(records).map(([, text]) => text);
  };

  it('are not seen, and those of others are', async () => {
    const log = [of('a', 10, 1), of('b', 11, 2), controlBatch(12, 'abort', 1), controlBatch(13, 'commit', 2)];
    expect(await read([[1, 10]], ...log, of('c', 14, 1), controlBatch(15, 'commit', 1))).toEqual(['b', 'c']);
  });

  it('are not seen where several began before the stretch, in whatever order the broker names them', async () => {
    const log = [of('a', 10, 1), of('b', 11, 2), of('c', 12, 3), controlBatch(13, 'abort', 2)];
    const aborted: [number, number][] = [
      [3, 7],
      [1, 2],
      [2, 3],
    ];
    expect(await read(aborted, ...log)).toEqual([]);
  });

  it('do not end at a message whose key looks like a marker', async () => {
    const faked = recordBatch([{ key: Buffer.alloc(4), value: 'fake', headers: {} }], {
      baseOffset: 10,
      producerId: 1,
      attributes: 0x10,
    });
    expect(await read([[1, 10]], faked, of('a', 11, 1), controlBatch(12, 'abort', 1))).toEqual([]);
  });
});
