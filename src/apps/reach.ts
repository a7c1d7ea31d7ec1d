import { monotonicMs } from '../clock.ts';
import { uploadPath } from '../wechat/client.ts';
import type { AppDeps } from './deps.ts';
import { unreachable } from './holds.ts';
import { countWaiting } from './serving-store.ts';

const wordEveryMs = 60_000;
const openWaitMs = 60_000;
const pausedWaitMs = 1_000;

/**
 * Watches one app's hold: probes while it is held, tells when WeChat is away, once a minute for how long, and when it
 * is back. The probe asks for the quota: that call goes the way of all others, needs the token, and changes nothing.
 */
export async function keepReach(deps: AppDeps, appid: string, signal: AbortSignal): Promise<void> {
  const { holds, log } = deps;
  let told: { sinceMs: number; atMs: number } | null = null;

  const tell = async (): Promise<void> => {
    const hold = holds.of(appid);
    const nowMs = monotonicMs();
    if (hold.kind === 'held') {
      deps.metrics.wechatUnreachableSeconds.set({ appid }, (nowMs - hold.sinceMs) / 1000);
      if (told !== null && nowMs - told.atMs < wordEveryMs) return;
      told = { sinceMs: told?.sinceMs ?? hold.sinceMs, atMs: nowMs };
      const waiting = await countWaiting(deps.pool, appid).catch(() => null);
      const seconds = Math.round((nowMs - told.sinceMs) / 1000);
      return log.warn({ appid, reason: hold.reason, seconds, waiting }, 'wechat.unreachable');
    }
    deps.metrics.wechatUnreachableSeconds.set({ appid }, 0);
    if (told === null) return;
    log.info({ appid, seconds: Math.round((nowMs - told.sinceMs) / 1000) }, 'wechat.reachable');
    told = null;
  };

  while (!signal.aborted) {
    await tell();
    const hold = holds.of(appid);
    if (hold.kind === 'open') await holds.bell(appid).waitFor(openWaitMs, signal);
    else if (isStopped(deps, appid)) await holds.bell(appid).waitFor(pausedWaitMs, signal);
    else await probe(deps, { appid, atMs: hold.probeAtMs }, signal);
  }
  deps.metrics.wechatUnreachableSeconds.set({ appid }, 0);
}

/** A paused app makes no call at all. */
const isStopped = ({ pauses }: AppDeps, appid: string): boolean =>
  pauses.isPaused(appid, 'upload') && pauses.isPaused(appid, 'read');

async function probe(
  { holds, wechat }: AppDeps,
  { appid, atMs }: { appid: string; atMs: number },
  signal: AbortSignal,
): Promise<void> {
  const waitMs = atMs - monotonicMs();
  if (waitMs > 0) return holds.bell(appid).waitFor(waitMs, signal); // a late answer may end the hold before
  const asked = await wechat.getQuota(appid, uploadPath, signal);
  if (signal.aborted) return;
  holds.probed(appid, unreachable(asked.answer, asked.kind === 'failed' ? asked.outcome : null));
}
