import { sleep } from '../../src/clock.ts';
import { appid } from '../support/events.ts';
import type { Bench } from './bench-parts.ts';
import { startHelper, usageOf, type Helper } from './child.ts';
import { head, percentile, row, say } from './numbers.ts';
import { dataTemplate, eventText, freshNumber, paymentOf } from './outbox-rows.ts';
import { drainRelay } from './relay-drain.ts';

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

/** Past `fahuo.enqueue`, as Debezium's table is written: what the function's checks cost the writers is left out. */
export const insertWrite =
  (bench: Bench): Write =>
  async (ids) => {
    await bench.pool.query({
      name: 'insert',
      text: `insert into fahuo.outbox (event_id, type, source, event_time, appid, payment, version, data)
        select e, 'fahuo.shipment.shipped.v1', '/orders', '2026-11-23T10:00:00+08:00', $2, p, 1,
          replace($1, 'PAYMENT', p) from unnest($3::text[], $4::text[]) x(e, p)`,
      values: [dataTemplate, appid, ids.map(({ eventId }) => eventId), ids.map(({ payment }) => payment)],
    });
  };

export type Latency = { perSecond: number; p50Ms: number; p99Ms: number; cpuUs: number; commitMs: number };

const warmSeconds = 3;
let nextPayment = freshNumber();

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
    await sleep(1);
  }
  const used = usageOf(run.pid).cpuUs - cpu;
  await Promise.all(writes);
  await sleep(1_000);
  const { agesUs } = await run.counter.ask<{ agesUs: number[] }>({});
  if (agesUs.length === 0) throw new TypeError('the counter saw no event that this run wrote');
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

/** Waits until the counter has seen whatever was written before. */
export async function untilCounted(bench: Bench, counter: Helper, topic: string): Promise<void> {
  const end = (await bench.admin.topicOffsets(topic)).reduce((sum, { high }) => sum + high, 0);
  while ((await counter.ask<{ count: number }>({})).count < end) await sleep(200);
}

/** The relay under each load, warmed up by a drain; with plain inserts, and through `fahuo.enqueue`. */
export async function benchLatency(bench: Bench, seconds: number): Promise<Latency[]> {
  const env = await bench.topic('latency');
  const relay = await bench.fahuo('relay', env);
  await drainRelay(bench, relay.pid, { events: 100_000, prefix: 'warm' });
  const counter = await startHelper('./relay-counter.ts', {
    brokers: bench.brokers,
    topic: 'latency',
    group: 'latency',
  });
  await untilCounted(bench, counter, 'latency');
  const measure = async (name: string, write: Write): Promise<Latency[]> => {
    const found: Latency[] = [];
    for (const load of loads) {
      const one = await measureLatency({ counter, pid: relay.pid, write, seconds }, load);
      found.push(one);
      say(row(`${name}, ${load.perSecond}/s in commits of ${load.perCommit}`, ...latencyCells(one)));
    }
    return found;
  };
  head('commit → consumed', 'p50', 'p99', 'commit alone (p50)', "relay's CPU an event");
  const found = await measure('relay', insertWrite(bench));
  await measure('relay, fahuo.enqueue', enqueueWrite(bench));
  await counter.stop();
  await relay.stop();
  return found;
}
