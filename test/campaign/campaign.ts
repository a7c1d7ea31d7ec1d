import { randomBytes } from 'node:crypto';
import { connectAlone, createPool, type Pool } from '../../db/client.ts';
import { migrate } from '../../db/migrate.ts';
import { monotonicMs, pause, systemClock } from '../../src/clock.ts';
import { createAdmin } from '../../src/kafka/admin.ts';
import { createLog } from '../../src/log.ts';
import { createSandbox } from '../../src/sandbox/run.ts';
import { deletePauses } from '../../src/upload/pause-store.ts';
import { shippedEvent, type LooseEvent } from '../support/events.ts';
import { startFahuo, type FahuoProcess } from '../support/fahuo-process.ts';
import { createRandom } from '../support/random.ts';
import { effectsOf, statsOf, tellSandbox, type EffectLine } from '../support/sandbox-client.ts';

/** Services that the campaign may kill and bring back; those that are given by URL are left alone. */
type Restartable = { kill: () => Promise<void>; restart: () => Promise<void> };
export type CampaignServices = {
  databaseUrl: string;
  kafkaBrokers: string;
  redisUrl?: string | undefined;
  kafka?: Restartable | undefined;
  postgres?: Restartable | undefined;
  redis?: Restartable | undefined;
};

export type CampaignOptions = {
  seed: number;
  events: number;
  kills: number;
  /** Run on the fresh database before anything else: how a mutation switches a guarantee off. */
  mutation?: { sql?: string; env?: Record<string, string> };
  /** How long the end may take before what is missing counts as lost. */
  patienceMs?: number;
};

export type Report = {
  seed: number;
  events: number;
  acknowledged: number;
  corrections: number;
  /** Events that are in no final state, or in none at all. */
  lost: number;
  /** Events whose content took effect another number of times than once. */
  effectsNotOne: number;
  orderViolations: number;
  reshipsWithoutCorrection: number;
  /** Uploads that WeChat saw and the attempts do not know. */
  attemptsWithoutRecord: number;
  kills: number;
  unanswered: number;
  reads: number;
  seconds: number;
};

export const isClean = (report: Report): boolean =>
  report.lost +
    report.effectsNotOne +
    report.orderViolations +
    report.reshipsWithoutCorrection +
    report.attemptsWithoutRecord ===
    0 && report.acknowledged === report.events;

const appid = 'wx0123456789abcdef';
const quiet = createLog({ level: 'silent' });
const defaultPatienceMs = 240_000;

/** Every kind of trouble, each at a rate of its own; which request meets which is a function of the seed. */
const faults = [
  { kind: 'lost_answer', rate: 0.05 },
  { kind: 'reset_before', rate: 0.03 },
  { kind: 'status', rate: 0.03 },
  { kind: 'status', rate: 0.02, status: 502, committed: true },
  { kind: 'garbage', rate: 0.02 },
  { kind: 'no_errcode', rate: 0.02 },
  { kind: 'half_json', rate: 0.02 },
  { kind: 'delay', rate: 0.01, ms: 1_500 },
  { kind: 'delay', rate: 0.01, ms: 1_500, committed: false },
  { kind: 'errcode', errcode: -1, rate: 0.02, committed: true },
  { kind: 'errcode', errcode: -1, rate: 0.02 },
  { kind: 'errcode', errcode: 10060012, rate: 0.02, committed: true },
  { kind: 'errcode', errcode: 10060019, rate: 0.02 },
  { kind: 'errcode', errcode: 40001, rate: 0.01 },
  { kind: 'errcode', errcode: 48001, rate: 0.002, times: 1 },
  { kind: 'errcode', errcode: 45009, rate: 0.002, times: 1 },
  { kind: 'expire_token', rate: 0.01 },
  { kind: 'lost_answer', endpoint: 'get_order', rate: 0.05 },
  { kind: 'status', endpoint: 'get_order', rate: 0.05 },
];

/** One payment's events, in the order in which they are written. */
type Planned = { payment: string; events: LooseEvent[] };

const splitEvent = (payment: string, version: number, parcels: number, all: boolean): LooseEvent => {
  const event = shippedEvent({ payment, version, appid });
  const [parcel] = event.data.shipping_list;
  event.data['delivery_mode'] = 2;
  event.data['is_all_delivered'] = all;
  event.data.shipping_list = Array.from({ length: parcels }, (_, index) => ({
    ...parcel,
    tracking_no: `${payment}-${index}`,
  }));
  return event;
};

/** Most payments ship once; some in several cumulative parcels; a few are corrected after that. */
function planEvents(count: number, random: () => number): Planned[] {
  const plans: Planned[] = [];
  for (let written = 0; written < count;) {
    const payment = `42${String(plans.length).padStart(26, '0')}`;
    const kind = random();
    const events: LooseEvent[] = [];
    if (kind < 0.2 && count - written >= 3)
      for (let version = 1; version <= 3; version++)
        events.push(splitEvent(payment, version, version, version === 3));
    else events.push(shippedEvent({ payment, appid }));
    if (kind > 0.9 && count - written >= 2) {
      const version = events.length + 1;
      const corrected = shippedEvent({ payment, version, appid });
      corrected.data.shipping_list[0]!['item_desc'] = '改正的商品';
      events.push({
        ...corrected,
        type: 'fahuo.shipment.corrected.v1',
        reason: 'campaign',
        approved_by: 'campaign',
      });
    }
    written += events.length;
    plans.push({ payment, events });
  }
  return plans;
}

async function createDatabase(server: string): Promise<{ url: string; drop: () => Promise<void> }> {
  const name = `fahuo_campaign_${randomBytes(4).toString('hex')}`;
  const onServer = async (statement: string): Promise<void> => {
    const client = await connectAlone(server, 'campaign');
    await client.query(statement).finally(() => client.end());
  };
  await onServer(`create database ${name}`);
  const url = Object.assign(new URL(server), { pathname: `/${name}` }).toString();
  await migrate(url);
  return { url, drop: () => onServer(`drop database ${name} with (force)`) };
}

/** Runs one seed and checks everything that is left against everything that should be. */
export async function runCampaign(services: CampaignServices, options: CampaignOptions): Promise<Report> {
  const startedAtMs = monotonicMs();
  const random = createRandom(options.seed);
  const database = await createDatabase(services.databaseUrl);
  const pool = createPool({
    databaseUrl: database.url,
    max: 6,
    applicationName: 'campaign',
    onError: () => undefined,
  });
  if (options.mutation?.sql !== undefined) await pool.query(options.mutation.sql);
  const topic = `campaign-${randomBytes(4).toString('hex')}`;
  const admin = createAdmin({ brokers: services.kafkaBrokers.split(','), clientId: 'campaign' }, quiet);
  for (const name of [topic, `${topic}.acks`, `${topic}.dead-letters`]) await admin.createTopic(name, 4);
  const sandbox = await createSandbox(
    { latencyMs: 3, seed: options.seed, autoCreatePayments: true, readLagMs: 100 },
    systemClock,
  );
  await tellSandbox(sandbox.url, 'faults', faults);
  const env = environment(services, { databaseUrl: database.url, topic, sandbox: sandbox.url, ...options });
  const plans = planEvents(options.events, random);
  for (const { payment } of plans)
    if (random() < 0.03)
      await tellSandbox(sandbox.url, 'payments', {
        transaction_id: payment,
        visible_after_ms: 300 + random() * 1_500,
      });
  const running: FahuoProcess[] = [await startFahuo(['run'], env), await startFahuo(['run'], env)];
  const over = new AbortController();
  const operator = resumeNowAndThen(pool, over.signal);
  try {
    await Promise.all([
      writeEvents(pool, plans, createRandom(options.seed + 1)),
      makeTrouble(services, { running, env, kills: options.kills, random }),
    ]);
    await untilQuiet(pool, options.events, options.patienceMs ?? defaultPatienceMs);
    return {
      ...(await check(pool, { plans, sandbox: sandbox.url })),
      seed: options.seed,
      kills: options.kills,
      seconds: (monotonicMs() - startedAtMs) / 1_000,
    };
  } finally {
    over.abort();
    await operator;
    await Promise.all(running.map((process) => process.kill()));
    await sandbox.stop();
    await admin.close();
    await pool.end();
    await database.drop();
  }
}

const environment = (
  services: CampaignServices,
  own: { databaseUrl: string; topic: string; sandbox: string; mutation?: CampaignOptions['mutation'] },
): Record<string, string> => ({
  DATABASE_URL: own.databaseUrl,
  KAFKA_BROKERS: services.kafkaBrokers,
  ...(services.redisUrl === undefined
    ? {}
    : { REDIS_URL: services.redisUrl, FAHUO_REDIS_PREFIX: `${own.topic}:` }),
  KAFKA_TOPIC: own.topic,
  KAFKA_GROUP: own.topic,
  KAFKA_SESSION_TIMEOUT_MS: services.kafka === undefined ? '6000' : '1000',
  WECHAT_BASE_URL: own.sandbox,
  WECHAT_APPID: appid,
  WECHAT_SECRET: 'secret',
  FAHUO_HTTP_PORT: '0',
  FAHUO_LOG_LEVEL: 'error',
  FAHUO_CALL_TIMEOUT_MS: '1000',
  FAHUO_LEASE_MS: '2500',
  FAHUO_DRAIN_MS: '2500',
  FAHUO_READ_AFTER_MS: '150',
  FAHUO_READ_GAP_MS: '250',
  FAHUO_FIRST_RETRY_MS: '200',
  FAHUO_WINDOW: '64',
  ...own.mutation?.env,
});

/** The order service: it tries again when the database is away, and never writes a payment's events out of order. */
async function writeEvents(pool: Pool, plans: readonly Planned[], random: () => number): Promise<void> {
  const open = plans.map((plan) => [...plan.events]);
  for (let left = open; left.length > 0; left = left.filter((events) => events.length > 0)) {
    for (const events of left) {
      const event = events.shift()!;
      await untilWritten(pool, JSON.stringify(event));
      if (random() < 0.02) await pause(random() * 100);
    }
  }
}

/** An insert whose answer was lost may have happened: the event id says so. */
async function untilWritten(pool: Pool, text: string): Promise<void> {
  const { id } = JSON.parse(text) as { id: string };
  for (;;) {
    try {
      await pool.query(
        `select fahuo.enqueue($1) where not exists (select 1 from fahuo.outbox where event_id = $2)`,
        [text, id],
      );
      return;
    } catch {
      await pause(100);
    }
  }
}

/** Kills and restarts, at instants of the seed. */
async function makeTrouble(
  services: CampaignServices,
  trouble: { running: FahuoProcess[]; env: Record<string, string>; kills: number; random: () => number },
): Promise<void> {
  const { running, env, kills, random } = trouble;
  for (let kill = 0; kill < kills; kill++) {
    await pause(300 + random() * 1_200);
    const victim = Math.floor(random() * running.length);
    await running[victim]!.kill();
    if (random() < 0.5) await pause(random() * 500);
    running[victim] = await startFahuo(['run'], env);
    const part = [services.postgres, services.kafka, services.redis][Math.floor(random() * 6)];
    if (part === undefined) continue;
    await part.kill();
    await pause(random() * 300);
    await part.restart();
  }
}

/** The operator who reads the alert and lifts the pause. */
async function resumeNowAndThen(pool: Pool, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await pause(400, signal);
    await deletePauses(pool, appid).catch(() => 0);
  }
}

async function untilQuiet(pool: Pool, events: number, patienceMs: number): Promise<void> {
  const deadlineMs = monotonicMs() + patienceMs;
  while (monotonicMs() < deadlineMs) {
    const { rows } = await pool
      .query<{ n: number }>(
        `select count(*) as n from fahuo.upload where state in ('acknowledged', 'rejected', 'superseded', 'parked')`,
      )
      .catch(() => ({ rows: [{ n: -1 }] }));
    if (rows[0]!.n >= events) return;
    await pause(200);
  }
}

type Row = { payment: string; version: number; state: string; kind: string; body: string; sends: number };

async function check(
  pool: Pool,
  { plans, sandbox }: { plans: readonly Planned[]; sandbox: string },
): Promise<Omit<Report, 'seed' | 'kills' | 'seconds'>> {
  const { rows } = await pool.query<Row>(
    `select u.payment, u.version, u.state::text, u.kind::text, u.body,
       (select count(*) from fahuo.attempt a where a.upload_id = u.id and a.kind = 'send') as sends
     from fahuo.upload u order by u.payment, u.version`,
  );
  const effects = await effectsOf(sandbox);
  const byPayment = Map.groupBy(effects, (effect) => effect.payment);
  const rowsOf = Map.groupBy(rows, (row) => row.payment);
  const sums = {
    acknowledged: 0,
    corrections: 0,
    lost: 0,
    effectsNotOne: 0,
    orderViolations: 0,
    reshipsWithoutCorrection: 0,
    attemptsWithoutRecord: 0,
  };
  for (const { payment, events } of plans) {
    const own = rowsOf.get(payment) ?? [];
    const seen = byPayment.get(payment) ?? [];
    const corrected = own.filter((row) => row.kind === 'corrected' && row.state === 'acknowledged').length;
    sums.acknowledged += own.filter((row) => row.state === 'acknowledged').length;
    sums.corrections += corrected;
    sums.lost += events.length - own.filter((row) => row.state === 'acknowledged').length;
    sums.effectsNotOne += Math.abs(seen.length - events.length);
    sums.orderViolations += outOfOrder(seen);
    sums.reshipsWithoutCorrection += Math.max(
      0,
      seen.filter((effect) => effect.kind === 'reship').length - corrected,
    );
  }
  sums.attemptsWithoutRecord = await unrecorded(pool, sandbox);
  const reads = await count(pool, `kind = 'read'`);
  const unanswered = await count(pool, `outcome = 'unanswered'`);
  return { events: plans.reduce((sum, plan) => sum + plan.events.length, 0), ...sums, reads, unanswered };
}

/** Effects in the order in which they happened carry ever later times. */
const outOfOrder = (effects: readonly EffectLine[]): number =>
  effects.filter((effect, index) => index > 0 && effect.uploadTimeMs <= effects[index - 1]!.uploadTimeMs)
    .length;

const count = async (pool: Pool, where: string): Promise<number> => {
  const { rows } = await pool.query<{ n: number }>(`select count(*) as n from fahuo.attempt where ${where}`);
  return rows[0]!.n;
};

/** Every upload that reached WeChat is an attempt; attempts may be more: a kill between the claim and the send. */
async function unrecorded(pool: Pool, sandbox: string): Promise<number> {
  const { requests } = await statsOf(sandbox);
  const reached = Object.values(requests['upload'] ?? {}).reduce((sum, n) => sum + n, 0);
  // A token that was refused is renewed within one attempt: two requests, one record.
  const renewed =
    (requests['upload']?.['40001'] ?? 0) +
    (requests['upload']?.['42001'] ?? 0) +
    (requests['upload']?.['40014'] ?? 0);
  const faulted = requests['upload']?.['errcode'] ?? 0;
  return Math.max(0, reached - renewed - faulted - (await count(pool, `kind = 'send'`)));
}
