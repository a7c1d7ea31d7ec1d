import type { Bench } from './bench-parts.ts';
import { startHelper, usageOf, type Helper } from './child.ts';
import { head, median, percent, row, say, thousands } from './numbers.ts';
import { fillOutbox, holdFrontier } from './outbox-rows.ts';
import type { Debezium } from './relay-debezium.ts';
import { sleep } from '../../src/clock.ts';

/** Of one way to drain: medians over the rounds, RSS the highest that was seen. */
export type Drained = { rate: number; cpuUs: number; rssMb: number };

const medianOf = (runs: readonly Drained[]): Drained => ({
  rate: median(runs.map((run) => run.rate)),
  cpuUs: median(runs.map((run) => run.cpuUs)),
  rssMb: Math.max(...runs.map((run) => run.rssMb)),
});

export async function lastOutboxId(bench: Bench): Promise<number> {
  const { rows } = await bench.pool.query<{ last: number }>(
    'select case when is_called then last_value else 0 end as last from fahuo.outbox_id_seq',
  );
  return rows[0]?.last ?? 0;
}

/** Waits until the relay's cursor stands at `id`; says when it got there, in ms of the server's clock. */
export async function untilPublished(bench: Bench, id: number, everyMs = 20): Promise<number> {
  for (;;) {
    const { rows } = await bench.pool.query<{ at: number }>(
      `select extract(epoch from updated_at)::float8 * 1000 as at from fahuo.relay_cursor where cursor >= $1`,
      [id],
    );
    if (rows[0] !== undefined) return rows[0].at;
    await sleep(everyMs);
  }
}

export async function serverMs(bench: Bench): Promise<number> {
  const { rows } = await bench.pool.query<{ at: number }>(
    'select extract(epoch from clock_timestamp())::float8 * 1000 as at',
  );
  return rows[0]?.at ?? 0;
}

/** The rows are written while the frontier is held: then all become due at once. */
export async function drainRelay(
  bench: Bench,
  relayPid: number,
  { events, prefix }: { events: number; prefix: string },
): Promise<Drained & { after: number; upTo: number }> {
  const after = await lastOutboxId(bench);
  const holder = await holdFrontier(bench.pool);
  await fillOutbox(bench.pool, events, prefix);
  await bench.pool.query('checkpoint');
  const upTo = await lastOutboxId(bench);
  const before = usageOf(relayPid);
  await holder.release();
  const startMs = await serverMs(bench);
  const endMs = await untilPublished(bench, upTo);
  const used = usageOf(relayPid);
  return {
    rate: (events / (endMs - startMs)) * 1_000,
    cpuUs: (used.cpuUs - before.cpuUs) / events,
    rssMb: used.peakMb,
    after,
    upTo,
  };
}

async function drainBare(bare: Helper, range: { after: number; upTo: number }): Promise<Drained> {
  const before = usageOf(bare.pid);
  const startMs = performance.now();
  const { sent } = await bare.ask<{ sent: number }>(range);
  const ms = performance.now() - startMs;
  const used = usageOf(bare.pid);
  return { rate: (sent / ms) * 1_000, cpuUs: (used.cpuUs - before.cpuUs) / sent, rssMb: used.peakMb };
}

/**
 * The relay and the bare loop take turns on the same rows, and Debezium, where it is asked for, on as many of its own; a
 * first round warms all of them up and is not counted.
 */
export async function benchDrain(
  bench: Bench,
  { events, rounds, debezium }: { events: number; rounds: number; debezium: Debezium | undefined },
): Promise<{ relay: Drained; bare: Drained; debezium: Drained | undefined }> {
  const env = await bench.topic('drain');
  await bench.admin.createTopic('bare', 8);
  const relay = await bench.fahuo('relay', env);
  const bare = await startHelper('./relay-bare.ts', {
    databaseUrl: bench.databaseUrl,
    brokers: bench.brokers,
    topic: 'bare',
  });
  const found: { own: Drained; other: Drained; theirs: Drained | undefined }[] = [];
  head('drain of 1 kB', 'relay', 'CPU an event', 'bare loop', 'CPU an event', 'ratio', 'Debezium', 'times');
  for (let round = 0; round <= rounds; round++) {
    const own = await drainRelay(bench, relay.pid, { events, prefix: `d${round}` });
    const other = await drainBare(bare, own);
    const theirs = await debezium?.drain(events);
    say(
      row(
        round === 0 ? 'warm-up' : `round ${round}`,
        ...drainCells(own),
        ...drainCells(other),
        percent(own.rate / other.rate),
        ...(theirs === undefined ? ['–', '–'] : [drainCells(theirs).join(', '), times(own, theirs)]),
      ),
    );
    if (round > 0) found.push({ own, other, theirs });
  }
  await relay.stop();
  await bare.stop();
  const their = found.flatMap(({ theirs }) => theirs ?? []);
  return {
    relay: medianOf(found.map(({ own }) => own)),
    bare: medianOf(found.map(({ other }) => other)),
    debezium: their.length === 0 ? undefined : medianOf(their),
  };
}

const drainCells = ({ rate, cpuUs }: Drained): string[] => [`${thousands(rate)}/s`, `${cpuUs.toFixed(1)} µs`];

export const times = (own: Drained, theirs: Drained): string => (own.rate / theirs.rate).toFixed(2);
