import { keepCarriers } from '../carriers/refresh.ts';
import { keepRates, probeQuotas } from '../apps/rates.ts';
import { systemClock, systemRandom } from '../clock.ts';
import { openAll } from '../opened.ts';
import { defaultReceiptTiming } from '../receipt/decide.ts';
import { runReceipts } from '../receipt/run.ts';
import { runUploader } from '../upload/run.ts';
import { defaultTiming } from '../upload/timing.ts';
import { runTogether, type Context, type OpenRole } from './role.ts';
import { openRedis, reachRedisAtStart } from './redis.ts';
import { createBudget, createClient } from './shared-state.ts';

/** Upload rows → WeChat, at the rate that WeChat allows. */
export const openUpload: OpenRole = (context) =>
  openAll(context.log, async (opened) => {
    const { config, pool, log, apps } = context;
    const redis = opened.add('redis', openRedis(config, log), (it) => it?.disconnect());
    await reachRedisAtStart(redis, config, log);
    const budget = createBudget({ config, pool, redis, log });
    const client = createClient({ config, apps, pool, redis, log });
    const wechat = opened.add('wechat', client, (it) => it.close());
    const deps = { pool, log, budget, wechat, clock: systemClock, random: systemRandom };
    const options = optionsOf(context);
    const run = (signal: AbortSignal): Promise<void> =>
      runTogether(
        [
          (stop) => keepRates(deps, apps, stop), // before the first call
          (stop) => runUploader({ ...context, ...deps }, options, stop),
          (stop) => runReceipts({ ...deps, metrics: context.metrics }, receiptOptionsOf(context), stop),
          (stop) => probeQuotas(deps, apps, stop),
          (stop) => keepCarriers(deps, apps, stop),
        ],
        signal,
      );
    return { run };
  });

const receiptOptionsOf = ({ config, instance, apps }: Context) => ({
  apps,
  instance,
  timing: defaultReceiptTiming,
  callTimeoutMs: config.wechat.callTimeoutMs,
  idleMinMs: 500,
  idleMaxMs: 5_000,
});

const optionsOf = ({ config, instance, apps }: Context) => ({
  ...config.upload,
  instance,
  apps,
  timing: { ...defaultTiming, ...config.timing },
  callTimeoutMs: config.wechat.callTimeoutMs,
  deltaApps: { has: (appid: string): boolean => apps.of(appid)?.parcelLists === 'delta' },
});
