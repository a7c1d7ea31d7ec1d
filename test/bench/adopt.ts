import { readFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { createPool } from '../../db/client.ts';
import { openShop } from '../../src/adopt/open-shop.ts';
import { adoptDeps, adoptFile, untilIdle } from '../support/adopt.ts';
import { createLog } from '../../src/log.ts';
import { runFahuo } from '../support/fahuo-process.ts';
import { main, nodeEnv, nodeFlags } from '../support/node-flags.ts';
import { openers, type BenchShop } from './adopt-shop.ts';
import { say, thousands } from './numbers.ts';

/**
 * `npm run bench:adopt`: keys that waited while fahuo was away, drained; and a backfill of old orders, dry and then executed, killed
 * three times. Beside each the same keys' events alone, through the door, in batches of the same size: what the outbox allows.
 */
const { values: flags } = parseArgs({
  options: {
    shop: { type: 'string', default: 'both' },
    keys: { type: 'string', default: '200000' },
    backfill: { type: 'string', default: '1000000' },
    kills: { type: 'string', default: '3' },
  },
});
const [keys, orders, kills] = [Number(flags.keys), Number(flags.backfill), Number(flags.kills)];
const shops = flags.shop === 'both' ? (['yudao', 'likeshop'] as const) : [flags.shop as 'yudao' | 'likeshop'];

const poolOf = (url: string) =>
  createPool({
    databaseUrl: url,
    max: 4,
    applicationName: 'fahuo-bench',
    keyLookups: true,
    onError: () => undefined,
  });

async function drain(shop: BenchShop): Promise<void> {
  await shop.fill(keys);
  const file = adoptFile(readFileSync(shop.file, 'utf8'));
  const opened = await openShop({
    databaseUrl: shop.url,
    file,
    log: createLog({ level: 'silent' }),
    queryTimeoutMs: 20_000,
  });
  const pool = poolOf(shop.ours.url);
  try {
    await opened.run(await opened.planApply());
    await shop.ship(keys);
    const { waiting } = await opened.countTouched();
    const [startMs, cpu] = [performance.now(), process.cpuUsage()];
    await untilIdle(adoptDeps(pool, { shop: opened, file }));
    const seconds = (performance.now() - startMs) / 1_000;
    const own = process.cpuUsage(cpu);
    const { rows } = await pool.query<{ n: number }>('select count(*)::int as n from fahuo.outbox');
    const events = rows[0]?.n ?? 0;
    say(
      `${shop.name}: ${thousands(waiting)} touched rows of ${thousands(keys)} orders drained in ${seconds.toFixed(1)} s: ${thousands(waiting / seconds)} rows/s, ` +
        `${thousands(keys / seconds)} orders/s, ${thousands(events)} events; own CPU ${(((own.user + own.system) / 1e6 / seconds) * 100).toFixed(0)} %`,
    );
    say(`  the door alone, 500 events a transaction: ${thousands(await doorAlone(shop))} events/s`);
  } finally {
    await opened.close();
    await pool.end();
  }
}

/** The events of the first 20,000 orders once more, as another app's. */
async function doorAlone(shop: BenchShop): Promise<number> {
  const pool = poolOf(shop.ours.url);
  const count = Math.min(20_000, keys);
  const startMs = performance.now();
  for (let from = 0; from < count; from += 500)
    await pool.query(
      `select fahuo.offer(e) from (select json_build_object('id', 'door-' || event_id, 'type', type, 'source', source, 'time', event_time,
         'appid', 'wxdoor', 'data', data::json)::text as e from fahuo.outbox order by id offset $1 limit 500) o`,
      [from],
    );
  await pool.end();
  return count / ((performance.now() - startMs) / 1_000);
}

async function backfillAll(shop: BenchShop): Promise<void> {
  await shop.fill(orders);
  await shop.ship(orders);
  const env = { DATABASE_URL: shop.ours.url, SHOP_DATABASE_URL: shop.url, FAHUO_LOG_LEVEL: 'warn' };
  const startMs = performance.now();
  const dry = await runFahuo(['adopt', 'backfill', shop.file, '--json'], env);
  const drySeconds = (performance.now() - startMs) / 1_000;
  say(
    `${shop.name}: dry run of ${thousands(orders)} orders in ${drySeconds.toFixed(0)} s: ${dry.stdout.trim().slice(0, 300)}`,
  );
  await apply(shop, env);
  const runMs = performance.now();
  let [peak, killed] = [0, 0];
  const pool = poolOf(shop.ours.url);
  for (;;) {
    const limit = ((killed + 1) * orders) / (kills + 1);
    const run = await execute(shop, env, killed < kills ? { pool, limit } : null);
    peak = Math.max(peak, run.peakMb);
    say(`  run ${killed + 1}: ${run.killed ? 'killed' : 'ended'}, peak ${run.peakMb.toFixed(0)} MB`);
    if (!run.killed) break;
    killed += 1;
  }
  const { rows } = await pool.query<{ events: number; payments: number }>(
    'select count(*)::int as events, count(distinct payment)::int as payments from fahuo.outbox',
  );
  const events = rows[0]?.events ?? 0;
  await pool.end();
  const seconds = (performance.now() - runMs) / 1_000;
  const said = (JSON.parse(dry.stdout) as { events: number }).events;
  say(
    `${shop.name}: backfill of ${thousands(orders)} orders, killed ${killed} times, in ${seconds.toFixed(0)} s (${thousands(orders / seconds)} orders/s): ` +
      `${thousands(events)} events of ${thousands(rows[0]?.payments ?? 0)} payments; the dry run said ${thousands(said)}: ${said === events ? 'equal' : 'DIFFERENT'}; peak ${peak.toFixed(0)} MB`,
  );
}

async function apply({ file }: BenchShop, env: Record<string, string>): Promise<void> {
  const applied = await runFahuo(['adopt', 'apply', file], env);
  if (applied.code !== 0) throw new TypeError(applied.stderr);
}

type Until = { pool: ReturnType<typeof poolOf>; limit: number };

/** Runs the backfill, and kills it when so many events are written. */
function execute(
  shop: BenchShop,
  env: Record<string, string>,
  until: Until | null,
): Promise<{ killed: boolean; peakMb: number }> {
  const child = spawn(
    process.execPath,
    [...nodeFlags, '--', main, 'adopt', 'backfill', shop.file, '--execute', '--json'],
    {
      cwd: shop.ours.dir,
      env: { PATH: process.env['PATH'] ?? '', ...nodeEnv, ...env },
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  let [peakMb, killed] = [0, false];
  const look = setInterval(() => {
    peakMb = Math.max(peakMb, peakOf(child.pid ?? 0));
    if (until === null || killed) return;
    void until.pool
      .query<{ n: number }>('select coalesce(sum(events), 0)::int as n from fahuo.adopt_backfill')
      .then(({ rows }) => {
        if ((rows[0]?.n ?? 0) < until.limit || killed) return;
        killed = true;
        child.kill('SIGKILL');
      });
  }, 200);
  return new Promise((resolve) =>
    child.once('exit', () => {
      clearInterval(look);
      resolve({ killed, peakMb });
    }),
  );
}

function peakOf(pid: number): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

for (const name of shops) {
  for (const work of [...(keys > 0 ? [drain] : []), ...(orders > 0 ? [backfillAll] : [])]) {
    const shop = await openers[name]();
    await work(shop).finally(() => shop.close());
  }
}
