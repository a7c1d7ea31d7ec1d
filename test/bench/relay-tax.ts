import { pause } from '../../src/clock.ts';
import type { Bench } from './bench-parts.ts';
import { startHelper } from './child.ts';
import { head, median, percent, row, say, thousands } from './numbers.ts';
import { lastOutboxId, untilPublished } from './relay-drain.ts';

const clientCounts = [4, 16];

/** What the relay costs the writers of the outbox: with and without it, in turns, over the same seconds. */
export async function benchTax(bench: Bench, { seconds, rounds }: { seconds: number; rounds: number }) {
  const env = await bench.topic('tax');
  head('writers', 'without relay', 'with relay', 'tax (medians)');
  for (const clients of clientCounts) {
    const writers = await startHelper('./relay-writers.ts', { databaseUrl: bench.databaseUrl, clients });
    const rate = async (): Promise<number> =>
      (await writers.ask<{ written: number }>({ seconds })).written / seconds;
    await writers.ask({ seconds: 2 });
    const alone: number[] = [];
    const taxed: number[] = [];
    for (let round = 0; round < rounds; round++) {
      alone.push(await rate());
      const relay = await bench.fahuo('relay', env);
      await untilPublished(bench, await lastOutboxId(bench));
      await pause(500);
      taxed.push(await rate());
      await relay.stop();
    }
    await writers.stop();
    say(
      row(
        `${clients} clients, medians of ${rounds} × ${seconds} s`,
        `${thousands(median(alone))}/s`,
        `${thousands(median(taxed))}/s`,
        percent(1 - median(taxed) / median(alone)),
      ),
    );
  }
}
