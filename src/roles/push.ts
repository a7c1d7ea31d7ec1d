import { systemClock } from '../clock.ts';
import { serve } from '../http/serve.ts';
import { createDoorbell } from '../loop.ts';
import { openAll } from '../opened.ts';
import { runApply } from '../push/apply.ts';
import { pushRoutes } from '../push/receive.ts';
import { hasPushKeys, pushKeysOf } from './push-keys.ts';
import type { OpenRole } from './role.ts';
import { openPool } from './services.ts';

/** WeChat hangs up after 5 s (wechat.md §3); a statement of the inbox ends before. */
const keepWithinMs = 4_000;
const inboxConnections = 4;

/**
 * WeChat's pushes → inbox → payments. On the console's port, or on one of its own. Where no app has push keys it says so
 * once and refuses whatever comes.
 */
export const openPush: OpenRole = (context) =>
  openAll(context.log, async (opened) => {
    const { config, log, metrics, pool, apps, routes } = context;
    if (!hasPushKeys(apps))
      log.info(
        { setting: config.app.file === undefined ? 'WECHAT_PUSH_TOKEN' : 'FAHUO_APPS_FILE, member push' },
        'push.not_configured',
      );
    // Of its own: what other roles wait for must not hold up an answer.
    const inbox = await openPool(config, log, { max: inboxConnections, queryTimeoutMs: keepWithinMs });
    opened.add('inbox', inbox, (it) => it.end());
    const doorbell = createDoorbell();
    const receive = pushRoutes(
      {
        pool: inbox,
        log,
        metrics,
        clock: systemClock,
        doorbell,
        keysOf: (appid) => pushKeysOf(apps, appid),
      },
      { toleranceMs: config.push.toleranceS * 1_000, keepWithinMs },
    );
    const { host, port, publicHost, publicPort } = config.http;
    const run = (signal: AbortSignal): Promise<void> =>
      runApply({ pool, log, doorbell, heartbeats: metrics.heartbeats }, config.upload, signal);
    if (publicPort === undefined && routes !== null) {
      routes.push(receive);
      return { run };
    }
    const listen = publicPort === undefined ? { host, port } : { host: publicHost, port: publicPort };
    const server = opened.add('push server', await serve([receive], listen), (it) => it.stop());
    return { run, url: server.url };
  });
