import type { Bench } from './bench-parts.ts';
import { startHelper } from './child.ts';
import { ownCpuMsOf } from './cpu.ts';
import { head, median, percent, row, say, thousands } from './numbers.ts';
import { lastOutboxId, untilPublished } from './relay-drain.ts';

const warmSeconds = 3;

const cases = [
  { name: '4 clients, enqueue alone', clients: 4, order: false },
  { name: '16 clients, enqueue alone', clients: 16, order: false },
  { name: '4 clients, order and enqueue', clients: 4, order: true },
  { name: '16 clients, order and enqueue', clients: 16, order: true },
] as const;

/**
 * What the relay costs the writers of the outbox, with the broker on the same cores: with and without it, in turns,
 * over the same seconds. The relay is warm, as one that runs for weeks is.
 */
export async function benchTax(bench: Bench, { seconds, rounds }: { seconds: number; rounds: number }) {
  const env = await bench.topic('tax');
  await bench.pool.query(
    `create table bench_order (payment text primary key, state text not null, shipped_at timestamptz not null)`,
  );
  head(
    `writers, medians of ${rounds} × ${seconds} s`,
    'without relay',
    'with relay',
    'tax',
    "the relay's and Kafka's CPU, of a core",
  );
  for (const { name, clients, order } of cases) {
    const writers = await startHelper('./relay-writers.ts', {
      databaseUrl: bench.databaseUrl,
      clients,
      order,
    });
    const rate = async (): Promise<number> => {
      await writers.ask({ seconds: warmSeconds });
      return (await writers.ask<{ written: number }>({ seconds })).written / seconds;
    };
    const alone: number[] = [];
    const taxed: number[] = [];
    const cores: number[] = [];
    for (let round = 0; round < rounds; round++) {
      alone.push(await rate());
      const relay = await bench.fahuo('relay', env);
      await untilPublished(bench, await lastOutboxId(bench)); // what was written without it: tens of thousands
      const usedMs = (): number => ownCpuMsOf(relay.pid) + ownCpuMsOf(bench.kafka?.pid() ?? 0);
      const before = usedMs();
      taxed.push(await rate());
      cores.push((usedMs() - before) / (1_000 * (warmSeconds + seconds)));
      await relay.stop();
    }
    await writers.stop();
    const tax = 1 - median(taxed) / median(alone);
    say(
      row(
        name,
        `${thousands(median(alone))}/s`,
        `${thousands(median(taxed))}/s`,
        percent(tax),
        percent(median(cores)),
      ),
    );
  }
}
