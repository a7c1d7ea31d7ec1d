import type { Pool } from '../../db/client.ts';
import { createPool } from '../../db/client.ts';
import { systemClock, systemRandom } from '../../src/clock.ts';
import { createLog } from '../../src/log.ts';
import { createDoorbell } from '../../src/loop.ts';
import { createMetrics, type Metrics } from '../../src/metrics.ts';
import { runUploader } from '../../src/upload/run.ts';
import { defaultTiming, type Timing } from '../../src/upload/timing.ts';
import { createWechatClient } from '../../src/wechat/client.ts';
import { createHttp } from '../../src/wechat/http.ts';
import { createMemoryBudget } from '../../src/apps/budget-memory.ts';
import { createAppSet } from '../../src/apps/app-set.ts';
import { appOf } from './apps.ts';
import { appid } from './events.ts';
import { createTokens } from './tokens.ts';

export type UploaderInTest = {
  pool: Pool;
  metrics: Metrics;
  /** Statements that it has sent to the database so far. */
  statements: () => number;
  stop: () => Promise<void>;
};

export type UploaderInTestOptions = {
  /** Where WeChat is. */
  wechat: string;
  apps?: readonly string[];
  instance?: string;
  window?: number;
  timing?: Partial<Timing>;
  callTimeoutMs?: number;
  readBeforeFirstSend?: boolean;
  deltaApps?: readonly string[];
};

/** The uploader on this pool, until `signal` aborts and nothing is in flight. */
export async function runUploaderOn(
  pool: Pool,
  options: UploaderInTestOptions,
  { signal, metrics = createMetrics() }: { signal: AbortSignal; metrics?: Metrics },
): Promise<void> {
  const { apps = [appid], instance = 'one', window = 32, callTimeoutMs = 5_000 } = options;
  const http = createHttp({ baseUrl: options.wechat, totalTimeoutMs: callTimeoutMs, connections: window });
  const deps = {
    pool,
    wechat: createWechatClient({ http, tokens: createTokens(http), clock: systemClock }),
    budget: createMemoryBudget({ clock: systemClock }),
    log: createLog({ level: 'silent' }),
    metrics,
    clock: systemClock,
    random: systemRandom,
    doorbell: createDoorbell(),
  };
  const timing = { ...defaultTiming, drainMs: 2_000, ...options.timing };
  const { readBeforeFirstSend = false } = options;
  const deltaApps = new Set(options.deltaApps);
  await runUploader(
    deps,
    {
      apps: createAppSet(apps.map((one) => appOf(one))),
      instance,
      window,
      timing,
      callTimeoutMs,
      readBeforeFirstSend,
      deltaApps,
      acknowledgements: true,
    },
    signal,
  );
  await http.close();
}

/** The uploader with a pool of its own whose statements are counted. */
export function startUploader(options: UploaderInTestOptions & { databaseUrl: string }): UploaderInTest {
  const pool = createPool({
    databaseUrl: options.databaseUrl,
    max: 12,
    applicationName: 'uploader',
    keyLookups: true,
    onError: () => undefined,
  });
  let statements = 0;
  const query = pool.query.bind(pool) as (...args: unknown[]) => unknown;
  Object.assign(pool, { query: (...args: unknown[]) => ((statements += 1), query(...args)) });
  const metrics = createMetrics();
  const stop = new AbortController();
  const running = runUploaderOn(pool, options, { signal: stop.signal, metrics });
  return {
    pool,
    metrics,
    statements: () => statements,
    stop: async () => {
      stop.abort();
      await running;
      await pool.end();
    },
  };
}

/** `count` pending uploads of an app: `NAME1`, `NAME2` … */
export async function insertPending(
  pool: Pool,
  { count, name = 'p', app = appid }: { count: number; name?: string; app?: string },
): Promise<void> {
  await pool.query(
    `insert into fahuo.upload (appid, payment, version, kind, event_id, source, event_time, topic, partition, "offset",
       body, body_hash)
     select $1, $2 || n, 1, 'shipped', $2 || n, '/orders', '2026-11-23T10:00:00+08:00', $2, 0, n,
       replace($4, 'PAYMENT', $2 || n), md5(n::text)
     from generate_series(1, $3::int) n`,
    [app, name, count, body],
  );
}

const body = JSON.stringify({
  order_key: { order_number_type: 2, transaction_id: 'PAYMENT' },
  logistics_type: 1,
  delivery_mode: 1,
  shipping_list: [
    {
      tracking_no: 'SF1PAYMENT',
      express_company: 'SF',
      item_desc: '红富士苹果 5kg*1',
      contact: { receiver_contact: '138****1234' },
    },
  ],
  payer: { openid: 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o' },
});
