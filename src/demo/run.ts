import { createPool, type Pool } from '../../db/client.ts';
import { migrate } from '../../db/migrate.ts';
import { startRoles, roleNames } from '../roles/start.ts';
import { monotonicMs, sleep, systemClock } from '../clock.ts';
import { readConfig, type Env } from '../roles/config.ts';
import { createLog } from '../log.ts';
import { createSandbox, type Sandbox } from '../sandbox/run.ts';
import { startOrderService } from './order-service.ts';
import { countOutcomes, createOrders, readLatencies } from './order-store.ts';
import { startParts, type LocalServices } from '../parts/start.ts';
import { logisticsTypeOf, transactionIdOf } from './shipments.ts';
import { isAsDesigned, renderSummary, type Summary } from './summary.ts';

/**
 * The guided first run: real Postgres and Kafka, the sandbox for WeChat, every role in this process, and a sample
 * order service that ships orders of all four logistics types. One answer is lost, one payment is invisible for a
 * while, one event is invalid. Resolves with whether everything came out as designed.
 */
export type DemoOptions = { once: boolean; orders: number; json: boolean };

const appid = 'wx0123456789abcdef';
const invisibleForMs = 1_500;
const waitAtMostMs = 120_000;

export async function runDemo(options: DemoOptions, signal: AbortSignal): Promise<boolean> {
  const startedAtMs = monotonicMs();
  const say = (line: string): void =>
    void (options.json ? process.stderr : process.stdout).write(`${line}\n`);
  const given = readConfig();
  say('Starting Postgres, Kafka and the sandbox …');
  const parts = await startParts({
    databaseUrl: given.database.url,
    kafkaBrokers: given.kafka.brokers?.join(','),
    needRedis: false,
  });
  const stop = new AbortController();
  const onAbort = (): void => stop.abort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    const world = await startWorld(parts, stop.signal);
    world.done.catch(onAbort);
    say(`Postgres  ${parts.databaseUrl}\nKafka     ${parts.kafkaBrokers}\nSandbox   ${world.sandbox.url}`);
    say(`Metrics   ${world.http ?? ''}/metrics\nOrders    ${world.orders.url}\n`);
    await prepareFaults(world);
    await shipOrders(world, options.orders, stop.signal);
    const summary = await watch(world, { ...options, startedAtMs, say }, stop.signal);
    if (options.json) process.stdout.write(`${JSON.stringify({ ...summary, latenciesMs: undefined })}\n`);
    else say(renderSummary(summary));
    if (!options.once) {
      say('\nEverything keeps running: look around with the URLs above. Ctrl-C stops it.');
      await untilAborted(stop.signal);
    }
    stop.abort();
    await world.close();
    return isAsDesigned(summary);
  } finally {
    stop.abort();
    await parts.stop();
  }
}

type World = {
  run: string;
  pool: Pool;
  sandbox: Sandbox;
  orders: { url: string };
  http: string | null;
  /** Of the roles; rejects when one failed for good. */
  done: Promise<void>;
  close: () => Promise<void>;
};

async function startWorld(parts: LocalServices, signal: AbortSignal): Promise<World> {
  await migrate(parts.databaseUrl);
  const sandbox = await createSandbox({ latencyMs: 5 }, systemClock);
  const run = systemClock().toISOString().replace(/\D/g, '').slice(0, 15);
  const config = readConfig(demoEnv(parts, sandbox.url, run));
  const log = createLog(config.log);
  const { url, done } = await startRoles({ config, log }, roleNames, signal);
  const pool = createPool({
    databaseUrl: parts.databaseUrl,
    max: 8,
    applicationName: 'demo-orders',
    onError: () => undefined,
  });
  await createOrders(pool);
  const orders = await startOrderService({ pool, clock: systemClock }, appid);
  const close = async (): Promise<void> => {
    await orders.stop();
    await done.finally(async () => {
      await pool.end();
      await sandbox.stop();
    });
  };
  return { run, pool, sandbox, orders, http: url, done, close };
}

/** Shorter waits than in production, so that the two slow orders do not keep the newcomer waiting. */
const demoEnv = (parts: LocalServices, wechat: string, run: string): Env => ({
  DATABASE_URL: parts.databaseUrl,
  KAFKA_BROKERS: parts.kafkaBrokers,
  ...kafkaNames(parts, run),
  FAHUO_CREATE_TOPICS: 'true',
  FAHUO_HTTP_PORT: '0',
  FAHUO_LOG_LEVEL: 'error',
  FAHUO_FIRST_RETRY_MS: '2000',
  FAHUO_READ_AFTER_MS: '1000',
  FAHUO_READ_GAP_MS: '1000',
  WECHAT_BASE_URL: wechat,
  WECHAT_APPID: appid,
  WECHAT_SECRET: 'demo',
});

/** A group belongs to one database: one that starts with the demo and ends with it takes names of its own. */
const kafkaNames = (parts: LocalServices, run: string): Env => {
  const suffix = parts.postgres === undefined ? '' : `-${run}`;
  return { KAFKA_TOPIC: `fahuo.demo${suffix}.shipments`, KAFKA_GROUP: `fahuo-demo${suffix}` };
};

/** Which of the orders goes wrong, by number. */
const lostAnswer = 1;
const invisible = 2;
const careless = 0;

const post = async (url: string, body: unknown): Promise<unknown> => {
  const answer = await fetch(url, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  });
  return answer.json();
};

const prepareFaults = ({ sandbox, run }: World): Promise<unknown> =>
  post(`${sandbox.url}/_sandbox/faults`, {
    kind: 'lost_answer',
    transaction_id: transactionIdOf(run, lostAnswer),
    times: 1,
  });

/** The buyer pays, WeChat learns of it, the shop ships. */
async function shipOrders(
  { run, sandbox, orders }: World,
  count: number,
  signal: AbortSignal,
): Promise<void> {
  for (let order = 0; order < count && !signal.aborted; order++) {
    const transactionId = transactionIdOf(run, order);
    const openid = `oDemo${run}${order}`;
    await post(`${sandbox.url}/_sandbox/payments`, {
      transaction_id: transactionId,
      openid,
      visible_after_ms: order === invisible ? invisibleForMs : 0,
    });
    const paid = (await post(`${orders.url}/orders`, {
      transactionId,
      openid,
      logisticsType: logisticsTypeOf(order),
    })) as { id: number };
    await post(`${orders.url}/orders/${paid.id}/ship`, { careless: order === careless });
  }
}

async function watch(
  world: World,
  options: DemoOptions & { startedAtMs: number; say: (line: string) => void },
  signal: AbortSignal,
): Promise<Summary> {
  const deadlineMs = monotonicMs() + waitAtMostMs;
  const prefix = transactionIdOf(world.run, 0).slice(0, -8);
  let shown = '';
  for (;;) {
    const outcomes = Object.fromEntries(
      (await countOutcomes(world.pool, prefix)).map(({ state, rows }) => [state, rows]),
    );
    const line = Object.entries(outcomes)
      .map(([state, rows]) => `${state} ${rows}`)
      .join(', ');
    if (line !== shown) options.say(`  ${line}`);
    shown = line;
    const finished = (outcomes['acknowledged'] ?? 0) + (outcomes['rejected'] ?? 0);
    if (finished >= options.orders || signal.aborted || monotonicMs() > deadlineMs)
      return summarise(world, { ...options, prefix, outcomes });
    await sleep(250, signal);
  }
}

async function summarise(
  { pool, sandbox }: World,
  known: { orders: number; prefix: string; outcomes: Record<string, number>; startedAtMs: number },
): Promise<Summary> {
  const stats = (await (await fetch(`${sandbox.url}/_sandbox/stats`)).json()) as Pick<Summary, 'effects'>;
  const lines = (await (await fetch(`${sandbox.url}/_sandbox/effects`)).text()).split('\n').filter(Boolean);
  const perPayment = new Map<string, number>();
  for (const line of lines) {
    const { payment } = JSON.parse(line) as { payment: string };
    perPayment.set(payment, (perPayment.get(payment) ?? 0) + 1);
  }
  return {
    orders: known.orders,
    outcomes: known.outcomes,
    effects: stats.effects,
    notOnce: [...perPayment.values()].filter((count) => count !== 1).length,
    latenciesMs: await readLatencies(pool, known.prefix),
    totalMs: monotonicMs() - known.startedAtMs,
  };
}

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
