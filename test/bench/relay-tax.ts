import type { Bench } from './bench-parts.ts';
import { startHelper } from './child.ts';
import { ownCpuMsOf } from './cpu.ts';
import { head, median, percent, row, say, thousands } from './numbers.ts';
import { drainRelay, lastOutboxId, untilPublished } from './relay-drain.ts';

const warmSeconds = 2;
const warmEvents = 300_000;
/** Without, with, with, without: a machine that grows faster or slower takes from both alike. */
const turns = [false, true, true, false] as const;

const cases = [
  { name: '4 clients, enqueue alone', clients: 4, order: false },
  { name: '16 clients, enqueue alone', clients: 16, order: false },
  { name: '4 clients, order and enqueue', clients: 4, order: true },
  { name: '16 clients, order and enqueue', clients: 16, order: true },
] as const;

/** What one round found: events a second, and how much of a core the relay and Kafka took. */
type Round = { without: number; with: number; cores: number };

/**
 * What the relay costs the writers of the outbox, with the broker on the same cores: with and without it, in turns, over
 * the same seconds. Relay and broker are warm, as those are that run for weeks: for a turn without it the relay's process
 * is stopped, and goes on afterwards.
 */
export async function benchTax(bench: Bench, { seconds, rounds }: { seconds: number; rounds: number }) {
  const env = await bench.topic('tax');
  await bench.pool.query(
    `create table bench_order (payment text primary key, state text not null, shipped_at timestamptz not null)`,
  );
  const relay = await bench.fahuo('relay', env);
  await drainRelay(bench, relay.pid, { events: warmEvents, prefix: 'warm' });
  head(
    `writers, medians of ${rounds} rounds of four times ${seconds} s`,
    'without relay',
    'with relay',
    'tax',
    'lowest and highest',
    "the relay's and Kafka's CPU, of a core",
  );
  for (const { name, clients, order } of cases) {
    const options = { databaseUrl: bench.databaseUrl, clients, order };
    const writers = await startHelper('./relay-writers.ts', options);
    const rate = async (forSeconds: number): Promise<number> =>
      (await writers.ask<{ written: number }>({ seconds: forSeconds })).written / forSeconds;
    const found: Round[] = [];
    for (let round = 0; round < rounds; round++)
      found.push(await measure(bench, { relayPid: relay.pid, rate, seconds }));
    await writers.stop();
    const taxes = found.map((one) => 1 - one.with / one.without);
    say(
      row(
        name,
        `${thousands(median(found.map((one) => one.without)))}/s`,
        `${thousands(median(found.map((one) => one.with)))}/s`,
        percent(median(taxes)),
        `${percent(Math.min(...taxes))}, ${percent(Math.max(...taxes))}`,
        percent(median(found.map(({ cores }) => cores))),
      ),
    );
  }
  process.kill(relay.pid, 'SIGCONT'); // a stopped process does not end
  await relay.stop();
}

async function measure(
  bench: Bench,
  {
    relayPid,
    rate,
    seconds,
  }: { relayPid: number; rate: (seconds: number) => Promise<number>; seconds: number },
): Promise<Round> {
  const usedMs = (): number => ownCpuMsOf(relayPid) + ownCpuMsOf(bench.kafka?.pid() ?? 0);
  const sum = { without: 0, with: 0, cores: 0 };
  for (const withRelay of turns) {
    if (withRelay) await goOn(bench, relayPid);
    else await stop(bench, relayPid);
    await rate(warmSeconds);
    const before = usedMs();
    sum[withRelay ? 'with' : 'without'] += (await rate(seconds)) / 2;
    if (withRelay) sum.cores += (usedMs() - before) / (2_000 * seconds);
  }
  return sum;
}

/** As good as gone: its sessions end with it. */
async function stop({ pool }: Bench, relayPid: number): Promise<void> {
  process.kill(relayPid, 'SIGSTOP');
  await pool.query(
    `select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'fahuo-relay'`,
  );
}

/** Until it has published what was written without it: tens of thousands of events. */
async function goOn(bench: Bench, relayPid: number): Promise<void> {
  process.kill(relayPid, 'SIGCONT');
  await untilPublished(bench, await lastOutboxId(bench));
}
