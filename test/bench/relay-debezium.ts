import { sleep } from '../../src/clock.ts';
import type { Bench } from './bench-parts.ts';
import { startHelper, usageOf } from './child.ts';
import { debeziumInsert, debeziumTopic, startConnect, turn, type Connect } from './debezium-connect.ts';
import { head, row, say } from './numbers.ts';
import { dataTemplate } from './outbox-rows.ts';
import type { Drained } from './relay-drain.ts';
import {
  latencyCells,
  loads,
  measureLatency,
  untilCounted,
  type Latency,
  type Write,
} from './relay-latency.ts';

const inTopic = async (bench: Bench): Promise<number> =>
  (await bench.admin.topicOffsets(debeziumTopic)).reduce((sum, { high }) => sum + high, 0);

/**
 * The rows wait in the WAL while the connector is paused, which it is before and after; counted from a tenth of them to
 * the end.
 */
async function drain(bench: Bench, connect: Connect, events: number): Promise<Drained> {
  const before = await inTopic(bench);
  for (let from = 0; from < events; from += 1_000)
    await bench.pool.query(
      `${debeziumInsert} from generate_series($2::int, $3::int - 1) n,
       lateral (select 'd' || n as e, '4200001234' || lpad(n::text, 14, '0') as p) x`,
      [dataTemplate, from, Math.min(events, from + 1_000)],
    );
  await bench.pool.query('checkpoint');
  await turn(connect, 'resume');
  let first: { atMs: number; count: number; cpuUs: number } | undefined;
  for (;;) {
    const count = (await inTopic(bench)) - before;
    const { cpuUs, peakMb } = usageOf(connect.pid());
    const atMs = performance.now();
    if (first === undefined && count >= events / 10) first = { atMs, count, cpuUs };
    if (first !== undefined && count >= events) {
      await turn(connect, 'pause');
      const done = count - first.count;
      return {
        rate: (done / (atMs - first.atMs)) * 1_000,
        cpuUs: (cpuUs - first.cpuUs) / done,
        rssMb: peakMb,
      };
    }
    await sleep(20);
  }
}

async function latenciesOf(bench: Bench, connect: Connect, seconds: number): Promise<Latency[]> {
  await turn(connect, 'resume');
  const counter = await startHelper('./relay-counter.ts', {
    brokers: bench.brokers,
    topic: debeziumTopic,
    group: 'debezium',
  });
  await untilCounted(bench, counter, debeziumTopic);
  const write: Write = async (ids) => {
    await bench.pool.query({
      name: 'debezium',
      text: `${debeziumInsert} from unnest($2::text[], $3::text[]) x(e, p)`,
      values: [dataTemplate, ids.map(({ eventId }) => eventId), ids.map(({ payment }) => payment)],
    });
  };
  const latencies: Latency[] = [];
  head('commit → consumed', 'p50', 'p99', 'commit alone (p50)', 'CPU an event');
  for (const load of loads) {
    const one = await measureLatency({ counter, pid: connect.pid(), write, seconds }, load);
    latencies.push(one);
    say(row(`Debezium, ${load.perSecond}/s in commits of ${load.perCommit}`, ...latencyCells(one)));
  }
  await counter.stop();
  await turn(connect, 'pause');
  return latencies;
}

/** Debezium's outbox event router, paused but for what is asked of it. */
export type Debezium = {
  drain: (events: number) => Promise<Drained>;
  /** Under the loads of the relay. */
  latencies: (seconds: number) => Promise<Latency[]>;
  stop: () => Promise<void>;
};

export async function startDebezium(bench: Bench): Promise<Debezium> {
  const connect = await startConnect(bench);
  await sleep(2_000);
  await turn(connect, 'pause');
  return {
    drain: (events) => drain(bench, connect, events),
    latencies: (seconds) => latenciesOf(bench, connect, seconds),
    stop: () => connect.stop(),
  };
}
