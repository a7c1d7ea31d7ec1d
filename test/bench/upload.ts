import { parseArgs } from 'node:util';
import { Pool as UndiciPool } from 'undici';
import { createPool, type Pool } from '../../db/client.ts';
import { monotonicMs, sleep, systemClock } from '../../src/clock.ts';
import { uploadPath } from '../../src/wechat/client.ts';
import { createHttp } from '../../src/wechat/http.ts';
import { withUploadTime } from '../../src/wechat/render.ts';
import { appid, shippedEvent } from '../support/events.ts';
import { createTokens } from '../support/tokens.ts';
import { median, say } from './numbers.ts';
import { startSandbox } from './sandbox.ts';
import { cpuMsOf } from './cpu.ts';
import { openBenchDatabase } from './services.ts';
import { startUploader, type BenchUploader } from './uploader.ts';

/**
 * Uploads a second through the whole stage (claim, send, record in Postgres) beside a bare undici loop that records
 * nothing, with the same number in flight, against the sandbox in a process of its own. All in one run.
 */
const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string', default: '6' },
    only: { type: 'string' },
    rows: { type: 'string', default: '200000' },
    rounds: { type: 'string', default: '3' },
  },
});
const secondsPerRun = Number(flags.seconds);

const body = (payment: string): string => JSON.stringify(shippedEvent({ payment }).data);

type Pids = { own: number; sandbox: number; postgres: number };
type Cpu = Record<keyof Pids, number>;
type Rate = { rate: number; cpuUs: Cpu };

const cpuNow = (pids: Pids): Cpu & { pids: Pids } => ({
  own: cpuMsOf(pids.own),
  sandbox: cpuMsOf(pids.sandbox),
  postgres: cpuMsOf(pids.postgres),
  pids,
});

/** Microseconds of CPU an upload, by process. */
function usedSince(before: Cpu & { pids: Pids }, uploads: number): Cpu {
  const now = cpuNow(before.pids);
  const each = (part: keyof Pids): number => ((now[part] - before[part]) * 1_000) / Math.max(1, uploads);
  return { own: each('own'), sandbox: each('sandbox'), postgres: each('postgres') };
}

const cpuText = ({ own, sandbox, postgres }: Cpu): string =>
  `${own.toFixed(0)} + ${sandbox.toFixed(0)} + ${postgres.toFixed(0)} µs`;

/** undici alone, in flight always `window`: a token, a rendered body, the answer read; nothing is claimed or recorded. */
async function bareLoop(url: string, window: number, pids: Pids): Promise<Rate> {
  const pool = new UndiciPool(url, { connections: window, pipelining: 1 });
  const http = createHttp({ baseUrl: url });
  const token = await createTokens(http).current(appid);
  if (token.kind === 'unavailable') throw new Error('the sandbox gave no token');
  const path = `${uploadPath}?access_token=${token.value}`;
  let sent = 0;
  let counted = 0;
  const startedAtMs = monotonicMs();
  const warmMs = startedAtMs + 1_500;
  const endMs = warmMs + secondsPerRun * 1_000;
  const loop = async (): Promise<void> => {
    while (monotonicMs() < endMs) {
      const text = withUploadTime(body(`bare${startedAtMs.toFixed(0)}${sent++}`), systemClock());
      const headers = { 'content-type': 'application/json' };
      const answer = await pool.request({ method: 'POST', path, headers, body: text });
      const { errcode } = (await answer.body.json()) as { errcode: number };
      if (errcode === 0 && monotonicMs() > warmMs && monotonicMs() < endMs) counted += 1;
    }
  };
  const warm = sleep(1_500).then(() => cpuNow(pids));
  await Promise.all(Array.from({ length: window }, loop));
  const before = await warm;
  await Promise.all([pool.close(), http.close()]);
  return { rate: counted / secondsPerRun, cpuUs: usedSince(before, counted) };
}

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

type Run = Rate & { rssMiddle: number; rssEnd: number };

async function runStage(
  pool: Pool,
  url: string,
  options: { window: number; total: number; pids: Pids; instances?: number; callsPerSecond?: number },
): Promise<Run> {
  const uploaders = Array.from({ length: options.instances ?? 1 }, (_, number) =>
    startUploader(pool, url, {
      instance: `bench-${number}`,
      window: options.window,
      callTimeoutMs: 10_000,
      timing: { readAfterMs: 200, readGapMs: 300 },
      ...(options.callsPerSecond === undefined ? {} : { callsPerSecond: options.callsPerSecond }),
    }),
  );
  const acknowledgedBy = async ({ metrics }: BenchUploader): Promise<number> =>
    (await metrics.uploadTransitions.get()).values.find((value) => value.labels['state'] === 'acknowledged')
      ?.value ?? 0;
  const acknowledged = async (): Promise<number> =>
    (await Promise.all(uploaders.map(acknowledgedBy))).reduce((sum, count) => sum + count, 0);
  await sleep(1_500);
  const cpu = cpuNow(options.pids);
  const startMs = monotonicMs();
  const startCount = await acknowledged();
  let rssMiddle = 0;
  let now = startCount;
  let last = { atMs: startMs, count: startCount };
  while (now < options.total * 0.97 && monotonicMs() - startMs < 120_000) {
    await sleep(100);
    now = await acknowledged();
    last = { atMs: monotonicMs(), count: now };
    if (now > options.total / 2 && rssMiddle === 0) rssMiddle = process.memoryUsage().rss;
  }
  const cpuUs = usedSince(cpu, last.count - startCount);
  const rssEnd = process.memoryUsage().rss;
  await Promise.all(uploaders.map((uploader) => uploader.stop()));
  const done = last.count - startCount;
  return {
    rate: (done / (last.atMs - startMs)) * 1_000,
    cpuUs,
    rssMiddle: rssMiddle / 1e6,
    rssEnd: rssEnd / 1e6,
  };
}

const wants = (name: string): boolean => flags.only === undefined || flags.only.split(',').includes(name);
const postgres = await openBenchDatabase();
const pool = createPool({
  databaseUrl: postgres.url,
  max: 10,
  applicationName: 'bench',
  keyLookups: true,
  onError: () => undefined,
});

say(
  `uploads a second on ${uploadPath}; Node ${process.version}, ${postgres.version}, ${secondsPerRun} s a run\n`,
);
say('CPU an upload: this process + the sandbox + Postgres\n');
say('| answers | in flight | ideal | bare loop | fahuo | of bare | CPU, bare | CPU, fahuo |');
say('|---|---|---|---|---|---|---|---|');
const matrix = [
  { latencyMs: 10, window: 256 },
  { latencyMs: 50, window: 256 },
  { latencyMs: 50, window: 512 },
  { latencyMs: 100, window: 256 },
  { latencyMs: 100, window: 512 },
];
for (const { latencyMs, window } of matrix) {
  if (!wants(`${latencyMs}x${window}`)) continue;
  const rounds: { bare: Rate; own: Rate }[] = [];
  for (let round = 0; round < Number(flags.rounds); round++) {
    const sandbox = await startSandbox(postgres.dir, latencyMs);
    const pids = { own: process.pid, sandbox: sandbox.pid(), postgres: postgres.pid };
    const bare = await bareLoop(sandbox.url, window, pids);
    const total = Math.round(bare.rate * (secondsPerRun + 1.5));
    await fill(pool, total, `m${latencyMs}w${window}n`);
    rounds.push({ bare, own: await runStage(pool, sandbox.url, { window, total, pids }) });
    await sandbox.stop();
  }
  const bare = median(rounds.map((round) => round.bare.rate));
  const own = median(rounds.map((round) => round.own.rate));
  const ratio = median(rounds.map((round) => round.own.rate / round.bare.rate));
  const last = rounds.at(-1)!;
  const ideal = (window / latencyMs) * 1_000;
  say(
    `| ${latencyMs} ms | ${window} | ${ideal.toFixed(0)} | ${bare.toFixed(0)} | ${own.toFixed(0)} | ${(100 * ratio).toFixed(0)} % | ${cpuText(last.bare.cpuUs)} | ${cpuText(last.own.cpuUs)} |`,
  );
}

async function special(
  name: string,
  options: Omit<Parameters<typeof runStage>[2], 'pids'> & {
    hot?: number;
    faults?: object;
    latencyMs: number;
  },
): Promise<void> {
  if (!wants(name)) return;
  const sandbox = await startSandbox(postgres.dir, options.latencyMs);
  if (options.faults !== undefined)
    await fetch(`${sandbox.url}/_sandbox/faults`, { method: 'POST', body: JSON.stringify(options.faults) });
  await fill(pool, options.total, name, options.hot);
  const pids = { own: process.pid, sandbox: sandbox.pid(), postgres: postgres.pid };
  const own = await runStage(pool, sandbox.url, { ...options, pids });
  const stats = (await (await fetch(`${sandbox.url}/_sandbox/stats`)).json()) as { busiest_second: number };
  await sandbox.stop();
  say(
    `| ${name} | ${own.rate.toFixed(0)}/s | busiest second ${stats.busiest_second} | ${cpuText(own.cpuUs)} | RSS ${own.rssMiddle.toFixed(0)} MB in the middle, ${own.rssEnd.toFixed(0)} MB at the end |`,
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
await postgres.drop();
