import type { Pool } from '../../db/client.ts';
import { createMemoryBudget } from '../../src/apps/budget-memory.ts';
import { createPauses } from '../../src/apps/pauses.ts';
import { systemClock, systemRandom, type Clock } from '../../src/clock.ts';
import { acceptMessages } from '../../src/consumer/handle.ts';
import { partitionFor } from '../../src/kafka/partition.ts';
import { createLog } from '../../src/log.ts';
import { createMetrics } from '../../src/metrics.ts';
import { stepAsked } from '../../src/reconcile/asked.ts';
import type { ReconcileDeps, ReconcileOptions } from '../../src/reconcile/deps.ts';
import { readHeldEvents } from '../../src/reconcile/held-store.ts';
import { insertSweeps } from '../../src/reconcile/store.ts';
import { stepSweep } from '../../src/reconcile/sweep.ts';
import { messageFrom } from '../../src/relay/journal/read-range.ts';
import { bundledCarriers } from '../../src/shipment/carriers.ts';
import { createWechatClient } from '../../src/wechat/client.ts';
import { createHttp } from '../../src/wechat/http.ts';
import { appid } from './events.ts';
import { createTokens } from './tokens.ts';

const topics = { events: 'shipments', acks: 'shipments.acks' };
const group = 'fahuo';
const accept = {
  carriers: bundledCarriers(),
  maskContacts: false,
  clock: systemClock,
  acknowledgements: true,
};

export type ReconcileInTest = {
  deps: ReconcileDeps;
  options: ReconcileOptions;
  /** One whole pass, page by page; the number of its pages. Due at once, whatever ended it last. */
  pass: (sweep: 'recent' | 'whole', options?: Partial<ReconcileOptions>) => Promise<number>;
  /** Single reads, until none is due. */
  asked: () => Promise<void>;
  close: () => Promise<void>;
};

/** Reconcile on this pool, step by step, against the sandbox at `wechat`. */
export async function createReconcile(
  pool: Pool,
  { wechat, clock = systemClock, ...change }: { wechat: string; clock?: Clock } & Partial<ReconcileOptions>,
): Promise<ReconcileInTest> {
  const http = createHttp({ baseUrl: wechat, totalTimeoutMs: 5_000, connections: 4 });
  const log = createLog({ level: 'silent' });
  const metrics = createMetrics();
  const client = createWechatClient({ http, tokens: createTokens(http), clock: systemClock });
  const pauses = createPauses({ pool, log, metrics });
  const shared = { pool, log, metrics, clock, random: systemRandom, pauses, acceptMessages };
  const deps = { ...shared, wechat: client, budget: createMemoryBudget({ clock: systemClock }) };
  const options: ReconcileOptions = {
    ...{
      owner: 'one',
      leaseMs: 60_000,
      everyMs: 1,
      wholeEveryMs: 1,
      horizonMs: 30 * 86_400_000,
      overlapMs: 1_800_000,
    },
    ...{ apartMs: 0, pageSize: 50, topics, group, accept },
    ...change,
  };
  await insertSweeps(pool, appid, ['recent', 'whole', 'asked']);
  const { signal } = new AbortController();
  const due = (): Promise<unknown> =>
    pool.query(`update fahuo.reconcile_sweep set next_at = '-infinity' where appid = $1`, [appid]);
  return {
    deps,
    options,
    pass: async (sweep, changed = {}) => {
      await due();
      let pages = 0;
      const of = { appid, sweep, walked: new Set<string>() };
      while ((await stepSweep(deps, { ...options, ...changed }, of, signal)) === 'busy') pages += 1;
      return pages;
    },
    asked: async () => {
      await due();
      while ((await stepAsked(deps, options, appid, signal)) === 'busy');
    },
    close: () => http.close(),
  };
}

const partitions = 4;

/**
 * Relay and consumer without a Kafka between them: what the outbox holds is journalled as published, one batch an event,
 * and put through the consumer's door.
 */
export async function publishOutbox(pool: Pool, { consume = true } = {}): Promise<void> {
  const { rows } = await pool.query<{ id: number; payment: string }>(
    `select id, payment from fahuo.outbox where id > (select cursor from fahuo.relay_cursor) and type like '%.shipped.v1' order by id`,
  );
  const names = rows.map(({ payment }) => ({ transactionId: payment, payment }));
  const events = await readHeldEvents(pool, appid, names);
  const messages = [];
  for (const event of events.filter(({ id }) => rows.some((row) => row.id === id))) {
    const partition = partitionFor(`${event.appid}/${event.payment}`, partitions);
    const { rows: offsets } = await pool.query<{ next: number }>(
      `select coalesce(max(base_offset + count), 0)::int as next from fahuo.relay_journal where partition = $1`,
      [partition],
    );
    const offset = offsets[0]?.next ?? 0;
    await pool.query(
      `insert into fahuo.relay_journal (shard, first_id, last_id, topic, partition, partition_count, base_offset, count)
       values (0, $1, $1, $2, $3, $4, $5, 1)`,
      [event.id, topics.events, partition, partitions, offset],
    );
    await pool.query('update fahuo.relay_cursor set cursor = greatest(cursor, $1)', [event.id]);
    messages.push(messageFrom(event, { topic: topics.events, partition, offset }));
  }
  if (!consume) return;
  const log = createLog({ level: 'silent' });
  for (const message of messages) {
    const progress = { group, topic: topics.events, partition: message.partition, next: message.offset + 1 };
    await acceptMessages({ pool, log, metrics: createMetrics() }, [message], { ...accept, progress });
  }
}
