import type { Pool } from '../../db/client.ts';
import { sleep, type Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { getOrderPath, uploadPath, type WechatClient } from '../wechat/client.ts';
import type { Budget } from './budget.ts';
import { askAgainMs, leftOf, quotaPauseMs, rateOf } from '../wechat/quota.ts';
import { readRates, saveRate } from './budget-store.ts';
import type { App, AppSet } from './app-set.ts';
import type { AppEffect } from './effect.ts';
import { liftQuotaPause, quotaErrcode, readPauses, type Pause } from './pause-store.ts';
import type { Pauses } from './pauses.ts';

/** Calls a second and app while WeChat has never answered with its limit: no shop of one app is slowed by it for long. */
export const cautiousRate = 10;

const pathOf = { upload: uploadPath, read: getOrderPath };

export type RateDeps = {
  pool: Pool;
  budget: Budget;
  wechat: Pick<WechatClient, 'getQuota'>;
  log: Log;
  random: () => number;
};

/**
 * Keeps the rate of each app: its setting, or what WeChat says, asked app by app side by side, again until it answers
 * and then hourly. Until then the last good answer holds (fahuo.budget has it), and before any {@link cautiousRate}.
 * The rates are set when this returns its promise for the first time, so that nobody waits for an answer.
 */
export const keepRates = (deps: RateDeps, apps: AppSet, signal: AbortSignal): Promise<void> =>
  apps.each(
    (app, stop) => keepRateOf(deps, app, stop),
    signal,
    ({ appid, maxCallsPerSecond }) => `${appid} ${maxCallsPerSecond ?? 'asked'}`,
  );

async function keepRateOf(
  deps: RateDeps,
  { appid, maxCallsPerSecond }: App,
  signal: AbortSignal,
): Promise<void> {
  deps.budget.configure(appid, { callsPerSecond: maxCallsPerSecond ?? cautiousRate });
  if (maxCallsPerSecond !== undefined) return;
  const known = await lastRate(deps, appid);
  if (known !== undefined) deps.budget.configure(appid, { callsPerSecond: known });
  await keepRate(deps, { appid, rate: known ?? cautiousRate }, signal);
}

const lastRate = ({ pool, log }: RateDeps, appid: string): Promise<number | undefined> =>
  readRates(pool, [appid]).then(
    (rates) => rates.get(appid),
    (error: unknown) => {
      log.warn({ err: messageOf(error) }, 'quota.last_rate_unread');
      return undefined;
    },
  );

async function keepRate(
  { pool, budget, wechat, log, random }: RateDeps,
  { appid, rate }: { appid: string; rate: number },
  signal: AbortSignal,
): Promise<void> {
  let [current, failures] = [rate, 0];
  while (!signal.aborted) {
    const asked = await wechat.getQuota(appid, uploadPath, signal);
    const answered = rateOf(asked);
    failures = answered === null ? failures + 1 : 0;
    const retryMs = askAgainMs(failures, random);
    if (answered !== null) {
      budget.configure(appid, { callsPerSecond: answered });
      current = answered;
      await saveRate(pool, appid, answered).catch((error: unknown) =>
        log.warn({ appid, err: messageOf(error) }, 'quota.rate_unsaved'),
      );
      // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- it changes while WeChat is asked
    } else if (!signal.aborted) {
      const { errcode, failure } = asked.answer;
      log.warn(
        { appid, errcode, failure, calls_per_second: current, retry_in_ms: Math.round(retryMs) },
        'quota.unknown',
      );
    }
    await sleep(retryMs, signal);
  }
}

/**
 * WeChat answered 45009. The endpoint stops for a minute at once, so that no more calls go out while WeChat is asked
 * what is left; the first who stopped it asks, for all.
 */
export async function pauseForQuota(
  deps: { pauses: Pauses; wechat: Pick<WechatClient, 'getQuota'>; clock: Clock; random: () => number },
  appid: string,
  { endpoint }: Extract<AppEffect, { kind: 'quota' }>,
): Promise<void> {
  const { pauses, wechat, clock, random } = deps;
  const until = (ms: number): Date => new Date(clock().getTime() + ms);
  const pause = { kind: 'pause', endpoint, errcode: quotaErrcode } as const;
  const first = await pauses.impose(appid, {
    ...pause,
    reason: '45009: asking what is left',
    resumeAt: until(quotaPauseMs({ kind: 'not_asked' }, { nowMs: clock().getTime(), random })),
  });
  if (!first) return;
  const left = leftOf(await wechat.getQuota(appid, pathOf[endpoint]));
  await pauses.prolong(appid, {
    ...pause,
    reason:
      left.kind === 'left'
        ? `45009: ${left.calls} calls left today`
        : '45009: WeChat does not say what is left',
    resumeAt: until(quotaPauseMs(left, { nowMs: clock().getTime(), random })),
  });
}

const checkEveryMs = 60_000;
const probeMs = 3_600_000;

/** Asks once an hour whether an endpoint that waits for midnight has calls left after all: quotas are raised, and cleared. */
export async function probeQuotas(
  deps: Omit<RateDeps, 'budget'> & { clock: Clock },
  apps: Pick<AppSet, 'appids'>,
  signal: AbortSignal,
): Promise<void> {
  const askedAtMs = new Map<string, number>();
  while (!signal.aborted) {
    await probeOnce(deps, apps.appids(), askedAtMs).catch((error: unknown) =>
      deps.log.warn({ err: messageOf(error) }, 'quota.probe_failed'),
    );
    await sleep(checkEveryMs * (1 - 0.25 * deps.random()), signal);
  }
}

/** Exported for its test: one check of the pauses. `askedAtMs` is kept between checks. */
export async function probeOnce(
  { pool, wechat, clock, log }: Omit<RateDeps, 'budget'> & { clock: Clock },
  appids: readonly string[],
  askedAtMs: Map<string, number>,
): Promise<void> {
  const due = ({ appid, endpoint, pausedAt }: Pause): boolean =>
    clock().getTime() - (askedAtMs.get(`${appid}/${endpoint}`) ?? pausedAt.getTime()) >= probeMs;
  const paused = (await readPauses(pool)).filter(
    (one) => one.errcode === quotaErrcode && appids.includes(one.appid) && due(one),
  );
  for (const { appid, endpoint } of paused) {
    if (endpoint === '*') continue;
    askedAtMs.set(`${appid}/${endpoint}`, clock().getTime());
    const left = leftOf(await wechat.getQuota(appid, pathOf[endpoint]));
    if (left.kind === 'left' && left.calls > 0 && (await liftQuotaPause(pool, appid, endpoint)))
      log.info({ appid, endpoint, left: left.calls }, 'quota.found');
  }
}
