import { randomBytes } from 'node:crypto';
import { fastify } from 'fastify';
import { systemClock, type Clock } from '../clock.ts';
import { addAdminRoutes } from './admin-routes.ts';
import type { ParcelMode } from './payment.ts';
import { Apps } from './apps.ts';
import { isForeign } from './foreign.ts';
import { addPage } from './page/route.ts';
import { PushSender } from './push-sender.ts';
import type { PushTarget } from './push-target.ts';
import { Service } from './service.ts';
import { Tokens } from './tokens.ts';
import { Usage } from './usage.ts';
import { addWechatRoutes } from './wechat-routes.ts';
import { World } from './world.ts';

/** Every member has a default: an empty object is a WeChat that behaves. Times in milliseconds. */
export type SandboxOptions = {
  /** 0 takes any free port. */
  port?: number;
  host?: string;
  /** Replays the same faults for the same requests. */
  seed?: number;
  latencyMs?: number;
  /** A payment that is asked for exists, paid and visible. */
  autoCreatePayments?: boolean;
  parcelMode?: ParcelMode;
  readLagMs?: number;
  /** How long a day of WeChat's settlement clocks lasts. */
  dayMs?: number;
  tokenLifeMs?: number;
  tokenOverlapMs?: number;
  plainTokensPerDay?: number;
  /** Calls without a token are taken, as cloud hosting takes them: they are nobody's in particular. */
  tokenless?: boolean;
  /** Keeps one line an upload for `GET /_sandbox/requests`: memory grows with every request. */
  keepRequests?: boolean;
  /** appid → secret; without it every appid is an app, with the first secret that it names. */
  secrets?: Record<string, string>;
  /** Where the pushes of apps go; without any nothing is pushed. */
  pushTargets?: readonly PushTarget[];
};

export type Sandbox = { url: string; stop: () => Promise<void> };

const defaults = {
  port: 0,
  host: '127.0.0.1',
  seed: 0,
  latencyMs: 0,
  autoCreatePayments: false,
  parcelMode: 'merge' as ParcelMode,
  readLagMs: 0,
  dayMs: 86_400_000,
  tokenLifeMs: 7_200_000,
  tokenOverlapMs: 300_000,
  plainTokensPerDay: 2_000,
  tokenless: false,
  keepRequests: false,
};

const clocksEveryMs = 250;

const foreignPage =
  'the page that asks is not the sandbox’s own: open it by its address, localhost or 127.0.0.1';

/** A faithful WeChat in memory, for development and tests (wechat.md §7.19). Knows nothing of the product's client. */
export async function createSandbox(
  given: SandboxOptions = {},
  clock: Clock = systemClock,
): Promise<Sandbox> {
  const options = { ...defaults, ...given };
  const random = (): string => randomBytes(12).toString('hex');
  const { tokenLifeMs: lifeMs, tokenOverlapMs: overlapMs, plainTokensPerDay: plainPerDay } = options;
  const pushes = new PushSender({ clock, seed: options.seed }, options.pushTargets);
  const service = new Service({
    pushes,
    world: new World({
      parcelMode: options.parcelMode,
      readLagMs: options.readLagMs,
      autoCreatePayments: options.autoCreatePayments,
      dayMs: options.dayMs,
    }),
    tokens: new Tokens({ lifeMs, overlapMs, plainPerDay }, random),
    usage: new Usage(),
    clock,
    random,
    seed: options.seed,
    latencyMs: options.latencyMs,
    tokenless: options.tokenless,
    keepRequests: options.keepRequests,
    apps: new Apps(options.secrets),
  });
  const app = fastify({ bodyLimit: 1_048_576, forceCloseConnections: true, keepAliveTimeout: 60_000 });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  app.addHook('onRequest', async ({ headers: { origin, host } }, reply) => {
    if (isForeign({ origin, host })) await reply.status(403).send({ error: foreignPage });
  });
  addWechatRoutes(app, service);
  addAdminRoutes(app, service);
  addPage(app, service);
  const url = await app.listen({ port: options.port, host: options.host });
  // Reads move a payment's clocks on when they look; who is pushed to hears of what nobody reads.
  const clocks = setInterval(() => {
    if (pushes.isHeard) service.world.advanceAll(service.nowMs());
  }, clocksEveryMs).unref();
  return {
    url,
    stop: async () => {
      clearInterval(clocks);
      await pushes.stop();
      await app.close();
    },
  };
}
