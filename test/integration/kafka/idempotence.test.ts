import { ProduceAcks, Producer } from '@platformatic/kafka';
import { Kafka, logLevel } from 'kafkajs';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { createAdmin, type Admin } from '../../../src/kafka/admin.ts';
import { createLog } from '../../../src/log.ts';
import { uniqueName } from '../../support/names.ts';
import { createKafkaProxy, pass, produceKey, type KafkaProxy, type Verdict } from '../../support/proxy.ts';
import { readTopic } from '../../support/topic.ts';

/** Why the relay's producer is not idempotent and is thrown away after a failure: docs/adr/0002. */
const log = createLog({ level: 'silent' });
const direct = () => ({ brokers: inject('kafkaBrokers').split(','), clientId: 'test' });

let proxy: KafkaProxy;
let admin: Admin;
let topic: string;
beforeEach(async () => {
  proxy = await createKafkaProxy(inject('kafkaBrokers'));
  admin = createAdmin(direct(), log);
  topic = uniqueName('idempotence');
  await admin.createTopic(topic, 1);
});
afterEach(async () => {
  await admin.close();
  await proxy.close();
});

const names = async (): Promise<string> =>
  (await readTopic(direct(), topic)).map(({ value }) => String(value)).join(',');

/** The answers to the first `count` Produce requests from now on are lost; returns how many requests there were. */
function loseAnswers(count: number, kind: 'drop_answer' | 'cut_answer'): () => number {
  let seen = 0;
  proxy.judge = ({ apiKey }): Verdict => {
    if (apiKey !== produceKey) return pass;
    seen += 1;
    return seen <= count ? { kind } : pass;
  };
  return () => seen;
}

describe('after an ambiguous failure', () => {
  it.each(['drop_answer', 'cut_answer'] as const)(
    'kafkajs’s idempotent producer is told of an offset for a batch that is not in the log (%s)',
    async (kind) => {
      const producer = new Kafka({
        clientId: 'test',
        brokers: [proxy.brokers],
        requestTimeout: 500,
        logLevel: logLevel.NOTHING,
      }).producer({
        idempotent: true,
        maxInFlightRequests: 1,
        retry: { retries: 1, initialRetryTime: 50 },
      });
      const send = (value: string) => producer.send({ topic, acks: -1, messages: [{ key: 'k', value }] });
      await producer.connect();
      await send('warm');
      const requests = loseAnswers(2, kind);
      await expect(send('a')).rejects.toThrow();
      expect(requests()).toBe(2);
      const [b] = await send('b');
      const [c] = await send('c');
      await producer.disconnect();
      console.log(`b was acknowledged at ${b?.baseOffset}, c at ${c?.baseOffset}; the log: ${await names()}`);
      expect(b).toMatchObject({ errorCode: 0 });
      expect(await names()).toBe('warm,a,c');
    },
  );

  it('@platformatic/kafka’s idempotent producer loses nothing, since it does not take retries: 1 and goes on', async () => {
    const producer = new Producer({
      clientId: 'test',
      bootstrapBrokers: [proxy.brokers],
      idempotent: true,
      retries: 1,
      retryDelay: 50,
      requestTimeout: 500,
      timeout: 500,
      connectTimeout: 1_000,
    });
    const send = (value: string) =>
      producer.send({
        messages: [{ topic, partition: 0, key: Buffer.from('k'), value: Buffer.from(value) }],
        acks: ProduceAcks.ALL,
      });
    await send('warm');
    const requests = loseAnswers(2, 'drop_answer');
    await send('a');
    expect(requests()).toBeGreaterThan(2);
    for (const value of ['b', 'c']) await send(value);
    await producer.close(true);
    console.log(`the log: ${await names()}`);
    expect(await names()).toBe('warm,a,b,c');
  });
});
