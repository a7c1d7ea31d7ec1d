import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { createAdmin, type Admin } from '../../../src/kafka/admin.ts';
import { runConsumerGroup, type Batch } from '../../../src/kafka/consumer.ts';
import { createPublisher, type Publisher } from '../../../src/kafka/publisher.ts';
import { createLog } from '../../../src/log.ts';
import { eventually } from '../../support/eventually.ts';
import { uniqueName } from '../../support/names.ts';

const partitions = 2;
const connection = () => ({ brokers: inject('kafkaBrokers').split(','), clientId: 'test' });

let admin: Admin;
let publisher: Publisher;
let topic: string;
let lines: Record<string, unknown>[];
let stops: (() => Promise<void>)[];
beforeEach(async () => {
  admin = createAdmin(connection(), createLog({ level: 'silent' }));
  publisher = createPublisher(connection());
  topic = uniqueName('group');
  await admin.createTopic(topic, partitions);
  lines = [];
  stops = [];
});
afterEach(async () => {
  await Promise.all(stops.map((stop) => stop()));
  await publisher.close();
  await admin.close();
});

/** A member of the test's group, and how it ends. */
function join(onBatch: (batch: Batch, end: () => void) => Promise<boolean>): Promise<void> {
  const abort = new AbortController();
  const ended = runConsumerGroup(
    connection(),
    {
      groupId: topic,
      topic,
      sessionTimeoutMs: 6_000,
      log: createLog(
        { level: 'debug' },
        { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
      ),
      readNoted: () => Promise.resolve(new Map()),
      onBatch: (batch) => onBatch(batch, () => abort.abort()),
    },
    abort.signal,
  );
  stops.push(async () => {
    abort.abort();
    await ended;
  });
  return ended;
}

const publish = async (value: string): Promise<void> => {
  const batches = Array.from({ length: partitions }, (_, partition) => ({
    partition,
    messages: [{ key: null, value, headers: {} }],
  }));
  expect(await publisher.publish(topic, batches)).toMatchObject({ kind: 'published' });
};

/** What kafkajs takes for a crash at once, and for one that a restart helps; brokers that are away take it half a minute. */
const crash = (): TypeError => new TypeError('gone', { cause: { retriable: true } });

describe('a member of a consumer group', () => {
  it('that crashes while it is told to end is not started again: its partitions go to the others', async () => {
    await publish('first');
    await join((_, end) => {
      end();
      return Promise.reject(crash());
    });
    const taken: string[] = [];
    void join(({ partition, messages }) => {
      taken.push(...messages.map(({ value }) => `${partition} ${String(value)}`));
      return Promise.resolve(true);
    });
    await eventually(() => expect(taken.sort()).toEqual(['0 first', '1 first']));
    await publish('second');
    await eventually(() => expect(taken).toEqual(expect.arrayContaining(['0 second', '1 second'])));
    const said = lines.map(({ kafka }) => String(kafka));
    expect(said.filter((line) => line.startsWith('Crash:'))).toHaveLength(1);
    expect(said.filter((line) => line.startsWith('Restarting'))).toEqual([]);
  });
});
