import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createPool, type Pool } from '../../db/client.ts';
import { migrate } from '../../db/migrate.ts';
import { monotonicMs, pause, systemClock, systemRandom } from '../../src/clock.ts';
import { freePort, startProgram, type Part } from '../../src/demo/parts/process.ts';
import { startPostgres } from '../../src/demo/parts/postgres.ts';
import { createLog } from '../../src/log.ts';
import { createDoorbell } from '../../src/loop.ts';
import { createMetrics } from '../../src/metrics.ts';
import { createPostgresBudget } from '../../src/upload/budget-pg.ts';
import { runUploader } from '../../src/upload/run.ts';
import { defaultTiming } from '../../src/upload/timing.ts';
import { createWechatClient, uploadPath } from '../../src/wechat/client.ts';
import { createHttp } from '../../src/wechat/http.ts';
import { createMemoryTokenStore } from '../../src/wechat/token-memory.ts';
import { createTokenSource } from '../../src/wechat/token.ts';
import { shippedEvent } from '../support/events.ts';

/**
 * Uploads a second through the whole stage (claim, send, record in Postgres) beside a bare undici loop that records
 * nothing, with the same number in flight, against the sandbox in a process of its own. All in one run.
 */
const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string', default: '6' },
    only: { type: 'string' },
    rows: { type: 'string', default: '200000' },
  },
});
const secondsPerRun = Number(flags.seconds);
const appid = 'wx0123456789abcdef';
const log = createLog({ level: 'error' });
const serve = new URL('../../src/sandbox/serve.ts', import.meta.url).pathname;
const dir = mkdtempSync(join(tmpdir(), 'fahuo-bench-'));
chmodSync(dir, 0o755); // Postgres does not run as root

async function startSandbox(latencyMs: number): Promise<Part> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  return startProgram(
    {
      name: 'the sandbox',
      command: process.execPath,
      args: [
        '--max-semi-space-size=64',
        serve,
        JSON.stringify({ port, latencyMs, autoCreatePayments: true }),
      ],
      cwd: dir,
      logFile: join(dir, 'sandbox.log'),
      stopSignal: 'SIGTERM',
      ready: () => fetch(`${url}/_sandbox/stats`).then((answer) => answer.ok),
      readyWithinMs: 10_000,
    },
    url,
  );
}

const body = (payment: string): string => JSON.stringify(shippedEvent({ payment }).data);

/** In flight always `window`; nothing is claimed, decided or recorded. */
async function bareLoop(url: string, window: number): Promise<number> {
  const http = createHttp({ baseUrl: url, connections: window });
  const client = createWechatClient({ http, tokens: tokensOf(http), clock: systemClock });
  let sent = 0;
  let counted = 0;
  const startedAtMs = monotonicMs();
  const warmMs = startedAtMs + 1_500;
  const endMs = warmMs + secondsPerRun * 1_000;
  const loop = async (): Promise<void> => {
    while (monotonicMs() < endMs) {
      const text = body(`bare${startedAtMs.toFixed(0)}${sent++}`);
      await client.upload({ appid, body: text, uploadTime: systemClock() });
      if (monotonicMs() > warmMs && monotonicMs() < endMs) counted += 1;
    }
  };
  await Promise.all(Array.from({ length: window }, loop));
  await http.close();
  return counted / secondsPerRun;
}

const tokensOf = (http: ReturnType<typeof createHttp>) =>
  createTokenSource({
    http,
    apps: new Map([[appid, { secret: 's' }]]),
    store: createMemoryTokenStore(systemClock),
    clock: systemClock,
    random: systemRandom,
    mode: 'stable',
  });

/** `count` pending rows; `hot` of them belong to one payment a thousand. */
async function fill(pool: Pool, count: number, prefix: string, hotPerThousand = 0): Promise<void> {
  await pool.query('truncate fahuo.upload, fahuo.attempt, fahuo.outbox restart identity');
  const template = body('PAYMENT');
  for (let from = 0; from < count; from += 10_000)
    await pool.query(
      `insert into fahuo.upload (appid, payment, version, kind, event_id, source, event_time, topic, partition, "offset",
         body, body_hash)
       select $1, p, v, 'shipped', p || '-' || v, '/bench', '2026-11-23T10:00:00+08:00', 't', 0, n,
         replace($2, 'PAYMENT', p), md5(p)
       from generate_series($3::int, $4::int - 1) n,
         lateral (select case when n % 1000 < $6 then $5 || 'hot' || (n / 100000) else $5 || n end as p,
           case when n % 1000 < $6 then n + 1 else 1 end as v) x`,
      [appid, template, from, Math.min(count, from + 10_000), prefix, hotPerThousand],
    );
  await pool.query('vacuum analyze fahuo.upload');
}

type Run = { rate: number; cpuUs: number; rssMiddle: number; rssEnd: number };

async function runStage(
  pool: Pool,
  url: string,
  options: { window: number; total: number; instances?: number; callsPerSecond?: number },
): Promise<Run> {
  const stop = new AbortController();
  const metrics = createMetrics();
  const runs = Array.from({ length: options.instances ?? 1 }, (_, number) => {
    const http = createHttp({ baseUrl: url, connections: options.window });
    const budget = createPostgresBudget({ pool, log });
    if (options.callsPerSecond !== undefined)
      budget.configure(appid, { callsPerSecond: options.callsPerSecond });
    return runUploader(
      {
        pool,
        wechat: createWechatClient({ http, tokens: tokensOf(http), clock: systemClock }),
        budget,
        log,
        metrics,
        clock: systemClock,
        random: systemRandom,
        doorbell: createDoorbell(),
      },
      {
        apps: [appid],
        instance: `bench-${number}`,
        window: options.window,
        timing: { ...defaultTiming, readAfterMs: 200, readGapMs: 300 },
        callTimeoutMs: 10_000,
        readBeforeFirstSend: false,
        acknowledgements: true,
      },
      stop.signal,
    ).then(() => http.close());
  });
  const acknowledged = async (): Promise<number> =>
    (await metrics.uploadTransitions.get()).values.find((value) => value.labels['state'] === 'acknowledged')
      ?.value ?? 0;
  await pause(1_500);
  const cpu = process.cpuUsage();
  const startMs = monotonicMs();
  const startCount = await acknowledged();
  let rssMiddle = 0;
  let now = startCount;
  let last = { atMs: startMs, count: startCount };
  while (now < options.total * 0.97 && monotonicMs() - startMs < 120_000) {
    await pause(100);
    now = await acknowledged();
    last = { atMs: monotonicMs(), count: now };
    if (now > options.total / 2 && rssMiddle === 0) rssMiddle = process.memoryUsage().rss;
  }
  const used = process.cpuUsage(cpu);
  const rssEnd = process.memoryUsage().rss;
  stop.abort();
  await Promise.all(runs);
  const done = last.count - startCount;
  return {
    rate: (done / (last.atMs - startMs)) * 1_000,
    cpuUs: (used.user + used.system) / Math.max(1, done),
    rssMiddle: rssMiddle / 1e6,
    rssEnd: rssEnd / 1e6,
  };
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const wants = (name: string): boolean => flags.only === undefined || flags.only.split(',').includes(name);
const postgres = await startPostgres(dir);
await migrate(postgres.url);
const pool = createPool({
  databaseUrl: postgres.url,
  max: 10,
  applicationName: 'bench',
  onError: () => undefined,
});

say(`uploads a second on ${uploadPath}; ${process.version}, ${secondsPerRun} s a run\n`);
say('| answers | in flight | ideal | bare loop | fahuo | of bare | CPU an upload |');
say('|---|---|---|---|---|---|---|');
const matrix = [
  { latencyMs: 10, window: 256 },
  { latencyMs: 50, window: 256 },
  { latencyMs: 50, window: 512 },
  { latencyMs: 100, window: 256 },
  { latencyMs: 100, window: 512 },
];
for (const { latencyMs, window } of matrix) {
  if (!wants(`${latencyMs}x${window}`)) continue;
  const sandbox = await startSandbox(latencyMs);
  const bare = await bareLoop(sandbox.url, window);
  const total = Math.round(bare * (secondsPerRun + 1.5));
  await fill(pool, total, `m${latencyMs}w${window}n`);
  const own = await runStage(pool, sandbox.url, { window, total });
  await sandbox.stop();
  const ideal = (window / latencyMs) * 1_000;
  say(
    `| ${latencyMs} ms | ${window} | ${ideal.toFixed(0)} | ${bare.toFixed(0)} | ${own.rate.toFixed(0)} | ${((100 * own.rate) / bare).toFixed(0)} % | ${own.cpuUs.toFixed(0)} µs |`,
  );
}

async function special(
  name: string,
  options: Parameters<typeof runStage>[2] & { hot?: number; faults?: object; latencyMs: number },
): Promise<void> {
  if (!wants(name)) return;
  const sandbox = await startSandbox(options.latencyMs);
  if (options.faults !== undefined)
    await fetch(`${sandbox.url}/_sandbox/faults`, { method: 'POST', body: JSON.stringify(options.faults) });
  await fill(pool, options.total, name, options.hot);
  const own = await runStage(pool, sandbox.url, options);
  const stats = (await (await fetch(`${sandbox.url}/_sandbox/stats`)).json()) as { busiest_second: number };
  await sandbox.stop();
  say(
    `| ${name} | ${own.rate.toFixed(0)}/s | busiest second ${stats.busiest_second} | ${own.cpuUs.toFixed(0)} µs | RSS ${own.rssMiddle.toFixed(0)} MB in the middle, ${own.rssEnd.toFixed(0)} MB at the end |`,
  );
}
say('\n| case (50 ms × 256) | rate | at the sandbox | CPU an upload | memory |');
say('|---|---|---|---|---|');
await special('hot', { latencyMs: 50, window: 256, total: 20_000, hot: 1 });
await special('failures', {
  latencyMs: 50,
  window: 256,
  total: 20_000,
  faults: [
    { kind: 'lost_answer', rate: 0.05 },
    { kind: 'status', rate: 0.05 },
  ],
});
await special('limit500', { latencyMs: 50, window: 256, total: 6_000, instances: 2, callsPerSecond: 500 });
await special('flat', { latencyMs: 10, window: 256, total: Number(flags.rows) });

await pool.end();
await postgres.stop();
