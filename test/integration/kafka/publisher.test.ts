import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { createAdmin, type Admin } from '../../../src/kafka/admin.ts';
import type { KafkaConnection } from '../../../src/kafka/connection.ts';
import type { Message, Received } from '../../../src/kafka/message.ts';
import {
  createPublisher,
  type PartitionBatch,
  type Published,
  type Publisher,
} from '../../../src/kafka/publisher.ts';
import { createLog } from '../../../src/log.ts';
import { eventually } from '../../support/eventually.ts';
import { uniqueName } from '../../support/names.ts';
import { createKafkaProxy, pass, produceKey, type KafkaProxy, type Verdict } from '../../support/proxy.ts';
import { createRandom } from '../../support/random.ts';
import { readTopic } from '../../support/topic.ts';

/** What stands behind `Publisher` in the relay; a new candidate is added here and has to pass all of it. */
const candidates: [string, (connection: KafkaConnection) => Publisher][] = [
  ['@platformatic/kafka, not idempotent, a fresh client after a failure', createPublisher],
];

const log = createLog({ level: 'silent' });
const partitions = 3;
const requestTimeoutMs = 700;

let proxy: KafkaProxy;
let admin: Admin;
let topic: string;
const direct = (): KafkaConnection => ({ brokers: inject('kafkaBrokers').split(','), clientId: 'test' });
const proxied = (): KafkaConnection => ({ brokers: [proxy.brokers], clientId: 'test', requestTimeoutMs });

beforeEach(async () => {
  proxy = await createKafkaProxy(inject('kafkaBrokers'));
  admin = createAdmin(direct(), log);
  topic = uniqueName('conformance');
  await admin.createTopic(topic, partitions);
});
afterEach(async () => {
  await admin.close();
  await proxy.close();
});

type Named = Message & { headers: { name: string } };
const message = (name: string): Named => ({ key: name, value: `value of ${name}`, headers: { name } });
/** Messages that the publisher encodes itself. */
type Batch = { partition: number; messages: readonly Named[] };
const batchOf = (partition: number, ...names: string[]): Batch => ({
  partition,
  messages: names.map(message),
});
const nameOf = (received: Received): string => String(received.headers['name']);

/** The verdicts in turn for Produce requests, then `pass`. */
function onProduce(...verdicts: Verdict[]): void {
  proxy.judge = ({ apiKey }) => (apiKey === produceKey ? (verdicts.shift() ?? pass) : pass);
}

/** What the relay does with anything but a success: the same again. */
async function untilPublished(
  publisher: Publisher,
  batches: PartitionBatch[],
): Promise<Published & { kind: 'published' }> {
  for (;;) {
    const published = await publisher.publish(topic, batches);
    if (published.kind === 'published') return published;
  }
}

/** The log of one partition without the repeats of what came before, and how many messages were repeats. */
function withoutRepeats(messages: readonly Received[]): { first: Received[]; repeats: number } {
  const seen = new Map<string, Received>();
  for (const one of messages) {
    const before = seen.get(nameOf(one));
    if (before === undefined) seen.set(nameOf(one), one);
    else expect(contentOf(one)).toEqual(contentOf(before)); // identical, or it is no repeat
  }
  return { first: [...seen.values()], repeats: messages.length - seen.size };
}

/** All but where and when the broker took it. */
const contentOf = (one: Received): object => ({ ...one, offset: 0, timestampMs: 0 });

/** A repeat is a whole batch: the log is a chain of batches that were sent, each whole and in its own order. */
function expectWholeBatches(messages: readonly Received[], sent: readonly Batch[]): void {
  const byFirst = new Map(
    sent.map(({ messages: [head, ...rest] }) => [head!.headers['name'], [head!, ...rest]]),
  );
  for (let at = 0; at < messages.length;) {
    const batch = byFirst.get(nameOf(messages[at]!));
    expect(batch?.map(({ headers }) => headers['name'])).toEqual(
      messages.slice(at, at + (batch?.length ?? 1)).map(nameOf),
    );
    at += batch?.length ?? 1;
  }
}

/** What happens to one request, and how often its batch stands in the log when it was sent again. */
const troubles: [string, Verdict, number][] = [
  ['the answer is dropped', { kind: 'drop_answer' }, 2],
  ['the connection is cut when the answer comes', { kind: 'cut_answer' }, 2],
  ['the connection is cut in the middle of the answer', { kind: 'half_answer' }, 2],
  ['the connection is cut in the middle of the request', { kind: 'cut_request' }, 1],
  ['the connection is cut before the request', { kind: 'cut_before' }, 1],
  ['the request arrives long after its sender gave up', { kind: 'delay', ms: 2 * requestTimeoutMs }, 2],
];

describe.each(candidates)('a producer of the relay: %s', (_, create) => {
  it('names the offset of the first message by partition, and the log holds the bytes that were sent', async () => {
    const publisher = create(proxied());
    const bytes = Buffer.from([0, 255, 1, 128]);
    await untilPublished(publisher, [batchOf(1, 'x')]);
    await untilPublished(publisher, [batchOf(2, 'y')]);
    const published = await publisher.publish(topic, [
      { partition: 1, messages: [{ key: bytes, value: bytes, headers: { name: 'bytes', h: '苹果' } }] },
      {
        partition: 2,
        messages: [{ key: 'k', value: null, headers: { name: 'tombstone' } }, message('after')],
      },
    ]);
    await publisher.close();
    expect(published).toEqual({
      kind: 'published',
      offsets: new Map([
        [1, 1],
        [2, 1],
      ]),
    });
    const log = await readTopic(direct(), topic);
    expect(log.map((one) => [one.partition, one.offset, nameOf(one)])).toEqual([
      [1, 0, 'x'],
      [1, 1, 'bytes'],
      [2, 0, 'y'],
      [2, 1, 'tombstone'],
      [2, 2, 'after'],
    ]);
    expect(log[1]).toMatchObject({ key: bytes, value: bytes, headers: { h: Buffer.from('苹果') } });
    expect(log[3]!.value).toBeNull();
  });

  it.each(troubles)(
    'loses nothing when %s: the batch again, then the next',
    async (_trouble, verdict, copies) => {
      const publisher = create(proxied());
      await untilPublished(publisher, [batchOf(0, 'warm')]);
      onProduce(verdict);
      expect(await publisher.publish(topic, [batchOf(0, 'a1', 'a2')])).toMatchObject({ kind: 'unreachable' });
      await untilPublished(publisher, [batchOf(0, 'a1', 'a2')]);
      await untilPublished(publisher, [batchOf(0, 'b')]);
      const { offsets } = await untilPublished(publisher, [batchOf(0, 'c')]);
      await publisher.close();
      const log = await eventually(async () => {
        const read = await readTopic(direct(), topic);
        expect(read.filter((one) => nameOf(one) === 'a1')).toHaveLength(copies);
        return read;
      });
      console.log(log.map(nameOf).join(','));
      expect(withoutRepeats(log).first.map(nameOf)).toEqual(['warm', 'a1', 'a2', 'b', 'c']);
      expect(nameOf(log[offsets.get(0)!]!)).toBe('c');
    },
  );

  it('loses nothing when both answers of a batch are dropped and the next one follows at once', async () => {
    const publisher = create(proxied());
    await untilPublished(publisher, [batchOf(0, 'warm')]);
    onProduce({ kind: 'drop_answer' }, { kind: 'drop_answer' });
    await untilPublished(publisher, [batchOf(0, 'a')]);
    for (const name of ['b', 'c'])
      expect((await publisher.publish(topic, [batchOf(0, name)])).kind).toBe('published');
    await publisher.close();
    expect((await readTopic(direct(), topic)).map(nameOf)).toEqual(['warm', 'a', 'a', 'a', 'b', 'c']);
  });

  it.each([1, 2])(
    'seed %i: 150 batches through random faults stand in order, none lost, repeats whole',
    async (seed) => {
      const random = createRandom(seed);
      const kinds = troubles.map(([, verdict]) => verdict);
      proxy.judge = ({ apiKey }) => {
        if (apiKey !== produceKey || random() > 0.12) return pass;
        return kinds[Math.floor(random() * kinds.length)]!;
      };
      const publisher = create({ ...proxied(), requestTimeoutMs: 150 });
      const sent: Batch[] = [];
      for (let batch = 0; batch < 150; batch++) {
        const parts = [0, 1, 2]
          .filter(() => random() < 0.6)
          .map((partition) =>
            batchOf(
              partition,
              ...Array.from(
                { length: 1 + Math.floor(random() * 5) },
                (_one, index) => `${batch}.${partition}.${index}`,
              ),
            ),
          );
        if (parts.length === 0) continue;
        await untilPublished(publisher, parts);
        sent.push(...parts);
      }
      await publisher.close();
      const log = await readTopic(direct(), topic);
      let repeated = 0;
      for (const partition of [0, 1, 2]) {
        const own = log.filter((one) => one.partition === partition);
        const batches = sent.filter((one) => one.partition === partition);
        const { first, repeats } = withoutRepeats(own);
        expect(first.map(nameOf)).toEqual(
          batches.flatMap(({ messages }) => messages.map(({ headers }) => headers['name'])),
        );
        expectWholeBatches(own, batches);
        repeated += repeats;
      }
      console.log(`seed ${seed}: ${log.length} messages in the log, ${repeated} of them repeats`);
      expect(repeated).toBeGreaterThan(0);
    },
  );

  it('has one send in flight, whatever is asked of it at once', async () => {
    const publisher = create(proxied());
    const names = Array.from({ length: 20 }, (_one, index) => `m${index}`);
    await untilPublished(publisher, [batchOf(0, 'warm')]);
    const published = await Promise.all(names.map((name) => publisher.publish(topic, [batchOf(0, name)])));
    await publisher.close();
    expect(published.every(({ kind }) => kind === 'published')).toBe(true);
    expect(proxy.mostInFlight).toBe(1);
    expect((await readTopic(direct(), topic)).map(nameOf)).toEqual(['warm', ...names]);
  });

  it('goes on by itself when the brokers are back', async () => {
    const publisher = create(proxied());
    await untilPublished(publisher, [batchOf(0, 'before')]);
    proxy.refuse();
    expect(await publisher.publish(topic, [batchOf(0, 'during')])).toMatchObject({ kind: 'unreachable' });
    proxy.accept();
    expect((await publisher.publish(topic, [batchOf(0, 'during')])).kind).toBe('published');
    await publisher.close();
    expect((await readTopic(direct(), topic)).map(nameOf)).toEqual(['before', 'during']);
  });

  it('says so when a batch is too large, leaves nothing of it, and goes on', async () => {
    const publisher = create(proxied());
    await untilPublished(publisher, [batchOf(0, 'warm')]);
    const huge = { ...message('huge'), value: Buffer.alloc(1_100_000, 120) };
    expect(await publisher.publish(topic, [{ partition: 0, messages: [huge] }])).toEqual({
      kind: 'too_large',
    });
    expect((await publisher.publish(topic, [batchOf(0, 'small')])).kind).toBe('published');
    await publisher.close();
    expect((await readTopic(direct(), topic)).map(nameOf)).toEqual(['warm', 'small']);
  });

  it('says so when the topic is missing, and publishes once it is there', async () => {
    const publisher = create(proxied());
    topic = uniqueName('later');
    expect(await publisher.publish(topic, [batchOf(0, 'a')])).toEqual({ kind: 'topic_missing' });
    await admin.createTopic(topic, 1);
    await untilPublished(publisher, [batchOf(0, 'a')]);
    await publisher.close();
    expect((await readTopic(direct(), topic)).map(nameOf)).toContain('a');
  });
});
