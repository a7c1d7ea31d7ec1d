import { keepCarriers } from '../carriers/refresh.ts';
import { keepRates, probeQuotas } from '../apps/rates.ts';
import { systemClock, systemRandom } from '../clock.ts';
import { openAll } from '../opened.ts';
import { appSecretOf } from '../apps/app-set.ts';
import { defaultReceiptTiming } from '../receipt/decide.ts';
import { defaultTraceTiming } from '../receipt/decide-trace.ts';
import { runReceipts } from '../receipt/run.ts';
import { receiptSettings } from '../receipt/settings.ts';
import { runUploader } from '../upload/run.ts';
import { defaultTiming } from '../upload/timing.ts';
import { required } from './config.ts';
import { runTogether, type Context, type OpenRole } from './role.ts';
import { openCalls } from './shared-state.ts';

/** Upload rows → WeChat, at the rate that WeChat allows. */
export const openUpload: OpenRole = (context) =>
  openAll(context.log, async (opened) => {
    const { config, pool, log, apps } = context;
    const { budget, wechat } = await openCalls({ config, pool, log, apps, opened });
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

const receiptOptionsOf = (context: Context) => ({
  apps: context.apps,
  instance: context.instance,
  timing: defaultReceiptTiming,
  callTimeoutMs: context.config.wechat.callTimeoutMs,
  marginMs: 5_000,
  idleMinMs: 500,
  idleMaxMs: 5_000,
  trace: traceOptionsOf(context),
});

/** An app that comes to be traced later needs the picture as well: without one it is left alone. */
function traceOptionsOf({ config: { receipt }, apps }: Context) {
  const wants = (appid: string): boolean => (apps.of(appid)?.receipt ?? receipt.mode) === 'trace';
  if (apps.appids().some(wants)) required(receipt.imageUrl, receiptSettings.imageUrl);
  return {
    apps: { has: (appid: string): boolean => receipt.imageUrl !== undefined && wants(appid) },
    timing: defaultTraceTiming,
    secretOf: (appid: string): string | undefined => appSecretOf(apps.of(appid)),
    imageUrl: receipt.imageUrl ?? '',
    page: receipt.page,
  };
}

const optionsOf = ({ config, instance, apps }: Context) => ({
  ...config.upload,
  instance,
  apps,
  timing: { ...defaultTiming, ...config.timing },
  callTimeoutMs: config.wechat.callTimeoutMs,
  deltaApps: { has: (appid: string): boolean => apps.of(appid)?.parcelLists === 'delta' },
});
