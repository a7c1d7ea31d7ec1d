import { parseArgs } from 'node:util';
import { sleep } from '../../src/clock.ts';
import { startBench } from './bench-parts.ts';
import { startHelper, type Helper } from './child.ts';
import { startConnect } from './debezium-connect.ts';
import { head, row, say, thousands } from './numbers.ts';
import { paymentOf } from './outbox-rows.ts';
import { startOurs, startPeers, type Contender } from './road-contenders.ts';
import { agesOf, cpuEach, cpuOf, type Answered, type Committed, type CpuUs } from './road-load.ts';
import { startSandbox } from './sandbox.ts';

/**
 * The whole road, on one machine: orders are committed by SQL at some rate, and as fast as it goes; how old is an event
 * when its answer is on record, and what does it cost? `--peers` runs Debezium's outbox router on Connect and Confluent's
 * parallel consumer beside it, by turns, on the same Postgres, Kafka and sandbox. `npm run bench:road -- --peers`
 */
const { values: flags } = parseArgs({
  options: {
    latencies: { type: 'string', default: '10,50' },
    loads: { type: 'string', default: '100,500,2000' },
    seconds: { type: 'string', default: '15' },
    warm: { type: 'string', default: '20000' },
    peers: { type: 'boolean', default: false },
  },
});
const seconds = Number(flags.seconds);
const numbersOf = (text: string): number[] => text.split(',').map(Number);
/** As many events a transaction as a batch of shipments has when there are that many. */
const perCommitAt = (perSecond: number): number => Math.max(1, Math.round(perSecond / 500));
const fastest = { perCommit: 10, ahead: 4_000 };

const bench = await startBench();
await bench.pool.query(
  'create table bench_order (payment text primary key, state text not null, shipped_at timestamptz not null)',
);
const connect = flags.peers ? await startConnect(bench) : undefined;
let nextPayment = 1;

type Context = { contender: Contender; writers: Helper; sandbox: { url: string; pid: number } };

async function untilAnswered(contender: Contender, first: number, count: number): Promise<Answered[]> {
  for (;;) {
    const answered = await contender.answered(first, count);
    if (answered.length >= count) return answered;
    await sleep(200);
  }
}

const write = (writers: Helper, request: object): Promise<Committed[]> => writers.ask<Committed[]>(request);

const pidsOf = ({ contender, writers, sandbox }: Context) => ({
  ...contender.pids,
  Postgres: bench.postgres.pid(),
  Kafka: bench.kafka?.pid() ?? 0,
  sandbox: sandbox.pid,
  orders: writers.pid,
});

const cpuText = (cpu: CpuUs): string =>
  Object.entries(cpu)
    .map(([name, us]) => `${name} ${us.toFixed(0)}`)
    .join(', ');

/** What the contender itself takes, with the services that it uses. */
const cpuOwn = (cpu: CpuUs): number =>
  Object.entries(cpu).reduce(
    (sum, [name, us]) => (name === 'sandbox' || name === 'orders' ? sum : sum + us),
    0,
  );

async function measurePaced(context: Context, perSecond: number): Promise<void> {
  const { contender, writers } = context;
  const first = nextPayment;
  const before = cpuOf(pidsOf(context));
  const commits = await write(writers, { first, perSecond, perCommit: perCommitAt(perSecond), seconds });
  const count = commits.reduce((sum, one) => sum + one.count, 0);
  nextPayment += count;
  const answered = await untilAnswered(contender, first, count);
  const cpu = cpuEach(before, cpuOf(pidsOf(context)), count);
  const committed = new Map(
    commits.flatMap((one) =>
      Array.from({ length: one.count }, (_, index): [string, number] => [
        paymentOf(one.first + index),
        one.atMs,
      ]),
    ),
  );
  const ages = agesOf(committed, answered);
  say(
    row(
      contender.name,
      `${perSecond}/s`,
      `${ages.p50Ms.toFixed(0)} / ${ages.p99Ms.toFixed(0)} ms`,
      `${ages.aboveP50Ms.toFixed(0)} / ${ages.aboveP99Ms.toFixed(0)} ms`,
      `${cpuOwn(cpu).toFixed(0)} µs (${cpuText(cpu)})`,
      `${contender.peakMb().toFixed(0)} MB`,
    ),
  );
}

/** The rate is that of the answers between a quarter of the time and its end. */
async function measureFastest(context: Context): Promise<void> {
  const { contender, writers, sandbox } = context;
  const stats = `${sandbox.url}/_sandbox/stats`;
  const answers = async (): Promise<number> =>
    ((await (await fetch(stats)).json()) as { requests: { upload?: Record<string, number> } }).requests
      .upload?.['0'] ?? 0;
  const writing = write(writers, { first: nextPayment, seconds, answers: stats, ...fastest });
  await sleep((seconds * 1_000) / 4);
  const [from, startMs, before] = [await answers(), performance.now(), cpuOf(pidsOf(context))];
  await sleep((seconds * 1_000 * 3) / 4 - 500);
  const [to, endMs, after] = [await answers(), performance.now(), cpuOf(pidsOf(context))];
  const [one] = await writing;
  nextPayment += one?.count ?? 0;
  await untilAnswered(contender, one?.first ?? 0, one?.count ?? 0);
  const cpu = cpuEach(before, after, to - from);
  const rate = ((to - from) / (endMs - startMs)) * 1_000;
  say(
    row(
      contender.name,
      `as fast as it goes: ${thousands(rate)}/s`,
      '–',
      '–',
      `${cpuOwn(cpu).toFixed(0)} µs (${cpuText(cpu)})`,
      `${contender.peakMb().toFixed(0)} MB`,
    ),
  );
}

async function measure(contender: Contender, sandbox: Context['sandbox']): Promise<void> {
  const writers = await startHelper('./road-writers.ts', {
    databaseUrl: bench.databaseUrl,
    clients: 16,
    outbox: contender.outbox,
  });
  const context = { contender, writers, sandbox };
  const warm = { first: nextPayment, perSecond: 2_000, perCommit: 10, seconds: Number(flags.warm) / 2_000 };
  const count = (await write(writers, warm)).reduce((sum, one) => sum + one.count, 0);
  nextPayment += count;
  await untilAnswered(contender, warm.first, count);
  for (const perSecond of numbersOf(flags.loads)) await measurePaced(context, perSecond);
  await measureFastest(context);
  await writers.stop();
}

try {
  for (const latencyMs of numbersOf(flags.latencies)) {
    head(
      `answers after ${latencyMs} ms`,
      'orders',
      'commit → answer, p50 / p99',
      "above the API's",
      'CPU an event, of it',
      'peak memory',
    );
    const local = await startSandbox(bench.dir, latencyMs);
    const sandbox = { url: local.url, pid: local.pid() };
    const ours = await startOurs(bench, local.url, `road-${latencyMs}`);
    await measure(ours, sandbox);
    await ours.stop();
    if (connect !== undefined) {
      const peers = await startPeers(bench, local.url, connect);
      await measure(peers, sandbox);
      await peers.stop();
    }
    await local.stop();
  }
} finally {
  await connect?.stop();
  await bench.stop();
}
