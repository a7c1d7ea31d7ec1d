import { Writable } from 'node:stream';
import { inject } from 'vitest';
import { createAdmin, type Admin } from '../../src/kafka/admin.ts';
import type { KafkaConnection } from '../../src/kafka/connection.ts';
import { createPublisher } from '../../src/kafka/publisher.ts';
import { createLog } from '../../src/log.ts';
import { createMetrics, type Metrics } from '../../src/metrics.ts';
import { defaultRelay, runRelay } from '../../src/relay/run.ts';
import { createDatabase, type TestDatabase } from './database.ts';
import { shippedEvent } from './events.ts';
import { uniqueName } from './names.ts';
import { readTopic } from './topic.ts';

export type Line = { msg: string; level: number } & Record<string, unknown>;

export type RunningRelay = { lines: Line[]; metrics: Metrics; stop: () => Promise<void> };

/** A database, a topic, and relays in this process. */
export type RelayStack = {
  database: TestDatabase;
  connection: KafkaConnection;
  admin: Admin;
  topic: string;
  start: (options?: { databaseUrl?: string; instance?: string; batchRows?: number }) => RunningRelay;
  /** One event a payment given, in one transaction. */
  enqueue: (...events: { payment: string; version?: number; padding?: number }[]) => Promise<void>;
  /** `payment vVersion` of every message, by partition and offset. */
  published: () => Promise<string[]>;
  cursor: () => Promise<{ cursor: number; epoch: number; owner: string | null; last: number }>;
  close: () => Promise<void>;
};

const quiet = createLog({ level: 'silent' });

export async function createRelayStack(
  options: {
    brokers?: string;
    partitions?: number;
    topicConfig?: Record<string, string>;
    topicLater?: boolean;
    databaseUrl?: string;
  } = {},
): Promise<RelayStack> {
  const connection: KafkaConnection = {
    brokers: (options.brokers ?? inject('kafkaBrokers')).split(','),
    clientId: 'test',
    requestTimeoutMs: 2_000,
  };
  const database = await createDatabase(options.databaseUrl);
  const topic = uniqueName('relay');
  const admin = createAdmin(connection, quiet);
  if (options.topicLater !== true)
    await admin.createTopic(topic, options.partitions ?? 4, { config: options.topicConfig ?? {} });
  await admin.createTopic(`${topic}.acks`, 1);
  const relays: RunningRelay[] = [];
  return {
    database,
    connection,
    admin,
    topic,
    start: ({ databaseUrl = database.url, instance = uniqueName('relay'), batchRows = 1_000 } = {}) => {
      const lines: Line[] = [];
      const sink = new Writable({
        write: (chunk: Buffer, _encoding, done) => {
          lines.push(JSON.parse(String(chunk)) as Line);
          done();
        },
      });
      const abort = new AbortController();
      const metrics = createMetrics();
      const running = runRelay(
        {
          pool: database.pool,
          log: createLog({ level: 'info' }, sink),
          metrics,
          createPublisher: () => createPublisher(connection),
          partitionCount: admin.partitionCount,
        },
        {
          ...defaultRelay,
          batchRows,
          databaseUrl,
          instance,
          topics: { events: topic, acks: `${topic}.acks` },
          backOffMaxMs: 300,
          retentionHours: 168,
        },
        abort.signal,
      );
      const relay = {
        lines,
        metrics,
        stop: async () => {
          abort.abort();
          await running;
        },
      };
      relays.push(relay);
      return relay;
    },
    enqueue: async (...events) => {
      const texts = events.map(({ padding = 0, ...event }) =>
        // Blanks are kept, byte for byte.
        JSON.stringify(shippedEvent(event)).replace('"data":{', `"data":{${' '.repeat(padding)}`),
      );
      await database.pool.query('select fahuo.enqueue(text) from unnest($1::text[]) as text', [texts]);
    },
    published: async () =>
      (await readTopic(connection, topic)).map(
        ({ key, headers }) => `${String(key).split('/')[1]} v${String(headers['ce_version'])}`,
      ),
    cursor: async () => {
      const { rows } = await database.pool.query<{
        cursor: number;
        epoch: number;
        owner: string | null;
        last: number;
      }>(
        `select cursor, epoch, owner, coalesce(pg_sequence_last_value('fahuo.outbox_id_seq'), 0) as last
         from fahuo.relay_cursor`,
      );
      return rows[0]!;
    },
    close: async () => {
      await Promise.all(relays.map((relay) => relay.stop()));
      await admin.close();
      await database.drop();
    },
  };
}
