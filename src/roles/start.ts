import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { saveDoorSettings } from '../consumer/deployment-store.ts';
import type { Log } from '../log.ts';
import { createDoorbell } from '../loop.ts';
import { createMetrics } from '../metrics.ts';
import { openAll, type Opened } from '../opened.ts';
import { createAppSet } from '../apps/app-set.ts';
import { readApps, readPushedApps, type App } from './apps.ts';
import { adoptSettings } from '../adopt/settings.ts';
import { webhookSettings } from '../webhook/settings.ts';
import { required, type Config } from './config.ts';
import { databaseUrlOf } from './postgres.ts';
import { keepApps, type Reload } from './reload.ts';
import { runTogether, watchEnds, type Context, type OpenRole, type Role } from './role.ts';
import { ensureTopics, kafkaConnection, openAdmin, openPool } from './services.ts';

/**
 * In the order in which they are opened: the console last, so that who asks it finds the others there. A process loads
 * the roles that it runs.
 */
const openers = {
  relay: async (context) => (await import('./relay.ts')).openRelay(context),
  consume: async (context) => (await import('./consume.ts')).openConsume(context),
  upload: async (context) => (await import('./upload.ts')).openUpload(context),
  adopt: async (context) => (await import('./adopt.ts')).openAdopt(context),
  push: async (context) => (await import('./push.ts')).openPush(context),
  webhook: async (context) => (await import('./webhook.ts')).openWebhook(context),
  reconcile: async (context) => (await import('./reconcile.ts')).openReconcile(context),
  console: async (context) => (await import('./console.ts')).openConsole(context),
} satisfies Record<string, OpenRole>;
export type RoleName = keyof typeof openers;
export const roleNames = Object.keys(openers) as readonly RoleName[];

export type Running = {
  /** Of /metrics, /livez and /readyz; null without the role console. */
  url: string | null;
  /** Of /wechat/push where it has a port of its own; null elsewhere. */
  pushUrl: string | null;
  /** Resolves when every role has stopped; rejects when one failed for good. */
  done: Promise<void>;
};

type Given = {
  config: Config;
  log: Log;
  /** Without it the apps stay those of the start. */
  reload?: Reload;
  /** Called, after a line of the log, when a role has not ended long after the stop. */
  onLate?: () => void;
};

/**
 * Opens the roles and runs them until `signal` aborts; the one place that knows all of them. Whatever was opened is
 * closed when a start fails half-way, and when the roles have ended.
 */
export async function startRoles(
  given: Given,
  wanted: readonly RoleName[],
  signal: AbortSignal,
): Promise<Running> {
  const { roles, context, close } = await openAll(given.log, async (opened) => {
    const context = await openContext(given, { wanted, opened });
    return { context, roles: await openRoles(context, { wanted, opened }) };
  });
  const { reload } = given;
  const lateMs = given.config.timing.drainMs + roomMs;
  const works = [
    ...watchEnds(roles, lateMs, (late) => {
      given.log.fatal({ roles: late, after_ms: lateMs }, 'roles.not_ended');
      given.onLate?.();
    }),
    ...(reload === undefined || !(hasApps(given.config, wanted) || context.onReload.length > 0)
      ? []
      : [follow(context, wanted, reload)]),
  ];
  const done = runTogether(works, signal).finally(close);
  done.catch(() => undefined); // whoever waits for it hears of it, now or later
  const urlOf = (name: RoleName): string | null => roles.find((role) => role.name === name)?.url ?? null;
  return { url: urlOf('console'), pushUrl: urlOf('push'), done };
}

/** The apps as the configuration has them at each ring; roles with secrets of their own are told as well. */
const follow =
  (context: Context, wanted: readonly RoleName[], { bell, read }: Reload) =>
  (signal: AbortSignal): Promise<void> =>
    keepApps(
      context,
      {
        bell,
        read: () => {
          const config = read();
          const apps = appsOf(config, wanted); // where these are wrong, nobody is told anything
          for (const tell of context.onReload) tell(config);
          return apps;
        },
      },
      signal,
    );

/** Beside what a stop waits for calls under way. */
const roomMs = 20_000;

type Start = { wanted: readonly RoleName[]; opened: Opened };

async function openContext({ config, log }: Given, { wanted, opened }: Start): Promise<Context> {
  checkSettings(config, wanted);
  const pool = await openPool(config, log, { max: 12, keyLookups: true });
  opened.add('postgres', pool, (it) => it.end());
  const { carrierAliases } = config.consumer;
  await saveDoorSettings(pool, { carrierAliases, acknowledgements: config.upload.acknowledgements });
  const admin = opened.add('kafka admin', openAdmin(config, log), (it) => it.close());
  if (wanted.includes('relay') || wanted.includes('consume') || posts(config, wanted))
    await ensureTopics(config, admin, log);
  return {
    config,
    log,
    metrics: createMetrics(config.database.queryTimeoutMs / 2),
    pool,
    admin,
    apps: createAppSet(appsOf(config, wanted)),
    instance: `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`,
    doorbell: createDoorbell(),
    routes: wanted.includes('console') ? [] : null,
    onReload: [],
  };
}

async function openRoles(context: Context, { wanted, opened }: Start) {
  const roles: (Role & { name: RoleName | 'retention' })[] = [];
  for (const name of roleNames.filter((role) => wanted.includes(role)))
    roles.push({ name, ...opened.add(name, await openers[name](context), (role) => role.close()) });
  const { openRetention } = await import('./retention.ts');
  const retention = opened.add('retention', await openRetention(context), (role) => role.close());
  return [...roles, { name: 'retention' as const, ...retention }];
}

const callsWechat = ({ reconcile }: Config, wanted: readonly RoleName[]): boolean =>
  wanted.includes('upload') || (wanted.includes('reconcile') && reconcile.enabled);

const hasApps = (config: Config, wanted: readonly RoleName[]): boolean =>
  callsWechat(config, wanted) || wanted.includes('push');

/** Of the roles that call WeChat, or are called by it. */
function appsOf(config: Config, wanted: readonly RoleName[]): App[] {
  if (callsWechat(config, wanted)) return readApps(config);
  return wanted.includes('push') ? readPushedApps(config) : [];
}

const posts = ({ webhook }: Config, wanted: readonly RoleName[]): boolean =>
  wanted.includes('webhook') && webhook.url !== undefined;

/** What a role would fail on later is said before anything is opened. */
function checkSettings(config: Config, wanted: readonly RoleName[]): void {
  databaseUrlOf(config);
  kafkaConnection(config);
  appsOf(config, wanted);
  if (wanted.every((role) => role === 'adopt')) required(config.adopt.file || undefined, adoptSettings.file);
  if (wanted.every((role) => role === 'webhook')) required(config.webhook.url, webhookSettings.url);
}
