import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { saveDoorSettings } from '../consumer/deployment-store.ts';
import type { Log } from '../log.ts';
import { createDoorbell } from '../loop.ts';
import { createMetrics } from '../metrics.ts';
import { openAll, type Opened } from '../opened.ts';
import { openAdopt } from './adopt.ts';
import { readApps } from './apps.ts';
import { adoptSettings } from '../adopt/settings.ts';
import { required, type Config } from './config.ts';
import { openConsole } from './console.ts';
import { openConsume } from './consume.ts';
import { databaseUrlOf } from './postgres.ts';
import { openReconcile } from './reconcile.ts';
import { openRelay } from './relay.ts';
import { openRetention } from './retention.ts';
import { runTogether, type Context, type OpenRole } from './role.ts';
import { ensureTopics, kafkaConnection, openAdmin, openPool } from './services.ts';
import { openUpload } from './upload.ts';

/** In the order in which they are opened: the console last, so that who asks it finds the others there. */
const openers = {
  relay: openRelay,
  consume: openConsume,
  upload: openUpload,
  adopt: openAdopt,
  reconcile: openReconcile,
  console: openConsole,
} satisfies Record<string, OpenRole>;
export type RoleName = keyof typeof openers;
export const roleNames = Object.keys(openers) as readonly RoleName[];

export type Running = {
  /** Of /metrics, /livez and /readyz; null without the role console. */
  url: string | null;
  /** Resolves when every role has stopped; rejects when one failed for good. */
  done: Promise<void>;
};

type Given = { config: Config; log: Log };

/**
 * Opens the roles and runs them until `signal` aborts; the one place that knows all of them. Whatever was opened is
 * closed when a start fails half-way, and when the roles have ended.
 */
export async function startRoles(
  given: Given,
  wanted: readonly RoleName[],
  signal: AbortSignal,
): Promise<Running> {
  const { roles, close } = await openAll(given.log, async (opened) => {
    const context = await openContext(given, { wanted, opened });
    return { roles: await openRoles(context, { wanted, opened }) };
  });
  const done = runTogether(
    roles.map((role) => role.run),
    signal,
  ).finally(close);
  done.catch(() => undefined); // whoever waits for it hears of it, now or later
  return { url: roles.find((role) => role.url !== undefined)?.url ?? null, done };
}

type Start = { wanted: readonly RoleName[]; opened: Opened };

async function openContext({ config, log }: Given, { wanted, opened }: Start): Promise<Context> {
  checkSettings(config, wanted);
  const pool = await openPool(config, log, { max: 12, keyLookups: true });
  opened.add('postgres', pool, (it) => it.end());
  const { carrierAliases } = config.consumer;
  await saveDoorSettings(pool, { carrierAliases, acknowledgements: config.upload.acknowledgements });
  const admin = opened.add('kafka admin', openAdmin(config, log), (it) => it.close());
  if (wanted.includes('relay') || wanted.includes('consume')) await ensureTopics(config, admin, log);
  return {
    config,
    log,
    metrics: createMetrics(config.database.queryTimeoutMs / 2),
    pool,
    admin,
    instance: `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`,
    doorbell: createDoorbell(),
  };
}

async function openRoles(context: Context, { wanted, opened }: Start) {
  const roles = [];
  for (const name of roleNames.filter((role) => wanted.includes(role)))
    roles.push(opened.add(name, await openers[name](context), (role) => role.close()));
  roles.push(opened.add('retention', await openRetention(context), (role) => role.close()));
  return roles;
}

/** What a role would fail on later is said before anything is opened. */
function checkSettings(config: Config, wanted: readonly RoleName[]): void {
  databaseUrlOf(config);
  kafkaConnection(config);
  if (wanted.includes('upload') || (wanted.includes('reconcile') && config.reconcile.enabled))
    readApps(config);
  if (wanted.every((role) => role === 'adopt')) required(config.adopt.file || undefined, adoptSettings.file);
}
