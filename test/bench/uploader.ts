import type { Pool } from '../../db/client.ts';
import { systemClock, systemRandom } from '../../src/clock.ts';
import { createLog } from '../../src/log.ts';
import { createDoorbell, type Doorbell } from '../../src/loop.ts';
import { createMetrics, type Metrics } from '../../src/metrics.ts';
import { createPostgresBudget } from '../../src/apps/budget-postgres.ts';
import { runUploader } from '../../src/upload/run.ts';
import { defaultTiming, type Timing } from '../../src/upload/timing.ts';
import { createWechatClient } from '../../src/wechat/client.ts';
import { createHttpPools, poolSizes } from '../../src/wechat/http-pools.ts';
import { appSetOf } from '../support/apps.ts';
import { appid } from '../support/events.ts';
import { createTokens } from '../support/tokens.ts';

export type BenchUploader = { metrics: Metrics; doorbell: Doorbell; stop: () => Promise<void> };

/** The upload stage alone, in this process, against the sandbox at `url`. */
export function startUploader(
  pool: Pool,
  url: string,
  options: {
    instance: string;
    apps?: readonly string[];
    logLevel?: 'error' | 'silent';
    window: number;
    callTimeoutMs: number;
    timing: Partial<Timing>;
    callsPerSecond?: number;
  },
): BenchUploader {
  const log = createLog({ level: options.logLevel ?? 'error' });
  const { apps = [appid] } = options;
  const http = createHttpPools(
    { baseUrl: url, totalTimeoutMs: options.callTimeoutMs },
    poolSizes(options.window),
  );
  const budget = createPostgresBudget({ pool, log });
  if (options.callsPerSecond !== undefined)
    budget.configure(appid, { callsPerSecond: options.callsPerSecond });
  const stop = new AbortController();
  const metrics = createMetrics();
  const doorbell = createDoorbell();
  const running = runUploader(
    {
      pool,
      wechat: createWechatClient({ http, tokens: createTokens(http), clock: systemClock }),
      budget,
      log,
      metrics,
      clock: systemClock,
      random: systemRandom,
      doorbell,
    },
    {
      apps: appSetOf(...apps),
      instance: options.instance,
      window: options.window,
      timing: { ...defaultTiming, ...options.timing },
      callTimeoutMs: options.callTimeoutMs,
      readBeforeFirstSend: false,
      deltaApps: new Set(),
      acknowledgements: true,
    },
    stop.signal,
  );
  return {
    metrics,
    doorbell,
    stop: async () => {
      stop.abort();
      await running;
      await http.close();
    },
  };
}
