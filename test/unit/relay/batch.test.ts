import { describe, expect, it } from 'vitest';
import { partitionFor } from '../../../src/kafka/partition.ts';
import { planSend } from '../../../src/relay/batch.ts';
import type { OutboxRow } from '../../../src/relay/message.ts';

const row = (id: number, change: Partial<OutboxRow> = {}): OutboxRow => ({
  id,
  eventId: `e${id}`,
  type: 'fahuo.shipment.shipped.v1',
  source: '/s',
  time: '2026-11-23T10:00:00+08:00',
  appid: 'wx',
  payment: `p${id}`,
  version: 1,
  reason: null,
  approvedBy: null,
  traceparent: null,
  data: '{"a":"苹果"}',
  ...change,
});
const route = {
  topics: { events: 'e', acks: 'a' },
  partitionCounts: new Map([
    ['e', 4],
    ['a', 2],
  ]),
};

describe('planning a send', () => {
  it('puts every row into the partition of its payment, in id order', () => {
    const rows = Array.from({ length: 100 }, (_, index) => row(index + 1));
    const { parts, taken } = planSend(rows, route);
    expect(taken).toBe(100);
    for (const part of parts) {
      expect(part.messages.every(({ key }) => partitionFor(String(key), 4) === part.partition)).toBe(true);
      const ids = part.messages.map(({ headers }) => Number(headers['ce_id']!.slice(1)));
      expect(ids).toEqual([...ids].sort((left, right) => left - right));
      expect([part.firstId, part.lastId]).toEqual([ids[0], ids.at(-1)]);
    }
  });

  it('carries the stored text byte for byte', () => {
    const data = '{ "b":1 ,"b":2, "苹果":"\\u0061"}';
    const [part] = planSend([row(1, { data })], route).parts;
    expect(String(part!.messages[0]!.value)).toBe(data);
  });

  it('sends acknowledgements to their own topic', () => {
    const { parts } = planSend([row(1), row(2, { type: 'fahuo.shipment.acknowledged.v1' })], route);
    expect(parts.map((part) => part.topic).sort()).toEqual(['a', 'e']);
  });

  it('stops before a record batch would pass a megabyte, and always takes the first row', () => {
    const data = 'x'.repeat(250_000);
    const rows = Array.from({ length: 10 }, (_, index) => row(index + 1, { payment: 'one', data }));
    expect(planSend(rows, route).taken).toBe(3);
    expect(planSend([row(1, { data: 'x'.repeat(2_000_000) })], route).taken).toBe(1);
  });

  it('says why a correction was made', () => {
    const [part] = planSend([row(1, { reason: '地址', approvedBy: 'li', traceparent: '00-a' })], route).parts;
    expect(part!.messages[0]!.headers).toMatchObject({
      ce_reason: '地址',
      ce_approvedby: 'li',
      traceparent: '00-a',
    });
  });
});
