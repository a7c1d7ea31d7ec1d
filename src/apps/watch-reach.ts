import { monotonicMs } from '../clock.ts';
import { uploadPath } from '../wechat/client.ts';
import type { AppDeps } from './deps.ts';
import { unreachableReason } from './app-reach.ts';
import { countWaiting } from './serving-store.ts';

const reportEveryMs = 60_000;
const reachableWaitMs = 60_000;
const pausedWaitMs = 1_000;

/** The last word about an interruption; null while the app is reachable. */
type Report = { sinceMs: number; atMs: number } | null;

/**
 * Watches one app's way to WeChat: probes while WeChat is unreachable, says so once a minute and for how long, and says
 * when it is back. The probe asks for the quota: that call goes the way of all others, needs the token, and changes
 * nothing.
 */
export async function watchReach(deps: AppDeps, appid: string, signal: AbortSignal): Promise<void> {
  let last: Report = null;
  while (!signal.aborted) {
    last = await report(deps, appid, last);
    await waitOrProbe(deps, appid, signal);
  }
  deps.metrics.wechatUnreachableSeconds.set({ appid }, 0);
}

async function report({ reach, log, metrics, pool }: AppDeps, appid: string, last: Report): Promise<Report> {
  const current = reach.of(appid);
  const nowMs = monotonicMs();
  const secondsSince = (ms: number): number => (nowMs - ms) / 1000;
  if (current.kind === 'reachable') {
    metrics.wechatUnreachableSeconds.set({ appid }, 0);
    if (last !== null)
      log.info({ appid, seconds: Math.round(secondsSince(last.sinceMs)) }, 'wechat.reachable');
    return null;
  }
  metrics.wechatUnreachableSeconds.set({ appid }, secondsSince(current.sinceMs));
  if (last !== null && nowMs - last.atMs < reportEveryMs) return last;
  const sinceMs = last?.sinceMs ?? current.sinceMs;
  const waiting = await countWaiting(pool, appid).catch(() => null);
  const seconds = Math.round(secondsSince(sinceMs));
  log.warn({ appid, reason: current.reason, seconds, waiting }, 'wechat.unreachable');
  return { sinceMs, atMs: nowMs };
}

async function waitOrProbe(deps: AppDeps, appid: string, signal: AbortSignal): Promise<void> {
  const current = deps.reach.of(appid);
  const bell = deps.reach.bell(appid);
  if (current.kind === 'reachable') return bell.waitFor(reachableWaitMs, signal);
  if (isStopped(deps, appid)) return bell.waitFor(pausedWaitMs, signal);
  const waitMs = current.probeAtMs - monotonicMs();
  // A late answer may end the interruption before.
  return waitMs > 0 ? bell.waitFor(waitMs, signal) : probe(deps, appid, signal);
}

/** A paused app makes no call at all. */
const isStopped = ({ pauses }: AppDeps, appid: string): boolean =>
  pauses.isPaused(appid, 'upload') && pauses.isPaused(appid, 'read');

async function probe({ reach, wechat }: AppDeps, appid: string, signal: AbortSignal): Promise<void> {
  const asked = await wechat.getQuota(appid, uploadPath, signal);
  if (signal.aborted) return;
  reach.noteProbe(appid, unreachableReason(asked.answer, asked.kind === 'failed' ? asked.outcome : null));
}
