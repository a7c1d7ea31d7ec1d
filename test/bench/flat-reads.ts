import { bundledCarriers } from '../../src/shipment/carriers.ts';
import { sleep, systemClock } from '../../src/clock.ts';
import { countDeadLetters, countFinal, countParked, readUnfinished } from '../../src/console/status-store.ts';
import { tellStory } from '../../src/console/story.ts';
import { runConsumer } from '../../src/consumer/run.ts';
import { readProgress } from '../../src/consumer/store.ts';
import { createPublisher } from '../../src/kafka/publisher.ts';
import { createLog } from '../../src/log.ts';
import { createDoorbell } from '../../src/loop.ts';
import { createMetrics } from '../../src/metrics.ts';
import { planReplay } from '../../src/replay/run.ts';
import { retryParked } from '../../src/upload/verbs-store.ts';
import type { Bench } from './bench-parts.ts';
import { oldTopic } from './flat-tables.ts';
import { fillTopic } from './relay-consume.ts';

export const redelivered = 10_000;
const sessionTimeoutMs = 10_000;
const quiet = createLog({ level: 'silent' });

/** Each is a rate: look-ups, stories, statuses or messages a second. */
export type ReadRates = Record<'redeliver' | 'dry run' | 'acknowledgements' | 'show' | 'status', number>;
export type Reads = ReadRates & { rebalances: number };

export type ReadSide = { database: Bench; topic: string; size: number };

/** Takes 10,000 messages as the service would, once: from then on they are redeliveries. */
export async function prepareReads(database: Bench, name: string, size: number): Promise<ReadSide> {
  const topic = `redeliver-${name}`;
  await database.topic(topic);
  await fillTopic(database, topic, redelivered);
  const side = { database, topic, size };
  await consume(side);
  // Final, as redelivered rows mostly are, and nothing that the claim's figures would meet.
  await database.pool.query(
    `update fahuo.upload set state = 'acknowledged', finished_at = now() where topic = $1`,
    [topic],
  );
  return side;
}

const everything = {
  kind: 'topic',
  from: { kind: 'earliest' },
  until: { kind: 'end' },
  partitions: null,
} as const;

export async function measureReads(side: ReadSide): Promise<Reads> {
  const { database, topic, size } = side;
  const { pool, admin, connection } = database;
  await pool.query('update fahuo.consumer_offset set next_offset = 0 where topic = $1', [topic]);
  const { rate, joins } = await consume(side);
  const deps = { pool, log: quiet, metrics: createMetrics(), connection, admin, retryParked };
  const options = { ...accepting, topic, group: topic, acks: `${topic}.acks` };
  const dryRun = await rateOf(redelivered, async () => {
    const { plan, unread } = await planReplay(deps, options, everything);
    if (plan.toSend > 0 || plan.events !== redelivered || unread.length > 0)
      throw new TypeError(`the dry run is wrong: ${JSON.stringify(plan)}`);
  });
  const payments = Array.from({ length: 500 }, (_, at) => `old${1 + ((at * 7919) % size)}`);
  return {
    redeliver: rate,
    'dry run': dryRun,
    acknowledgements: await rateOf(payments.length, async () => {
      for (const payment of payments) {
        const { rowCount } = await pool.query(ownQuery, [payment]);
        if (rowCount !== 1) throw new TypeError(`${payment} has ${rowCount} acknowledgements`);
      }
    }),
    show: await rateOf(100, async () => {
      for (const payment of payments.slice(0, 100)) {
        const { outbox, uploads } = await tellStory(pool, payment, { events: oldTopic, acks: 'acks' });
        if (outbox.length !== 1 || uploads.length !== 1) throw new TypeError(`${payment} has no whole story`);
      }
    }),
    status: await rateOf(20, async () => {
      for (let time = 0; time < 20; time++)
        for (const read of [readUnfinished, countFinal, countParked, countDeadLetters]) await read(pool);
    }),
    rebalances: joins - 1,
  };
}

/** README's own. */
export const ownQuery = 'select * from fahuo.acknowledgements where transaction_id = $1';

async function rateOf(count: number, work: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  await work();
  return (count / (performance.now() - startMs)) * 1_000;
}

const accepting = {
  carriers: bundledCarriers(),
  maskContacts: false,
  clock: systemClock,
  acknowledgements: true,
};

/** A member of the group until all is noted; from its join on. What the database noted is where it begins. */
async function consume({
  database: { pool, connection },
  topic,
}: ReadSide): Promise<{ rate: number; joins: number }> {
  const abort = new AbortController();
  const publisher = createPublisher(connection);
  const joinedAt: number[] = [];
  const write = (line: string): void => {
    if (line.includes('"consumer.joined"')) joinedAt.push(performance.now());
  };
  const deps = {
    pool,
    connection,
    publisher,
    log: createLog({ level: 'info' }, { write }),
    metrics: createMetrics(),
    doorbell: createDoorbell(),
  };
  const running = runConsumer(
    deps,
    { ...accepting, topic, group: topic, deadLetterTopic: `${topic}.dead-letters`, sessionTimeoutMs },
    abort.signal,
  );
  for (;;) {
    const noted = await readProgress(pool, topic, topic);
    if ([...noted.values()].reduce((sum, next) => sum + next, 0) >= redelivered) break;
    await sleep(20);
  }
  const endMs = performance.now();
  abort.abort();
  await running;
  await publisher.close();
  return { rate: (redelivered / (endMs - (joinedAt[0] ?? 0))) * 1_000, joins: joinedAt.length };
}
