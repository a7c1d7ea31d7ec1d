import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { createAdmin, type Admin } from '../../../src/kafka/admin.ts';
import type { Received } from '../../../src/kafka/message.ts';
import { partitionFor } from '../../../src/kafka/partition.ts';
import { createPublisher, type Publisher } from '../../../src/kafka/publisher.ts';
import { createLog } from '../../../src/log.ts';
import { createDoorbell } from '../../../src/loop.ts';
import { createMetrics } from '../../../src/metrics.ts';
import { runTake, takeMessages } from '../../../src/webhook/take.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { uniqueName } from '../../support/names.ts';
import { countOf } from '../../support/receiver.ts';

const partitions = 2;
const log = createLog({ level: 'silent' });
const connection = () => ({ brokers: inject('kafkaBrokers').split(','), clientId: 'test' });
const headers = {
  ce_specversion: '1.0',
  ce_id: 'ack-1',
  ce_type: 'fahuo.shipment.acknowledged.v1',
  ce_source: 'fahuo',
  ce_time: '2026-11-29T21:37:16.534Z',
  ce_appid: 'wx1',
};
const keyOf = (payment: string): string => `wx1/${payment}`;

let database: TestDatabase;
let admin: Admin;
let publisher: Publisher;
let topic: string;
beforeAll(async () => {
  database = await createDatabase();
  admin = createAdmin(connection(), log);
  publisher = createPublisher(connection());
});
afterAll(async () => {
  await publisher.close();
  await admin.close();
  await database.drop();
});
beforeEach(() =>
  database.pool.query('truncate fahuo.webhook_delivery, fahuo.consumer_offset restart identity'),
);

const kept = async () =>
  (
    await database.pool.query<{ webhook_id: string; payment: string; data: string }>(
      'select webhook_id, payment, data from fahuo.webhook_delivery order by id',
    )
  ).rows;

/** An instance that takes, and how it is stopped. */
function start(options: { topic: string; sessionTimeoutMs?: number }) {
  const metrics = createMetrics();
  const abort = new AbortController();
  const deps = {
    ...{ pool: database.pool, connection: connection(), log, metrics },
    doorbell: createDoorbell(),
  };
  const done = runTake(
    deps,
    { group: `${options.topic}.webhook`, sessionTimeoutMs: 6_000, ...options },
    abort.signal,
  );
  return {
    metrics,
    stop: async () => {
      abort.abort();
      await done;
    },
  };
}

async function publish(...messages: { key: string; value: string; headers: Record<string, string> }[]) {
  for (const message of messages) {
    const partition = partitionFor(message.key, partitions);
    expect((await publisher.publish(topic, [{ partition, messages: [message] }])).kind).toBe('published');
  }
}

describe('the group of the webhook', () => {
  it('takes every answer once, in its order, past what is none, and goes on where it was', async () => {
    topic = uniqueName('acks');
    await admin.createTopic(topic, partitions);
    await eventually(async () => expect(await admin.topicOffsets(topic)).toHaveLength(partitions));
    const message = (nth: number) => ({
      key: keyOf(`p${nth % 3}`),
      value: JSON.stringify({ nth }),
      headers: { ...headers, ce_id: `ack-${nth}` },
    });
    const all = Array.from({ length: 30 }, (_, at) => message(at));
    await publish(...all.slice(0, 10), { key: 'x', value: 'junk', headers: {} }, ...all.slice(10, 20));
    await publish(...all.slice(5, 8)); // once more, as a relay that was cut does
    const first = start({ topic });
    await eventually(async () => expect(await kept()).toHaveLength(20));
    expect(await countOf(first.metrics, 'fahuo_webhook_passed_over_total')).toBe(1);
    await first.stop();
    await publish(...all.slice(20));
    const second = start({ topic });
    await eventually(async () => expect(await kept()).toHaveLength(30));
    await second.stop();
    for (const payment of ['p0', 'p1', 'p2'])
      expect((await kept()).filter((one) => one.payment === payment).map(({ data }) => data)).toEqual(
        all.filter(({ key }) => key === keyOf(payment)).map(({ value }) => value),
      );
    const { rows } = await database.pool.query<{ next: number }>(
      'select sum(next_offset)::int as next from fahuo.consumer_offset where consumer_group = $1',
      [`${topic}.webhook`],
    );
    expect(rows[0]?.next).toBe(34);
  });
});

const received = (changes: Partial<Received> & { head?: Record<string, string> } = {}): Received => {
  const { head = {}, ...rest } = changes;
  const all = Object.entries({ ...headers, ...head }).map(
    ([name, text]) => [name, Buffer.from(text)] as const,
  );
  return {
    ...{ topic: 't', partition: 0, offset: 0, key: Buffer.from(keyOf('p1')), value: Buffer.from('{"a":1}') },
    headers: Object.fromEntries(all),
    ...rest,
  };
};

describe('a message of the ack topic', () => {
  const take = async (...messages: Received[]): Promise<number> => {
    const metrics = createMetrics();
    await takeMessages({ pool: database.pool, log, metrics }, messages);
    return countOf(metrics, 'fahuo_webhook_passed_over_total');
  };

  it('is one answer however often it comes; an event that is answered anew is another', async () => {
    await take(received(), received());
    await take(received(), received({ value: Buffer.from('{"a":2}') }));
    expect((await kept()).map(({ webhook_id, data }) => [webhook_id.slice(0, 6), data])).toEqual([
      ['ack-1-', '{"a":1}'],
      ['ack-1-', '{"a":2}'],
    ]);
  });

  it('that no relay wrote holds up none of its batch, and nothing of it meets Postgres', async () => {
    const hostile = [
      received({ value: null }),
      received({ key: null }),
      received({ value: Buffer.from('[1]') }),
      received({ value: Buffer.from('{"a":1}\u0000') }),
      received({ value: Buffer.from([0x7b, 0xff, 0x7d]) }),
      received({ value: Buffer.from(`{"a":"${'x'.repeat(1_100_000)}"}`) }),
      received({ head: { ce_id: 'a\r\nx-injected: 1' } }),
      received({ head: { ce_id: 'x'.repeat(300) } }),
      received({ head: { ce_type: '' } }),
      received({ head: { ce_appid: 'wx2' } }),
      received({ key: Buffer.from(keyOf('p\u0000')) }),
      received({ key: Buffer.from(keyOf('p'.repeat(2_000))) }),
      received({ headers: {} }),
    ];
    const odd = received({ key: Buffer.from('微信/支付 1'), head: { ce_appid: '微信' } });
    expect(await take(...hostile, odd, ...hostile)).toBe(2 * hostile.length);
    expect((await kept()).map(({ payment }) => payment)).toEqual(['支付 1']);
  });
});
