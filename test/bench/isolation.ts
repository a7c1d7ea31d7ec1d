import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { createPool, type Pool } from '../../db/client.ts';
import { monotonicMs, sleep } from '../../src/clock.ts';
import { appid, shippedEvent } from '../support/events.ts';
import { statsOf, tellSandbox } from '../support/sandbox-client.ts';
import { troubles } from './isolation-troubles.ts';
import { median, say } from './numbers.ts';
import { startSandbox } from './sandbox.ts';
import { openBenchDatabase } from './services.ts';
import { startUploader } from './uploader.ts';

/**
 * What trouble does to all others: one payment that WeChat never knows (10060001) and one whose calls hang, or with
 * `--beside app` another app that is answered 48001 and whose secret expires. The time from insert to acknowledgement
 * of evenly arriving payments, p50 and p99, in rounds that alternate between without and with the trouble, in one
 * process. Medians over the rounds; 10,000 payments and more on either side.
 */
const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    payments: { type: 'string', default: '1500' },
    rate: { type: 'string', default: '500' },
    latency: { type: 'string', default: '50' },
    beside: { type: 'string', default: 'payments' },
  },
});
const rounds = Number(flags.rounds);
const payments = Number(flags.payments);
const perSecond = Number(flags.rate);
const trouble = troubles[flags.beside];
if (trouble === undefined)
  throw new TypeError(`--beside ${flags.beside} is not one of ${Object.keys(troubles).join()}`);

const bodyOf = (payment: string): string => JSON.stringify(shippedEvent({ payment }).data);

/** Rows as the consumer leaves them. */
async function insert(pool: Pool, app: string, names: readonly string[]): Promise<void> {
  await pool.query(
    `insert into fahuo.upload (appid, payment, version, kind, event_id, source, event_time, topic, partition, "offset",
       body, body_hash)
     select $1, p, 1, 'shipped', p, '/bench', '2026-11-23T10:00:00+08:00', 't', 0, n, replace($2, 'PAYMENT', p), md5(p)
     from unnest($3::text[]) with ordinality as x(p, n)`,
    [app, bodyOf('PAYMENT'), names],
  );
  uploader.doorbell.ring();
}

/** The trouble stays for one round: its rows are parked afterwards, so that the next round without them is without them. */
const shelve = (pool: Pool): Promise<unknown> =>
  pool.query(
    `update fahuo.upload set state = 'parked', park_reason = 'conflict', next_attempt_at = 'infinity',
       lease_owner = null, lease_until = null, lease_epoch = lease_epoch + 1
     where payment like 'bad%' and state in ('pending', 'uploading', 'unknown')`,
  );

type Measured = { p50: number; p99: number };

/** One round: payments arrive evenly, in groups of a fiftieth of a second. */
async function round(pool: Pool, url: string, at: { number: number; bad: boolean }): Promise<Measured> {
  const prefix = `r${at.number}n`;
  const place = {
    pool,
    url,
    insert: (app: string, names: readonly string[]) => insert(pool, app, names),
    roundMs: (payments / perSecond) * 1_000,
  };
  const end = at.bad ? await trouble!.begin(place, at.number) : () => Promise.resolve();
  const group = Math.ceil(perSecond / 50);
  const startMs = monotonicMs();
  for (let from = 0; from < payments; from += group) {
    await sleep(Math.max(0, startMs + (from / perSecond) * 1_000 - monotonicMs()));
    await insert(
      pool,
      appid,
      Array.from({ length: Math.min(group, payments - from) }, (_, index) => `${prefix}${from + index}`),
    );
  }
  const measured = await untilAcknowledged(pool, prefix);
  await end();
  await shelve(pool);
  return measured;
}

async function untilAcknowledged(pool: Pool, prefix: string): Promise<Measured> {
  for (;;) {
    const { rows } = await pool.query<Measured & { left: number }>(
      `select count(*) filter (where finished_at is null) as left,
         extract(epoch from percentile_cont(0.5) within group (order by finished_at - received_at))::float8 * 1000 as p50,
         extract(epoch from percentile_cont(0.99) within group (order by finished_at - received_at))::float8 * 1000 as p99
       from fahuo.upload where payment like $1`,
      [`${prefix}%`],
    );
    if (rows[0]!.left === 0) return rows[0]!;
    await sleep(200);
  }
}

const postgres = await openBenchDatabase();
const pool = createPool({
  databaseUrl: postgres.url,
  max: 12,
  applicationName: 'bench',
  keyLookups: true,
  onError: () => undefined,
});
const sandbox = await startSandbox(postgres.dir, Number(flags.latency));
await tellSandbox(
  sandbox.url,
  'apps',
  trouble.apps.map((app) => ({ appid: app, secret: 's' })),
);
const uploader = startUploader(pool, sandbox.url, {
  instance: 'bench',
  apps: trouble.apps,
  logLevel: flags.beside === 'app' ? 'silent' : 'error', // its app is paused again and again
  window: 256,
  callTimeoutMs: 2_000,
  // Often: the two are sent again many times in a round.
  timing: { leaseMs: 6_000, notVisibleFirstMs: 100, readAfterMs: 100, readGapMs: 200 },
});

await round(pool, sandbox.url, { number: 0, bad: false }); // warms everything up
const measured = { without: [] as Measured[], with: [] as Measured[] };
for (let number = 1; number <= rounds; number++) {
  // The order changes from round to round, so that a drift of the machine favours neither.
  const first = number % 2 === 0;
  for (const bad of [first, !first])
    measured[bad ? 'with' : 'without'].push(
      await round(pool, sandbox.url, { number: number * 2 + Number(bad), bad }),
    );
}
say(
  `${rounds} rounds of ${payments} payments at ${perSecond}/s on either side, answers after ${flags.latency} ms; ms from insert to acknowledgement, medians of the rounds`,
);
say('|  | p50 | p99 | p99 of each round |\n|---|---|---|---|');
for (const side of ['without', 'with'] as const) {
  const of = (name: 'p50' | 'p99'): number[] => measured[side].map((one) => one[name]);
  const each = of('p99')
    .map((ms) => ms.toFixed(0))
    .join(' ');
  say(
    `| ${side} ${trouble.of} | ${median(of('p50')).toFixed(1)} | ${median(of('p99')).toFixed(1)} | ${each} |`,
  );
}
const ratio = median(measured.with.map((one) => one.p99)) / median(measured.without.map((one) => one.p99));
say(
  `p99 with / without: ${ratio.toFixed(3)}; load ${loadavg()
    .map((one) => one.toFixed(1))
    .join(' ')}`,
);
const { faults, requests } = await statsOf(sandbox.url);
say(`faults met: ${JSON.stringify(faults)}; answers to token calls: ${JSON.stringify(requests['token'])}`);
await uploader.stop();
await pool.end();
await sandbox.stop();
await postgres.drop();
process.exitCode = ratio <= 1.1 ? 0 : 1;
