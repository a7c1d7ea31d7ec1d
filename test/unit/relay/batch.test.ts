import { describe, expect, it } from 'vitest';
import { partitionFor } from '../../../src/kafka/partition.ts';
import { createPlanner, grown, shrunk, type BatchLimit } from '../../../src/relay/batch.ts';
import { createMessageReader } from '../../../src/relay/message.ts';
import { decodeRow, idOf, type OutboxRow } from '../../../src/relay/row.ts';
import { outboxRow, readBatch } from '../../support/outbox-row.ts';

const route = {
  topics: { events: 'e', acks: 'a' },
  partitionCounts: new Map([
    ['e', 4],
    ['a', 2],
  ]),
};
const planSend = (rows: OutboxRow[]) => createPlanner().plan(rows, route);
const acknowledged = 'fahuo.shipment.acknowledged.v1';

describe('planning a send', () => {
  it('puts every row into the partition of its payment, in id order', () => {
    const rows = Array.from({ length: 100 }, (_, index) => outboxRow(index + 1));
    const { batches, taken } = planSend(rows);
    expect(taken).toBe(100);
    expect(batches.reduce((sum, part) => sum + part.records.count, 0)).toBe(100);
    for (const part of batches) {
      const messages = readBatch(part.records);
      expect(messages.every(({ key }) => partitionFor(key!, 4) === part.partition)).toBe(true);
      const ids = messages.map(({ headers }) => Number(headers['ce_id']!.slice(1)));
      expect(ids).toEqual([...ids].sort((left, right) => left - right));
      expect([part.firstId, part.lastId]).toEqual([ids[0], ids.at(-1)]);
    }
  });

  it('carries the stored text byte for byte', () => {
    const data = '{ "b":1 ,"b":2, "苹果":"\\u0061"}';
    const [batch] = planSend([outboxRow(1, { data })]).batches;
    expect(readBatch(batch!.records)[0]!.value).toBe(data);
  });

  it('sends acknowledgements to their own topic', () => {
    const { batches } = planSend([outboxRow(1), outboxRow(2, { type: acknowledged })]);
    expect(batches.map((part) => part.topic).sort()).toEqual(['a', 'e']);
  });

  it('names every attribute in a header', () => {
    const change = { reason: '地址', approved_by: 'li', traceparent: '00-a', version: '12' };
    const [batch] = planSend([outboxRow(1, change)]).batches;
    expect(readBatch(batch!.records)).toEqual([
      {
        key: 'wx/p1',
        value: '{"a":"苹果"}',
        headers: {
          ce_specversion: '1.0',
          ce_id: 'e1',
          ce_type: 'fahuo.shipment.shipped.v1',
          ce_source: '/s',
          ce_time: '2026-11-23T10:00:00+08:00',
          ce_appid: 'wx',
          ce_version: '12',
          'content-type': 'application/json',
          ce_reason: '地址',
          ce_approvedby: 'li',
          traceparent: '00-a',
        },
      },
    ]);
  });

  it('confuses neither apps nor sources nor types that take turns, however alike they are', () => {
    const kinds = ['wx', 'wxa', 'w'].flatMap((appid) =>
      ['/s', '/', '/sa'].flatMap((source) =>
        ['fahuo.shipment.shipped.v1', 'fahuo.shipment.corrected.v1'].map((type) => ({ appid, source, type })),
      ),
    );
    const rows = Array.from({ length: 200 }, (_, index) =>
      outboxRow(index + 1, { ...kinds[(index * 7) % kinds.length], payment: 'ä'.repeat(1 + (index % 40)) }),
    );
    const found = planSend(rows).batches.flatMap(({ records }) => readBatch(records));
    expect(found).toHaveLength(200);
    for (const { key, headers } of found) {
      const index = Number(headers['ce_id']!.slice(1)) - 1;
      const { appid, source, type } = kinds[(index * 7) % kinds.length]!;
      expect(key).toBe(`${appid}/${'ä'.repeat(1 + (index % 40))}`);
      expect(headers).toMatchObject({ ce_appid: appid, ce_source: source, ce_type: type });
    }
  });

  it('stops before a record batch would pass a megabyte, and always takes the first row', () => {
    const data = 'x'.repeat(250_000);
    const rows = Array.from({ length: 10 }, (_, index) => outboxRow(index + 1, { payment: 'one', data }));
    expect(planSend(rows).taken).toBe(3);
    expect(planSend([outboxRow(1, { data: 'x'.repeat(2_000_000) })]).taken).toBe(1);
    const long = { payment: 'p'.repeat(128), source: 's'.repeat(256), event_id: 'e'.repeat(128), data: '{}' };
    const many = Array.from({ length: 3_000 }, (_, index) => outboxRow(index + 1, long));
    const [batch] = planSend(many).batches;
    expect(batch!.records.size).toBeLessThan(1_048_576);
    expect(readBatch(batch!.records)).toHaveLength(batch!.records.count);
  });

  it('fills a batch to the limit: what a row takes at most is its text, its headers and a frame', () => {
    const one = { payment: 'one' };
    const first = outboxRow(1, { ...one, data: 'x'.repeat(500_000) });
    const { key, value, headers } = createMessageReader()(outboxRow(2, { ...one, data: '' }));
    expect(value.end).toBe(value.start);
    const left = 1_000_000 - planSend([first]).batches[0]!.records.size - (key.end + headers.end + 32);
    const takenWith = (length: number): number =>
      planSend([first, outboxRow(2, { ...one, data: 'x'.repeat(length) })]).taken;
    expect([takenWith(left), takenWith(left + 1)]).toEqual([2, 1]);
  });

  it('measures a row by its own bytes, wherever in a large buffer they lie', () => {
    const rows = [1, 2, 3].map((id) => {
      const { bytes, start } = outboxRow(id, { payment: 'one' });
      const before = Buffer.alloc(1_500_000);
      return { id, bytes: Buffer.concat([before, bytes]), start: before.length + start };
    });
    expect(planSend(rows).taken).toBe(3);
  });

  it('names no batch for a row that is left to the next send', () => {
    const [small, large] = [outboxRow(1), outboxRow(2, { data: 'x'.repeat(1_000_000), payment: 'other' })];
    const { batches, taken } = createPlanner().plan([small, large], {
      ...route,
      partitionCounts: new Map([['e', 1_000]]),
    });
    expect([taken, batches.length, batches[0]!.lastId]).toEqual([1, 1, 1]);
  });

  it('puts all rows into partition 0 of a topic whose partitions are not known', () => {
    const rows = Array.from({ length: 20 }, (_, index) => outboxRow(index + 1));
    const { batches } = createPlanner().plan(rows, { ...route, partitionCounts: new Map() });
    expect(batches.map(({ partition, partitionCount }) => [partition, partitionCount])).toEqual([[0, 1]]);
  });

  it('gives the same bytes for the same rows, also in memory that was used before', () => {
    const rows = Array.from({ length: 50 }, (_, index) =>
      outboxRow(index + 1, { data: 'd'.repeat(index * 20) }),
    );
    const planner = createPlanner();
    const first = planner.plan(rows, route);
    const copies = first.batches.map(({ records }) => Buffer.from(records.finish(1)));
    planner.reuse(first.batches);
    const again = planner.plan(rows, route);
    const used = new Set(first.batches.map(({ records }) => records));
    expect(again.batches.every(({ records }) => used.has(records))).toBe(true);
    expect(again.batches.map(({ records }) => Buffer.from(records.finish(1)))).toEqual(copies);
  });
});

describe('a row of a binary copy', () => {
  it('is read where it lies', () => {
    const { bytes, start } = outboxRow(2 ** 40 + 5);
    expect(idOf(bytes, start)).toBe(2 ** 40 + 5);
    expect(decodeRow(outboxRow(7, { reason: null, traceparent: '00-b' }))).toMatchObject({
      payment: 'p7',
      reason: null,
      traceparent: '00-b',
      data: '{"a":"苹果"}',
    });
  });
});

describe('a limit that Kafka taught the planner', () => {
  it('is half of the largest batch that was refused, in this send and the next', () => {
    const planner = createPlanner();
    const rows = Array.from({ length: 200 }, (_, index) => outboxRow(index + 1));
    const whole = planner.plan(rows, route);
    const largest = Math.max(...whole.batches.map(({ records }) => records.size));
    expect(planner.shrink()).toBe(true);
    for (let send = 0; send < 2; send++) {
      const { batches, taken } = planner.plan(rows, route);
      expect(taken).toBeGreaterThan(50);
      expect(taken).toBeLessThan(200);
      expect(batches.every(({ records }) => records.size <= Math.ceil(largest / 2))).toBe(true);
      planner.grow();
    }
  });

  it('is half of the largest batch also where that is not the last', () => {
    const planner = createPlanner();
    const large = [1, 2, 3].map((id) => outboxRow(id, { payment: 'one', data: 'x'.repeat(1_000) }));
    const { batches } = planner.plan([...large, outboxRow(4, { type: acknowledged })], route);
    expect(batches.map(({ records }) => records.count)).toEqual([3, 1]);
    expect(planner.shrink()).toBe(true);
    expect(planner.plan(large, route).taken).toBe(1);
  });

  it('is not learned where nothing was planned', () => {
    expect(createPlanner().shrink()).toBe(false);
  });

  it('is not learned from a row that stands alone: one large row must not make all batches small', () => {
    const planner = createPlanner();
    const large = outboxRow(1, { data: 'x'.repeat(50_000) });
    expect(planner.plan([large], route).taken).toBe(1);
    expect(planner.shrink()).toBe(false);
    const rows = Array.from({ length: 200 }, (_, index) => outboxRow(index + 1));
    expect(planner.plan(rows, route).taken).toBe(200);
    expect([shrunk({ bytes: 100, rows: 1 }), shrunk({ bytes: 101, rows: 2 })]).toEqual([
      null,
      { bytes: 51, taken: 0 },
    ]);
  });

  it('grows back while sends are taken', () => {
    const planner = createPlanner();
    const rows = Array.from({ length: 200 }, (_, index) => outboxRow(index + 1));
    planner.plan(rows, route);
    planner.shrink();
    const { taken } = planner.plan(rows, route);
    for (let send = 0; send < 99; send++) planner.grow();
    expect(planner.plan(rows, route).taken).toBe(taken);
    planner.grow();
    expect(planner.plan(rows, route).taken).toBeGreaterThan(taken);
  });

  it('grows back by a quarter after a hundred sends that were taken, to what it was and no further', () => {
    let limit: BatchLimit = { bytes: 900_000, taken: 0 };
    for (let send = 0; send < 99; send++) limit = grown(limit);
    expect(limit.bytes).toBe(900_000);
    limit = grown(limit);
    expect(limit).toEqual({ bytes: 1_000_000, taken: 0 });
    for (let send = 0; send < 200; send++) limit = grown(limit);
    expect(limit.bytes).toBe(1_000_000);
    for (limit = { bytes: 1_000, taken: 0 }; limit.taken < 99;) limit = grown(limit);
    expect(grown(limit).bytes).toBe(1_250);
  });
});
