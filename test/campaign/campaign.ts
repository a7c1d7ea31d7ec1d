import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { createPool, type Pool } from '../../db/client.ts';
import { monotonicMs, sleep, systemClock } from '../../src/clock.ts';
import { createAdmin } from '../../src/kafka/admin.ts';
import { createPublisher, type Publisher } from '../../src/kafka/publisher.ts';
import { createLog } from '../../src/log.ts';
import { createSandbox } from '../../src/sandbox/run.ts';
import { retryParked } from '../../src/upload/verbs-store.ts';
import { deletePauses } from '../../src/apps/pause-store.ts';
import type { LooseEvent } from '../support/events.ts';
import { createRandom } from '../support/random.ts';
import { statsOf, tellSandbox } from '../support/sandbox-client.ts';
import { check, type Counts, type Faults } from './check.ts';
import { createDatabase } from './database.ts';
import { faultsFor, paymentsFor, plainFaults, shippedBefore } from './faults.ts';
import { warmUp, type Instance } from './instance.ts';
import type { Mutation } from './mutations.ts';
import { appid, planEvents, type Planned } from './plan.ts';
import {
  keepKilling,
  makeWeather,
  planKills,
  type CampaignServices,
  type Scene,
  type Tally,
} from './trouble.ts';
import { writeEvents } from './writer.ts';

export type CampaignOptions = {
  seed: number;
  events: number;
  kills: number;
  /** How a mutation switches a guarantee off: run on the fresh database, or put into a source file as it is loaded. */
  mutation?: Pick<Mutation, 'sql' | 'patches'> | undefined;
  /** Nothing special is planned and nothing stops: this part of all requests meets a fault, and so many kill the token. */
  plain?: { faults: number; tokenKills: number };
  /** How long the end may take before what is missing counts as lost. */
  patienceMs?: number;
  /** Told what happens as it happens. */
  say?: ((line: string) => void) | undefined;
};

export type Report = {
  seed: number;
  events: number;
  faults: Faults;
  counts: Counts & { reads: number; unanswered: number };
  /** Processes killed, by point. */
  kills: Tally;
  /** Processes that ended by themselves: a service was away when they started. */
  exits: number;
  weather: Tally;
  /** When each phase was over, in seconds from the start. */
  phases: Tally;
  injected: Tally;
  /** Parked rows that an operator had tried again. */
  retried: number;
  /** Where the rows stand, when something is wrong. */
  left: readonly string[];
  /** Payments that are not as they should be. */
  suspects: readonly string[];
  seconds: number;
};

export const isClean = ({ faults }: Report): boolean => Object.values(faults).every((count) => count === 0);

const quiet = createLog({ level: 'silent' });
const defaultPatienceMs = 180_000;
const instances = 2;

/** Runs one seed and checks everything that is left against everything that should be. */
export async function runCampaign(services: CampaignServices, options: CampaignOptions): Promise<Report> {
  const startedAtMs = monotonicMs();
  const random = createRandom(options.seed);
  const database = await createDatabase(services.databaseUrl, options.mutation?.sql);
  const pool = createPool({
    databaseUrl: database.url,
    max: 12,
    applicationName: 'campaign',
    onError: () => undefined,
  });
  const topic = `campaign-${randomBytes(4).toString('hex')}`;
  const admin = createAdmin({ brokers: services.kafkaBrokers.split(','), clientId: 'campaign' }, quiet);
  for (const name of [topic, `${topic}.acks`, `${topic}.dead-letters`]) await admin.createTopic(name, 4);
  const plans = planEvents(options.events, random, { plain: options.plain !== undefined });
  const sandbox = await startSandbox(plans, options);
  await warmUp();
  const publisher = createPublisher({ brokers: services.kafkaBrokers.split(','), clientId: 'campaign' });
  const env = {
    ...environment(services, { databaseUrl: database.url, topic, sandbox: sandbox.url }),
    ...(options.mutation?.patches === undefined
      ? {}
      : { RELAY_TEST_PATCH: JSON.stringify(options.mutation.patches) }),
  };
  const running = new Set<Instance>();
  const kills = planKills(options.kills, options.seed);
  const weather: Tally = {};
  const scene: Scene = { down: 0, say: options.say ?? (() => undefined) };
  const phases: Tally = {};
  const patienceMs = options.patienceMs ?? defaultPatienceMs;
  const tick = (phase: string): void =>
    void (phases[phase] = Math.round((monotonicMs() - startedAtMs) / 100) / 10);
  tick('ready');
  const [over, calm] = [new AbortController(), new AbortController()];
  const operator = actAsOperator(pool, { redisUrl: services.redisUrl, topic }, over.signal);
  const retrier = createRetrier(pool, createRandom(options.seed + 3));
  const written = new AbortController();
  const retrying = retrier.keepRetrying(written.signal);
  try {
    const troubled = Promise.all([
      ...Array.from({ length: instances }, (_, place) =>
        keepKilling(kills, {
          scene,
          leads: place === 0,
          env,
          running,
          random: createRandom(options.seed * 31 + place),
          over: over.signal,
        }),
      ),
    ]).finally(() => calm.abort());
    await Promise.all([
      troubled.then(() => tick('trouble')),
      makeWeather({ services, sandbox: sandbox.url, pool, tally: weather, random, scene }, calm.signal),
      // As much is written as there were kills: each finds work under way.
      writeEvents(pool, plans, {
        publish: (event) => untilPublished(publisher, topic, event),
        random: createRandom(options.seed + 1),
        share: () => (kills.wanted === 0 ? 1 : kills.done / kills.wanted),
        edit: (payment, change) => editByHand(sandbox.url, { payment, change, scene }),
        patienceMs,
      }).then(() => tick('writing')),
    ]);
    written.abort();
    await retrying;
    await untilQuiet(pool, options.events, patienceMs);
    // Everything that is parked once more, and nothing may come of it.
    if (options.plain === undefined && (await retrier.retryAll()) > 0)
      await untilQuiet(pool, options.events, patienceMs);
    for (const instance of running) scene.say(instance.stderr());
    tick('quiet');
    return await report(
      { pool, plans, sandbox: sandbox.url },
      { options, startedAtMs, kills, weather, phases, retried: retrier.retried() },
    );
  } finally {
    over.abort();
    written.abort();
    await Promise.all([operator, retrying]);
    await Promise.all([...running].map((instance) => instance.kill()));
    await sandbox.stop();
    await publisher.close();
    await admin.close();
    await pool.end();
    await database.drop();
  }
}

async function report(
  left: { pool: Pool; plans: readonly Planned[]; sandbox: string },
  run: {
    options: CampaignOptions;
    startedAtMs: number;
    kills: { at: Tally; exits: number };
    weather: Tally;
    phases: Tally;
    retried: number;
  },
): Promise<Report> {
  const { acknowledged, combined, superseded, corrections, reships, suspects, ...faults } = await check(
    left.pool,
    left,
  );
  const counted = await count(left.pool);
  return {
    seed: run.options.seed,
    events: run.options.events,
    faults,
    counts: { acknowledged, combined, superseded, corrections, reships, ...counted },
    kills: run.kills.at,
    exits: run.kills.exits,
    weather: run.weather,
    phases: run.phases,
    injected: (await statsOf(left.sandbox)).faults,
    retried: run.retried,
    left: Object.values(faults).every((count) => count === 0) ? [] : await describeRows(left.pool),
    suspects,
    seconds: (monotonicMs() - run.startedAtMs) / 1_000,
  };
}

const readLagMs = 40;

/** Whether parcels of a later list are added or take the place of the others is open (wechat.md §6.9): by turns. */
async function startSandbox(plans: readonly Planned[], { seed, plain }: CampaignOptions) {
  const parcelMode = seed % 2 === 1 ? 'merge' : 'overwrite';
  const sandbox = await createSandbox(
    { latencyMs: 3, seed, autoCreatePayments: true, readLagMs, keepRequests: true, parcelMode },
    systemClock,
  );
  const random = createRandom(seed + 2);
  const rules = plain === undefined ? faultsFor(plans, random) : plainFaults(plain.faults, plain.tokenKills);
  await tellSandbox(sandbox.url, 'payments', paymentsFor(plans));
  for (const body of shippedBefore(plans)) await tellSandbox(sandbox.url, 'console-ship', body);
  await tellSandbox(sandbox.url, 'faults', rules);
  return sandbox;
}

/** And waits until reads show it: who edits and reads at once cannot be helped by anybody. */
async function editByHand(
  sandbox: string,
  { payment, change, scene }: { payment: string; change: object; scene: Scene },
): Promise<void> {
  const { errcode } = (await tellSandbox(sandbox, 'console-edit', { payment, ...change })) as {
    errcode?: number;
  };
  if (errcode !== 0) scene.say(`${payment}: the console answered ${errcode} to an edit`);
  await sleep(readLagMs * 4);
}

/** The lease outlives a call by more than a step of the clock, as the default does by far. */
const environment = (
  services: CampaignServices,
  own: { databaseUrl: string; topic: string; sandbox: string },
): Record<string, string> => ({
  DATABASE_URL: own.databaseUrl,
  KAFKA_BROKERS: services.kafkaBrokers,
  ...(services.redisUrl === undefined
    ? {}
    : { REDIS_URL: services.redisUrl, FAHUO_REDIS_PREFIX: `${own.topic}:` }),
  KAFKA_TOPIC: own.topic,
  KAFKA_GROUP: own.topic,
  // Shorter, and members that are only slow are thrown out on a busy machine.
  KAFKA_SESSION_TIMEOUT_MS: services.kafka === undefined ? '6000' : '3000',
  WECHAT_BASE_URL: own.sandbox,
  WECHAT_APPID: appid,
  WECHAT_SECRET: 'secret',
  FAHUO_HTTP_PORT: '0',
  FAHUO_LOG_LEVEL: 'error',
  FAHUO_CALL_TIMEOUT_MS: '2000',
  FAHUO_LEASE_MS: '6500',
  FAHUO_DRAIN_MS: '2500',
  FAHUO_READ_AFTER_MS: '80',
  FAHUO_READ_GAP_MS: '120',
  FAHUO_FIRST_RETRY_MS: '200',
  FAHUO_WINDOW: '64',
});

/** Lifts pauses, as one who reads the alert would, and lets WeChat's minute end after a moment. */
async function actAsOperator(
  pool: Pool,
  { redisUrl, topic }: { redisUrl: string | undefined; topic: string },
  signal: AbortSignal,
): Promise<void> {
  const redis =
    redisUrl === undefined
      ? null
      : new Redis(redisUrl, { maxRetriesPerRequest: 0, enableOfflineQueue: false });
  redis?.on('error', () => undefined);
  while (!signal.aborted) {
    await sleep(250, signal);
    await deletePauses(pool, appid).catch(() => 0);
    await redis?.hset(`${topic}:budget:{${appid}}`, 'blocked_until', '0').catch(() => 0);
  }
  redis?.disconnect();
}

type Retrier = {
  keepRetrying: (signal: AbortSignal) => Promise<void>;
  retryAll: () => Promise<number>;
  retried: () => number;
};

/** A person who clicks on "retry", by the verb that `fahuo replay --state parked` uses: P5 says that it never hurts. */
function createRetrier(pool: Pool, random: () => number): Retrier {
  let retried = 0;
  const retry = async (share: number): Promise<number> => {
    const { rows } = await pool.query<{ id: number }>(`select id from fahuo.upload where state = 'parked'`);
    const chosen = rows.map(({ id }) => id).filter(() => random() < share);
    const count = chosen.length === 0 ? 0 : await retryParked(pool, chosen);
    retried += count;
    return count;
  };
  return {
    keepRetrying: async (signal) => {
      while (!signal.aborted) {
        await sleep(300 + random() * 1_200, signal);
        await retry(0.5).catch(() => 0); // the database may be away
      }
    },
    retryAll: () => retry(1),
    retried: () => retried,
  };
}

async function untilPublished(publisher: Publisher, topic: string, event: LooseEvent): Promise<void> {
  const message = {
    key: null,
    value: JSON.stringify(event),
    headers: { 'content-type': 'application/cloudevents+json' },
  };
  while ((await publisher.publish(topic, [{ partition: 0, messages: [message] }])).kind !== 'published')
    await sleep(200);
}

const settledStates = `('acknowledged', 'rejected', 'superseded', 'parked')`;

async function untilQuiet(pool: Pool, events: number, patienceMs: number): Promise<void> {
  const deadlineMs = monotonicMs() + patienceMs;
  while (monotonicMs() < deadlineMs) {
    const { rows } = await pool
      .query<{ n: number }>(`select count(*) as n from fahuo.upload where state in ${settledStates}`)
      .catch(() => ({ rows: [{ n: -1 }] }));
    if (rows[0]!.n >= events) return;
    await sleep(200);
  }
}

/** States, details and reads that failed, the most frequent first. */
async function describeRows(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ line: string }>(
    `select count(*) || ' ' || concat_ws(' | ', state, park_reason, errcode, left(detail, 90)) as line
     from fahuo.upload group by state, park_reason, errcode, left(detail, 90) union all
     select count(*) || ' attempts ' || concat_ws(' | ', kind, outcome, errcode, failure)
     from fahuo.attempt group by kind, outcome, errcode, failure`,
  );
  return rows.map(({ line }) => line).sort((left, right) => parseInt(right) - parseInt(left));
}

async function count(pool: Pool): Promise<{ reads: number; unanswered: number }> {
  const { rows } = await pool.query<{ reads: number; unanswered: number }>(
    `select count(*) filter (where kind = 'read') as reads,
       count(*) filter (where outcome = 'unanswered') as unanswered from fahuo.attempt`,
  );
  return rows[0]!;
}
