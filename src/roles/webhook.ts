import { systemClock, systemRandom } from '../clock.ts';
import { openAll } from '../opened.ts';
import { defaultProbe } from '../webhook/decide.ts';
import { createPost } from '../webhook/post.ts';
import { runWebhook } from '../webhook/run.ts';
import { webhookSettings } from '../webhook/settings.ts';
import { fingerprintOf, keysIn } from '../webhook/sign.ts';
import { saveEndpoint } from '../webhook/store.ts';
import { required, type Config } from './config.ts';
import { opensNothing, type OpenRole } from './role.ts';
import { kafkaConnection, topicsOf, webhookGroupOf } from './services.ts';

/** The ack topic → the shop's own address; does nothing where none is set. */
export const openWebhook: OpenRole = (context) => {
  const { config, log, metrics, pool, instance } = context;
  const { url, timeoutMs, window, giveUpMs } = config.webhook;
  if (url === undefined) return opensNothing(() => Promise.resolve());
  return openAll(log, async (opened) => {
    let keys = keysOf(config);
    context.onReload.push((fresh) => void (keys = keysOf(fresh)));
    const { origin } = new URL(url);
    const fingerprint = fingerprintOf(url, keys);
    if (await saveEndpoint(pool, { origin, fingerprint })) log.info({ origin }, 'webhook.endpoint_set');
    const post = opened.add('webhook sockets', createPost({ url, timeoutMs, connections: window }), (it) =>
      it.close(),
    );
    const connection = kafkaConnection(config);
    const deps = {
      ...{ pool, connection, log, metrics, post: post.post },
      ...{ nowMs: () => systemClock().getTime(), random: systemRandom },
    };
    const options = {
      ...{ instance, fingerprint, window, timeoutMs, giveUpMs, probe: defaultProbe },
      group: webhookGroupOf(config),
      topic: topicsOf(config).acks,
      sessionTimeoutMs: config.consumer.sessionTimeoutMs,
      drainMs: config.timing.drainMs,
      keys: () => keys,
    };
    return { run: (signal: AbortSignal) => runWebhook(deps, options, signal) };
  });
};

const keysOf = ({ webhook }: Config): Buffer[] => keysIn(required(webhook.secret, webhookSettings.secret));
