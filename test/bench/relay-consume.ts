import { sleep } from '../../src/clock.ts';
import type { Message } from '../../src/kafka/message.ts';
import { partitionFor } from '../../src/kafka/partition.ts';
import { createPublisher } from '../../src/kafka/publisher.ts';
import { appid } from '../support/events.ts';
import { partitions, type Bench } from './bench-parts.ts';
import { startHelper, usageOf } from './child.ts';
import { head, median, percent, row, say, thousands } from './numbers.ts';
import { dataTemplate, paymentOf } from './outbox-rows.ts';

/** Valid shipped events as the relay writes them, a payment each. */
export async function fillTopic(bench: Bench, topic: string, events: number): Promise<void> {
  const publisher = createPublisher(bench.connection);
  for (let from = 0; from < events; from += 1_000) {
    const byPartition = Array.from({ length: partitions }, (): Message[] => []);
    for (let number = from; number < Math.min(events, from + 1_000); number++) {
      const key = `${appid}/${paymentOf(number)}`;
      byPartition[partitionFor(key, partitions)]!.push(messageOf(key, number));
    }
    const batches = byPartition.map((messages, partition) => ({ partition, messages }));
    await publisher.publish(
      topic,
      batches.filter(({ messages }) => messages.length > 0),
    );
  }
  await publisher.close();
}

const messageOf = (key: string, number: number): Message => ({
  key,
  value: dataTemplate.replace('PAYMENT', paymentOf(number)),
  headers: {
    ce_specversion: '1.0',
    ce_id: `consume-${number}`,
    ce_type: 'fahuo.shipment.shipped.v1',
    ce_source: '/orders',
    ce_time: '2026-11-23T10:00:00+08:00',
    ce_appid: appid,
    ce_version: '1',
    'content-type': 'application/json',
  },
});

type Watched = { rate: number; cpuUs: number; rssMb: number[] };

/** From the first tenth to the end; memory at a quarter, the half and the end. */
async function watch(pid: number, events: number, count: () => Promise<number>): Promise<Watched> {
  let first: { atMs: number; count: number; cpuUs: number } | undefined;
  const rssMb: number[] = [];
  const marks = [0.25, 0.5, 1].map((share) => share * events);
  for (;;) {
    const now = await count();
    const { cpuUs, rssMb: rss } = usageOf(pid);
    const atMs = performance.now();
    if (first === undefined && now >= events / 10) first = { atMs, count: now, cpuUs };
    while (marks[0] !== undefined && now >= marks[0]) {
      rssMb.push(rss);
      marks.shift();
    }
    if (now >= events && first !== undefined) {
      const done = now - first.count;
      return { rate: (done / (atMs - first.atMs)) * 1_000, cpuUs: (cpuUs - first.cpuUs) / done, rssMb };
    }
    await sleep(20);
  }
}

/**
 * Topic → upload rows, beside the smaller of two bounds of the same round: what the consumer's own CPU allows, and how fast
 * Postgres takes the very same rows into a table with the same indexes, in statements of as many, with nothing read,
 * checked or looked up.
 */
export async function benchConsume(
  bench: Bench,
  { events, rounds }: { events: number; rounds: number },
): Promise<void> {
  const env = await bench.topic('consume');
  await fillTopic(bench, 'consume', events);
  await bench.pool.query('create table bench_upload (like fahuo.upload including all)');
  const ratios: number[] = [];
  head('topic → rows', 'consumer', 'CPU', 'RSS at ¼, ½, end', '1 ÷ CPU', 'bare insert', 'of the smaller');
  for (let round = 1; round <= rounds; round++) {
    await bench.pool.query('truncate fahuo.upload restart identity cascade');
    const consumer = await bench.fahuo('consume', { ...env, KAFKA_GROUP: `consume-${round}` });
    const own = await watch(consumer.pid, events, async () => {
      const { rows } = await bench.pool.query<{ n: number }>(
        `select coalesce(pg_sequence_last_value(pg_get_serial_sequence('fahuo.upload', 'id')::regclass), 0) as n`,
      );
      return rows[0]?.n ?? 0;
    });
    await consumer.stop();
    const inserter = await startHelper('./bare-insert.ts', { databaseUrl: bench.databaseUrl });
    const { rate: bare } = await inserter.ask<{ rate: number }>({ events });
    await inserter.stop();
    const allowed = 1e6 / own.cpuUs;
    const ratio = own.rate / Math.min(allowed, bare);
    ratios.push(ratio);
    const bounds = [`${thousands(allowed)}/s`, `${thousands(bare)}/s`];
    say(row(`round ${round}`, ...cells(own), ...bounds, percent(ratio)));
  }
  say(`\nconsume ratio: ${median(ratios).toFixed(2)}`);
}

const cells = ({ rate, cpuUs, rssMb }: Watched): string[] => [
  `${thousands(rate)}/s`,
  `${cpuUs.toFixed(1)} µs`,
  `${rssMb.map((mb) => mb.toFixed(0)).join(', ')} MB`,
];
