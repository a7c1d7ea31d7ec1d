import { pause } from '../../src/clock.ts';
import type { Bench } from './bench-parts.ts';
import { startHelper, usageOf, type Helper } from './child.ts';
import { head, percentile, row, say } from './numbers.ts';
import { eventText, paymentOf } from './outbox-rows.ts';

/** Events a second, and how many of them one transaction commits: 500 commits a second at most. */
export const loads = [
  { perSecond: 500, perCommit: 1 },
  { perSecond: 2_000, perCommit: 4 },
  { perSecond: 5_000, perCommit: 10 },
] as const;

/** Commits events with these ids, in one transaction. */
export type Write = (ids: { eventId: string; payment: string }[]) => Promise<void>;

export const enqueueWrite =
  (bench: Bench): Write =>
  async (ids) => {
    const texts = ids.map(({ eventId, payment }) => eventText(eventId, payment));
    await bench.pool.query({
      name: 'enqueue',
      text: 'select fahuo.enqueue(t) from unnest($1::text[]) t',
      values: [texts],
    });
  };

export type Latency = { perSecond: number; p50Ms: number; p99Ms: number; cpuUs: number; commitMs: number };

const warmSeconds = 3;
let nextPayment = 0;

/**
 * Writes at a steady rate, whatever the answers take, and asks the counter how old events were when it saw them. An
 * event's age begins when its transaction is sent, so the commit itself is in it.
 */
export async function measureLatency(
  run: { counter: Helper; pid: number; write: Write; seconds: number },
  { perSecond, perCommit }: (typeof loads)[number],
): Promise<Latency> {
  const everyMs = (1_000 * perCommit) / perSecond;
  const writes = new Set<Promise<void>>();
  const commitsMs: number[] = [];
  const start = performance.now();
  let commits = 0;
  let cpu = usageOf(run.pid).cpuUs;
  let warm = false;
  for (;;) {
    const elapsed = performance.now() - start;
    if (!warm && elapsed > warmSeconds * 1_000) {
      warm = true;
      await run.counter.ask({});
      cpu = usageOf(run.pid).cpuUs;
    }
    if (elapsed > (warmSeconds + run.seconds) * 1_000) break;
    while (commits * everyMs <= performance.now() - start) {
      const nowUs = process.hrtime.bigint() / 1_000n;
      const sentMs = performance.now();
      const ids = Array.from({ length: perCommit }, () => {
        nextPayment += 1;
        return { eventId: `l${nextPayment}@${nowUs}`, payment: paymentOf(nextPayment) };
      });
      const written = run.write(ids).then(() => {
        commitsMs.push(performance.now() - sentMs);
        writes.delete(written);
      });
      writes.add(written);
      commits += 1;
    }
    await pause(1);
  }
  const used = usageOf(run.pid).cpuUs - cpu;
  await Promise.all(writes);
  await pause(1_000);
  const { agesUs } = await run.counter.ask<{ agesUs: number[] }>({});
  return {
    perSecond,
    p50Ms: percentile(agesUs, 0.5) / 1_000,
    p99Ms: percentile(agesUs, 0.99) / 1_000,
    commitMs: percentile(commitsMs, 0.5),
    cpuUs: used / (perSecond * run.seconds),
  };
}

export const latencyCells = ({ p50Ms, p99Ms, cpuUs, commitMs }: Latency): string[] => [
  `${p50Ms.toFixed(1)} ms`,
  `${p99Ms.toFixed(1)} ms`,
  `${commitMs.toFixed(1)} ms`,
  `${cpuUs.toFixed(0)} µs`,
];

export async function benchLatency(bench: Bench, seconds: number): Promise<Latency[]> {
  const env = await bench.topic('latency');
  const relay = await bench.fahuo('relay', env);
  const counter = await startHelper('./relay-counter.ts', {
    brokers: bench.brokers,
    topic: 'latency',
    group: 'latency',
  });
  const found: Latency[] = [];
  head('commit → consumed', 'p50', 'p99', 'commit alone (p50)', "relay's CPU an event");
  for (const load of loads) {
    const one = await measureLatency({ counter, pid: relay.pid, write: enqueueWrite(bench), seconds }, load);
    found.push(one);
    say(row(`relay, ${load.perSecond}/s in commits of ${load.perCommit}`, ...latencyCells(one)));
  }
  await counter.stop();
  await relay.stop();
  return found;
}
