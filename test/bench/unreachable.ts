import { parseArgs } from 'node:util';
import { monotonicMs, sleep, systemClock } from '../../src/clock.ts';
import { createSandbox } from '../../src/sandbox/run.ts';
import { createDoor } from '../support/door.ts';
import { insertPending, startUploader } from '../support/uploader.ts';
import { startBench } from './bench-parts.ts';
import { median, say, thousands } from './numbers.ts';

/** WeChat cannot be reached for a while and many rows wait: what it costs meanwhile, and how fast it goes on. */
const { values: flags } = parseArgs({
  options: {
    rows: { type: 'string', default: '50000' },
    seconds: { type: 'string', default: '60' },
  },
});
const rows = Number(flags.rows);
const everyMs = 250;

const bench = await startBench({ kafka: false });
const sandbox = await createSandbox({ autoCreatePayments: true }, systemClock);
const door = await createDoor(sandbox.url);
const { pool } = bench;
const countOf = async (from: string): Promise<number> =>
  (await pool.query<{ n: number }>(`select count(*) as n from ${from}`)).rows[0]?.n ?? 0;

const uploader = startUploader({
  databaseUrl: bench.databaseUrl,
  wechat: door.url,
  window: 256,
  callTimeoutMs: 10_000,
});
/** By the uploader's own count: to count the table would slow down what is measured. */
const doneOf = async (): Promise<number> => {
  const { values } = await uploader.metrics.uploadTransitions.get();
  return values.find(({ labels }) => labels.state === 'acknowledged')?.value ?? 0;
};

/** Acknowledgements a second over the last second, sampled until `until` says that it is enough; the median of the last eight. */
async function follow(until: (rate: number, atMs: number) => boolean): Promise<number> {
  const rates: number[] = [];
  const samples = [{ atMs: monotonicMs(), done: await doneOf() }];
  const startMs = monotonicMs();
  for (;;) {
    await sleep(everyMs);
    const last = { atMs: monotonicMs(), done: await doneOf() };
    const first = samples.find(({ atMs }) => last.atMs - atMs <= 1_000 + everyMs) ?? last;
    const rate = last.atMs === first.atMs ? 0 : ((last.done - first.done) * 1_000) / (last.atMs - first.atMs);
    samples.push(last);
    rates.push(rate);
    if (until(rate, last.atMs - startMs)) return median(rates.slice(-8));
  }
}

try {
  await insertPending(pool, { count: rows + 20_000, name: 'p' });
  const full = await follow((_rate, atMs) => atMs > 10_000);
  await door.shut();
  await sleep(2_000);
  await insertPending(pool, {
    count: Math.max(0, rows - ((await countOf('fahuo.upload')) - (await doneOf()))),
    name: 'q',
  });
  const [statements, attempts, fromMs] = [
    uploader.statements(),
    await countOf('fahuo.attempt'),
    monotonicMs(),
  ];
  await sleep(Number(flags.seconds) * 1_000);
  const rate = ((uploader.statements() - statements) * 1_000) / (monotonicMs() - fromMs);
  const made = (await countOf('fahuo.attempt')) - attempts;
  const waiting = await countOf(`fahuo.upload where state = 'pending'`);
  await door.open();
  const backMs = monotonicMs();
  await follow((now) => now >= 0.9 * full || monotonicMs() - backMs > 60_000);
  say(
    `before: ${thousands(full)} events/s; ${flags.seconds} s unreachable with ${thousands(waiting)} rows waiting:`,
  );
  say(`  ${made} attempt rows (fewer than 100), ${rate.toFixed(1)} statements/s (fewer than 30)`);
  say(
    `  0.9 of the former rate ${((monotonicMs() - backMs) / 1_000).toFixed(1)} s after its return (within 5)`,
  );
} finally {
  await uploader.stop();
  await door.shut();
  await sandbox.stop();
  await bench.stop();
}
