import { randomBytes } from 'node:crypto';
import { connectAlone, createPool, type Pool } from '../../db/client.ts';
import { migrate } from '../../db/migrate.ts';
import { monotonicMs, sleep } from '../../src/clock.ts';
import { createAdmin } from '../../src/kafka/admin.ts';
import { createLog } from '../../src/log.ts';
import { eventually } from '../support/eventually.ts';
import { startFahuo, type FahuoProcess } from '../support/fahuo-process.ts';
import { createKafkaProxy, pass, produceKey, type KafkaProxy, type Verdict } from '../support/proxy.ts';
import { createRandom } from '../support/random.ts';
import { readTopic } from '../support/topic.ts';
import { checkTopic, type Checked } from './relay-check.ts';
import type { Mutation } from './relay-mutations.ts';
import { writeAll, writeElsewhere } from './relay-writers.ts';

type Restartable = { kill: () => Promise<void>; restart: () => Promise<void> };
export type RelayCampaignServices = {
  databaseUrl: string;
  kafkaBrokers: string;
  kafka: Restartable;
  postgres: Restartable;
};

export type RelayCampaignOptions = {
  seed: number;
  events: number;
  /** How many of the troubles come, and over how long the writers spread their work. */
  troubles: number;
  spreadMs: number;
  mutation?: Mutation;
  /** How long the end may take before what is missing counts as lost. */
  patienceMs?: number;
};

export type RelayReport = Checked & {
  seed: number;
  /** By the writers' own account: what committed, and what rolled back in whole or to a savepoint. */
  committed: number;
  rolledBack: number;
  transactions: number;
  /** Requests to Kafka that met a fault, and what was killed, stopped and cut. */
  faultyRequests: number;
  troubles: string;
  takeOvers: number;
  /** Relays that ended by themselves. */
  crashed: number;
  seconds: number;
};

export const isCleanRelay = (report: RelayReport): boolean =>
  report.lost +
    report.notCommitted +
    report.orderViolations +
    report.changedRepeats +
    report.journalMismatches +
    report.deadLetters +
    report.crashed ===
    0 &&
  report.rows === report.committed &&
  report.uploads === report.rows &&
  report.removedDownstream === report.duplicates;

const quiet = createLog({ level: 'silent' });
const partitions = 4;
const requestTimeoutMs = 1_000;
const defaultPatienceMs = 120_000;
const patch = new URL('relay-patch.ts', import.meta.url).href;

/** At which rate a Produce request meets which fault. */
const faults: [number, Verdict][] = [
  [0.02, { kind: 'drop_answer' }],
  [0.08, { kind: 'cut_answer' }],
  [0.06, { kind: 'half_answer' }],
  [0.06, { kind: 'cut_request' }],
  [0.04, { kind: 'cut_before' }],
  [0.02, { kind: 'delay', ms: 1_300 }],
];

type Stage = {
  services: RelayCampaignServices;
  pool: Pool;
  proxy: KafkaProxy;
  random: () => number;
  relays: FahuoProcess[];
  env: Record<string, string>;
  /** Relays that are not to run now: killed or stopped on purpose. */
  crashed: { count: number };
};

/** Runs one seed, and compares everything that is in the topic with everything that is in the outbox. */
export async function runRelayCampaign(
  services: RelayCampaignServices,
  options: RelayCampaignOptions,
): Promise<RelayReport> {
  const startedAtMs = monotonicMs();
  const random = createRandom(options.seed);
  const database = await createDatabase(services.databaseUrl, options.mutation);
  const pool = createPool({
    databaseUrl: database.url,
    max: 4,
    applicationName: 'campaign',
    onError: () => undefined,
  });
  const topic = `relay-${randomBytes(4).toString('hex')}`;
  const connection = { brokers: services.kafkaBrokers.split(','), clientId: 'campaign' };
  const admin = createAdmin(connection, quiet);
  for (const name of [topic, `${topic}.acks`, `${topic}.dead-letters`])
    await admin.createTopic(name, partitions);
  await admin.close();
  const proxy = await createKafkaProxy(services.kafkaBrokers);
  const met = meetFaults(proxy, createRandom(options.seed + 1));
  const env = environment({ databaseUrl: database.url, brokers: proxy.brokers, topic, options });
  const relays = [await startRelay(env), await startRelay(env)];
  const stage: Stage = { services, pool, proxy, random, relays, env, crashed: { count: 0 } };
  const over = new AbortController();
  const elsewhere = writeElsewhere(database.url, services.databaseUrl, over.signal);
  try {
    const [written, troubles] = await Promise.all([
      writeAll(database.url, { ...options, name: randomBytes(3).toString('hex') }),
      makeTrouble(stage, options.troubles),
    ]);
    await untilPassed(pool, options.patienceMs ?? defaultPatienceMs);
    const { rows } = await pool.query<{ epoch: number }>('select epoch from fahuo.relay_cursor');
    stage.crashed.count += relays.filter(({ child }) => child.exitCode !== null).length;
    await Promise.all(relays.map((relay) => relay.stop()));
    await proxy.close();
    const messages = await readTopic(connection, topic);
    return {
      seed: options.seed,
      ...(await checkTopic(pool, { topic, messages })),
      committed: written.committed.length,
      rolledBack: written.undone.length,
      transactions: written.transactions,
      faultyRequests: met(),
      troubles: troubles.join(' '),
      takeOvers: rows[0]!.epoch - 1,
      crashed: stage.crashed.count,
      seconds: Math.round((monotonicMs() - startedAtMs) / 100) / 10,
    };
  } finally {
    over.abort();
    await elsewhere;
    await Promise.all(relays.map((relay) => relay.kill()));
    await proxy.close();
    await pool.end();
    await database.drop().catch(() => undefined); // it must not hide what went wrong
  }
}

async function createDatabase(
  server: string,
  mutation: Mutation | undefined,
): Promise<{ url: string; drop: () => Promise<void> }> {
  const name = `fahuo_relay_${randomBytes(4).toString('hex')}`;
  const run = async (url: string, statement: string): Promise<void> => {
    const client = await connectAlone(url, 'campaign');
    await client.query(statement).finally(() => client.end());
  };
  await run(server, `create database ${name}`);
  const url = Object.assign(new URL(server), { pathname: `/${name}` });
  await migrate(url.toString());
  if (mutation?.sql !== undefined) await run(url.toString(), mutation.sql);
  const path = mutation?.searchPath;
  if (path !== undefined) url.search = new URLSearchParams({ options: `-c search_path=${path}` }).toString();
  return { url: url.toString(), drop: () => run(server, `drop database ${name} with (force)`) };
}

const environment = (own: {
  databaseUrl: string;
  brokers: string;
  topic: string;
  options: RelayCampaignOptions;
}): Record<string, string> => ({
  DATABASE_URL: own.databaseUrl,
  KAFKA_BROKERS: own.brokers,
  KAFKA_TOPIC: own.topic,
  KAFKA_REQUEST_TIMEOUT_MS: String(requestTimeoutMs),
  FAHUO_LOG_LEVEL: 'error',
  // Without a rest a seed has many small sends, and many of them meet a fault; with it few and large ones.
  FAHUO_RELAY_REST_MS: own.options.seed % 2 === 0 ? '300' : '0',
  ...(own.options.mutation?.patch === undefined
    ? {}
    : { NODE_OPTIONS: `--import ${patch}`, RELAY_TEST_PATCH: JSON.stringify(own.options.mutation.patch) }),
});

/** A supervisor would try again, too: a relay does not start while its services are away. */
const startRelay = (env: Record<string, string>): Promise<FahuoProcess> =>
  eventually(() => startFahuo(['run', '--roles', 'relay'], env), 90_000, 200);

/** Returns how many requests have met a fault so far. */
function meetFaults(proxy: KafkaProxy, random: () => number): () => number {
  let met = 0;
  proxy.judge = ({ apiKey }) => {
    if (apiKey !== produceKey) return pass;
    let draw = random();
    for (const [rate, verdict] of faults) {
      if (draw < rate) {
        met += 1;
        return verdict;
      }
      draw -= rate;
    }
    return pass;
  };
  return () => met;
}

type Trouble = (stage: Stage) => Promise<void>;

/** The relay's silence that Postgres allows is 5 s: then it ends the session, and the standby leads. */
const stoppedForMs = 6_500;

const troubles: Record<string, Trouble> = {
  'kill-leader': async (stage) => restartRelay(stage, await leaderOf(stage)),
  'kill-standby': async (stage) => restartRelay(stage, 1 - (await leaderOf(stage))),
  'stop-leader': async (stage) => {
    const { child } = stage.relays[await leaderOf(stage)]!;
    child.kill('SIGSTOP');
    await sleep(stoppedForMs);
    child.kill('SIGCONT');
  },
  'kill-kafka': ({ services }) => killAndRestart(services.kafka),
  'kill-postgres': ({ services }) => killAndRestart(services.postgres),
  'refuse-kafka': async ({ proxy, random }) => {
    proxy.refuse();
    await sleep(200 + random() * 1_000);
    proxy.accept();
  },
  'end-session': async ({ pool }) => {
    await pool
      .query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and application_name = 'fahuo-relay'`,
      )
      .catch(() => undefined);
  },
};

async function killAndRestart(part: Restartable): Promise<void> {
  await part.kill();
  // Backends of a Postgres that was killed end a moment later, and the new one does not start beside them.
  await eventually(() => part.restart(), 90_000, 500);
}

async function leaderOf({ pool, relays }: Stage): Promise<number> {
  const owner = await eventually(async () => {
    const { rows } = await pool.query<{ owner: string | null }>('select owner from fahuo.relay_cursor');
    return rows[0]?.owner ?? '';
  });
  return relays[0]!.child.pid !== undefined && owner.includes(`-${relays[0]!.child.pid}-`) ? 0 : 1;
}

async function restartRelay(stage: Stage, which: number): Promise<void> {
  const relay = stage.relays[which]!;
  if (relay.child.exitCode !== null) stage.crashed.count += 1;
  await relay.kill();
  stage.relays[which] = await startRelay(stage.env);
}

/** Each trouble once in an order of the seed, then again; the first ones come while the writers are warm. */
async function makeTrouble(stage: Stage, count: number): Promise<string[]> {
  const { random } = stage;
  const done: string[] = [];
  let deck: string[] = [];
  while (done.length < count) {
    if (deck.length === 0) deck = shuffled(Object.keys(troubles), random);
    const name = deck.pop()!;
    await sleep(200 + random() * 800);
    await troubles[name]!(stage);
    done.push(name);
  }
  return done;
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [result[last], result[other]] = [result[other]!, result[last]!];
  }
  return result;
}

/** The cursor has passed every id that was drawn; what is not in the topic then never comes. */
async function untilPassed(pool: Pool, patienceMs: number): Promise<void> {
  const deadlineMs = monotonicMs() + patienceMs;
  while (monotonicMs() < deadlineMs) {
    const { rows } = await pool
      .query<{ passed: boolean }>(
        `select cursor >= pg_sequence_last_value('fahuo.outbox_id_seq') as passed from fahuo.relay_cursor`,
      )
      .catch(() => ({ rows: [] }));
    if (rows[0]?.passed === true) return;
    await sleep(100);
  }
}
