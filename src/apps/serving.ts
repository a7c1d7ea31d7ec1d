import { monotonicMs } from '../clock.ts';
import { messageOf } from '../errors.ts';
import { runLoop } from '../loop.ts';
import type { AppSet } from './app-set.ts';
import type { AppDeps } from './deps.ts';
import { deleteServing, readNotServed, saveServing, type Serving } from './serving-store.ts';

type ServingDeps = Pick<AppDeps, 'pool' | 'log' | 'metrics' | 'clock' | 'reach'>;

const checkEveryMs = 1_000;
const saveEveryMs = 10_000;
const reportEveryMs = 60_000;

/**
 * Says in the database which apps this instance serves and whether its sends go out, so that `status` knows it of
 * every instance; and names the apps whose events nobody serves, which else would wait in silence.
 */
export async function keepServing(
  deps: ServingDeps,
  options: { apps: Pick<AppSet, 'appids'>; instance: string },
  signal: AbortSignal,
): Promise<void> {
  let saved = { atMs: Number.NEGATIVE_INFINITY, text: '' };
  let reportedAtMs = Number.NEGATIVE_INFINITY;

  const step = async (): Promise<'idle'> => {
    const served = options.apps.appids().map((appid) => servingOf(deps, appid));
    const text = JSON.stringify(served.map(({ appid, reason }) => [appid, reason]));
    if (text === saved.text && monotonicMs() - saved.atMs < saveEveryMs) return 'idle';
    await saveServing(deps.pool, options.instance, served);
    saved = { atMs: monotonicMs(), text };
    await reportNotServed();
    return 'idle';
  };

  const reportNotServed = async (): Promise<void> => {
    const missing = await readNotServed(deps.pool);
    deps.metrics.uploadNotServed.reset();
    for (const { appid, rows } of missing) deps.metrics.uploadNotServed.set({ appid }, rows);
    if (monotonicMs() - reportedAtMs < reportEveryMs) return;
    reportedAtMs = monotonicMs();
    for (const { appid, rows, oldestAt } of missing)
      deps.log.warn({ appid, rows, oldest: oldestAt, remedy: notServedRemedy }, 'app.not_served');
  };

  await runLoop(
    step,
    {
      name: 'upload.serving',
      heartbeats: deps.metrics.heartbeats,
      idleMinMs: checkEveryMs,
      idleMaxMs: checkEveryMs,
      errorMinMs: checkEveryMs,
      errorMaxMs: 5 * checkEveryMs,
      log: deps.log,
    },
    signal,
  );
  await deleteServing(deps.pool, options.instance).catch((error: unknown) =>
    deps.log.debug({ err: messageOf(error) }, 'serving.not_deleted'),
  );
}

export const notServedRemedy =
  'put the app into FAHUO_APPS_FILE (or WECHAT_APPID) of an instance, or end its events with `fahuo retire APPID`';

function servingOf({ reach, clock }: ServingDeps, appid: string): Serving {
  const current = reach.of(appid);
  if (current.kind === 'reachable') return { appid, unreachableSince: null, reason: null };
  const since = clock().getTime() - (monotonicMs() - current.sinceMs);
  return { appid, unreachableSince: new Date(since), reason: current.reason };
}
