import { parseArgs } from 'node:util';
import { startBench } from './bench-parts.ts';
import { head, row, say, thousands } from './numbers.ts';
import { benchConsume } from './relay-consume.ts';
import { startDebezium, type Debezium } from './relay-debezium.ts';
import { benchDrain, times, type Drained } from './relay-drain.ts';
import { benchHeld } from './relay-held.ts';
import { benchIdle } from './relay-idle.ts';
import { benchLatency, loads, type Latency } from './relay-latency.ts';
import { benchTax } from './relay-tax.ts';

/**
 * The relay beside a bare loop (and, with --debezium, beside Debezium), on a Postgres and a Kafka of its own, each
 * contender in a process of its own. Linux: CPU and memory come from /proc.
 */
const { values: flags } = parseArgs({
  options: {
    only: { type: 'string' },
    events: { type: 'string', default: '300000' },
    seconds: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '3' },
    debezium: { type: 'boolean', default: false },
  },
});
const wants = (part: string): boolean => flags.only === undefined || flags.only.split(',').includes(part);
const seconds = Number(flags.seconds);
const sizes = { events: Number(flags.events), rounds: Number(flags.rounds) };

const bench = await startBench();
let debezium: Debezium | undefined;
try {
  if (flags.debezium) debezium = await startDebezium(bench);
  const drained = wants('drain') ? await benchDrain(bench, { ...sizes, debezium }) : undefined;
  const theirLatencies = wants('latency') ? await debezium?.latencies(seconds) : undefined;
  await debezium?.stop();
  const latencies = wants('latency') ? await benchLatency(bench, seconds) : undefined;
  if (wants('tax')) await benchTax(bench, { seconds: seconds / 2, rounds: 5 });
  if (wants('held')) await benchHeld(bench, { events: sizes.events, rounds: 5 });
  if (wants('idle')) await benchIdle(bench, 2 * seconds);
  if (wants('consume')) await benchConsume(bench, sizes);
  if (drained !== undefined) {
    head(
      '',
      'drain',
      'CPU an event',
      'peak memory',
      ...loads.map((load) => `p50 / p99 at ${load.perSecond}/s`),
    );
    tell('relay', drained.relay, latencies);
    tell('bare loop', drained.bare);
    if (drained.debezium !== undefined) {
      tell('Debezium', drained.debezium, theirLatencies);
      say(`\ntimes Debezium: ${times(drained.relay, drained.debezium)}`);
    }
    say(`\ndrain ratio: ${(drained.relay.rate / drained.bare.rate).toFixed(2)}`);
  }
} finally {
  await debezium?.stop();
  await bench.stop();
}

function tell(name: string, one: Drained, latencies: readonly Latency[] = []): void {
  const ms = loads.map((_, index) => {
    const found = latencies[index];
    return found === undefined ? '–' : `${found.p50Ms.toFixed(1)} / ${found.p99Ms.toFixed(1)} ms`;
  });
  say(
    row(name, `${thousands(one.rate)}/s`, `${one.cpuUs.toFixed(1)} µs`, `${one.rssMb.toFixed(0)} MB`, ...ms),
  );
}
