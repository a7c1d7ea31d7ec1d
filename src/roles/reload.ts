import { liftTokenPauses } from '../apps/pause-store.ts';
import type { App } from '../apps/app-set.ts';
import { sleep } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Doorbell } from '../loop.ts';
import type { Config } from './config.ts';
import type { Context } from './role.ts';

/** Who says when the configuration is read anew, and how: the command line, at SIGHUP. */
export type Reload = {
  bell: Doorbell;
  /** @throws FahuoError CONFIG_INVALID: then the apps stay as they are. */
  read: () => Config;
};

type ReadApps = { bell: Doorbell; read: () => readonly App[] };

type ReloadContext = Pick<Context, 'apps' | 'log' | 'metrics' | 'pool'>;

/** Reads the apps and their secrets again whenever the bell rings, until `signal` aborts. */
export async function keepApps(
  context: ReloadContext,
  { bell, read }: ReadApps,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await bell.waitFor(longestTimerMs, signal);
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- it changes during the wait
    if (!signal.aborted) await reloadApps(context, read, signal);
  }
}

/** The longest that a timer can wait, 24 days: one more look then does no harm. */
const longestTimerMs = 2 ** 31 - 1;

/**
 * Takes the apps as they are configured now. A new app is served, one that is gone ends what it has in flight, and a
 * changed one is as the file has it, its pause for a wrong secret lifted. Where the file is wrong nothing changes.
 */
export async function reloadApps(
  { apps, log, metrics, pool }: ReloadContext,
  read: ReadApps['read'],
  signal: AbortSignal,
): Promise<void> {
  let next: readonly App[];
  try {
    next = read();
  } catch (error) {
    metrics.appsReloadFailed.set(1);
    log.error({ err: messageOf(error), apps: apps.appids() }, 'apps.not_reloaded');
    return;
  }
  metrics.appsReloadFailed.set(0);
  const changes = apps.replace(next);
  log.info({ ...changes, apps: apps.appids() }, 'apps.reloaded');
  for (const appid of changes.tokens) await tryAgain({ log, pool }, appid, signal);
}

/** Another secret or server is a new chance. Without a database the pause stands until it is back. */
async function tryAgain(
  { log, pool }: Pick<Context, 'log' | 'pool'>,
  appid: string,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      if ((await liftTokenPauses(pool, appid)) > 0) log.info({ appid }, 'app.tried_again');
      return;
    } catch (error) {
      log.warn({ appid, err: messageOf(error), retry_in_ms: retryMs }, 'app.not_tried_again');
      await sleep(retryMs, signal);
    }
  }
}
const retryMs = 5_000;
