import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { createAdmin, type Admin } from '../../../src/kafka/admin.ts';
import { createKafkajs } from '../../../src/kafka/connection.ts';
import type { OffsetRange } from '../../../src/kafka/offset-range.ts';
import { readRanges } from '../../../src/kafka/range-reader.ts';
import { createLog } from '../../../src/log.ts';
import { monotonicMs } from '../../../src/clock.ts';
import { uniqueName } from '../../support/names.ts';
import { createKafkaProxy, pass, type KafkaProxy } from '../../support/proxy.ts';

const log = createLog({ level: 'silent' });
const fetchKey = 1;
const direct = () => ({ brokers: inject('kafkaBrokers').split(','), clientId: 'test' });

let admin: Admin;
let topic: string;
let proxy: KafkaProxy;
beforeEach(async () => {
  admin = createAdmin(direct(), log);
  topic = uniqueName('ranges');
  await admin.createTopic(topic, 1);
  proxy = await createKafkaProxy(inject('kafkaBrokers'));
});
afterEach(async () => {
  await admin.close();
  await proxy.close();
});

/** Three fetches' worth: a fetch gives a megabyte of a partition. */
async function publishLarge(): Promise<void> {
  const producer = createKafkajs(direct(), log).producer();
  await producer.connect();
  for (let at = 0; at < 6; at++)
    await producer.send({ topic, messages: [{ value: Buffer.alloc(600_000, at) }] });
  await producer.disconnect();
}

async function read(patienceMs: number): Promise<{ offsets: number[]; unread: OffsetRange[]; took: number }> {
  const [held] = await admin.topicOffsets(topic);
  const offsets: number[] = [];
  const startMs = monotonicMs();
  const { unread } = await readRanges(
    { brokers: [proxy.brokers], clientId: 'test', requestTimeoutMs: 500 },
    { topic, ranges: [{ partition: 0, from: 0, to: held!.high }], log, patienceMs },
    (messages) => {
      offsets.push(...messages.map(({ offset }) => offset));
      return Promise.resolve();
    },
  );
  return { offsets, unread, took: monotonicMs() - startMs };
}

/** The broker's answers to fetches are swallowed while `silent` says so of the number of those that came before. */
function silence(silent: (answered: number) => boolean): void {
  let answered = 0;
  proxy.judge = ({ apiKey }) => {
    if (apiKey !== fetchKey) return pass;
    if (silent(answered)) return { kind: 'drop_answer' };
    answered += 1;
    return pass;
  };
}

describe('reading ranges', () => {
  it('says how far it came when the topic falls silent in the middle', async () => {
    await publishLarge();
    silence((answered) => answered >= 2);
    const { offsets, unread } = await read(2_000);
    expect(offsets.length).toBeGreaterThan(0);
    expect(offsets.length).toBeLessThan(6);
    expect(unread).toEqual([{ partition: 0, from: offsets.at(-1)! + 1, to: 6 }]);
  });

  it('goes on after a silence that is shorter than its patience', async () => {
    await publishLarge();
    let since: number | undefined;
    silence((answered) => {
      if (answered >= 2) since ??= monotonicMs();
      return since !== undefined && monotonicMs() - since < 1_500;
    });
    const { offsets, unread } = await read(60_000);
    expect(unread).toEqual([]);
    expect(offsets).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('is at the end behind markers of transactions, which nobody reads, without waiting for more', async () => {
    const producer = createKafkajs(direct(), log).producer({
      transactionalId: topic,
      maxInFlightRequests: 1,
      idempotent: true,
    });
    await producer.connect();
    for (const end of ['commit', 'abort'] as const) {
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: [{ value: end }, { value: end }] });
      await transaction[end]();
    }
    await producer.disconnect();
    const patienceMs = 60_000;
    const { offsets, unread, took } = await read(patienceMs);
    expect(offsets).toEqual([0, 1]);
    expect(unread).toEqual([]);
    expect(took).toBeLessThan(patienceMs);
  });

  it('calls what retention took meanwhile read: nobody can read it', async () => {
    await publishLarge();
    const kafka = createKafkajs(direct(), log).admin();
    await kafka.connect();
    await kafka.fetchTopicOffsets(topic); // it has to have heard of the topic
    await kafka.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '6' }] });
    await kafka.disconnect();
    expect(await read(1_000)).toMatchObject({ offsets: [], unread: [] });
  });
});
