import type { Redis } from 'ioredis';
import type { Pool } from '../../../db/client.ts';
import { createAppSet } from '../../apps/app-set.ts';
import { readPauses } from '../../apps/pause-store.ts';
import { readNotServed, readUnreachable } from '../../apps/serving-store.ts';
import { readApps, type App } from '../../roles/apps.ts';
import { systemClock } from '../../clock.ts';
import { openRedis, reachRedis } from '../../roles/redis.ts';
import { createClient } from '../../roles/shared-state.ts';
import type { Answer } from '../../wechat/answer.ts';
import { uploadPath, type WechatClient } from '../../wechat/client.ts';
import { createHttp } from '../../wechat/http.ts';
import { fetchToken } from '../../wechat/token-fetch.ts';
import { nameOfServer, type TokenServer } from '../../wechat/token-origin.ts';
import { askTokenServer } from '../../wechat/token-server.ts';
import { examine, finding, type Check, type Doctor } from './check.ts';

export async function checkRedis({
  config,
  log,
  opened,
}: Doctor): Promise<{ redis: Redis | null; checks: Check[] }> {
  const redis = opened.add('redis', openRedis(config, log), (it) => it?.disconnect());
  if (redis === null)
    return { redis, checks: [{ check: 'redis', ok: true, detail: 'not set: Postgres does its work' }] };
  return { redis, checks: [await examine('redis', () => reachRedis(redis, config).then(() => 'answers'))] };
}

function openClient(
  { config, log, opened }: Doctor,
  { pool, redis, apps }: { pool: Pool; redis: Redis | null; apps: readonly App[] },
): WechatClient {
  const client = createClient({ config, apps: createAppSet(apps), pool, redis, log });
  return opened.add('wechat', client, (it) => it.close());
}

/** Where the instances keep their tokens: doctor shares them, and takes none away. */
type Stores = { pool: Pool | null; redis: Redis | null };

/** Asks for a token and the quota: nothing that a buyer sees. */
export async function checkApps(doctor: Doctor, { pool, redis }: Stores): Promise<Check[]> {
  let apps: App[] = [];
  const configured = await examine('apps', () => {
    apps = readApps(doctor.config);
    return Promise.resolve(`${apps.length} configured`);
  });
  const checks = [configured];
  if (pool !== null) checks.push(await examine('apps not served', () => checkNotServed(pool, apps)));
  const wechat = pool === null ? null : openClient(doctor, { pool, redis, apps });
  for (const app of apps) {
    checks.push(await examine(`token ${app.appid}`, () => checkToken(doctor, app)));
    if (pool === null || wechat === null) continue;
    checks.push(await examine(`pauses ${app.appid}`, () => checkPauses(pool, app)));
    checks.push(await examine(`sends ${app.appid}`, () => checkReach(pool, app)));
    checks.push(await examine(`quota ${app.appid}`, () => checkQuota(wechat, app)));
    checks.push(await examine(`managed ${app.appid}`, () => checkManaged(wechat, app)));
  }
  return checks;
}

/**
 * Past the cache of tokens, which would hide a secret that was changed since. stable_token gives the fleet's own token
 * again; /cgi-bin/token would take it away, so an app that uses it is not asked.
 */
async function checkToken({ config, opened }: Doctor, { appid, token }: App): Promise<string> {
  const { baseUrl, callTimeoutMs } = config.wechat;
  if (token.mode === 'plain') return 'not asked: a new token would end the one in use';
  if (token.mode === 'none') return 'none is sent';
  if (token.mode === 'external') return askServer(token.from, callTimeoutMs);
  const { secret } = token;
  const http = opened.add('http', createHttp({ baseUrl, connections: 1 }), (it) => it.close());
  const fetched = await fetchToken(http, { appid, secret, mode: 'stable', timeoutMs: callTimeoutMs });
  if (fetched.kind === 'refused') throw refusal('a token', fetched.answer);
  return 'WeChat gives one for the secret';
}

async function askServer(server: TokenServer, timeoutMs: number): Promise<string> {
  const fetched = await askTokenServer({ server, timeoutMs, clock: systemClock });
  if (fetched.kind === 'fetched') return `${nameOfServer(server)} gives one`;
  const { errcode, errmsg } = fetched.answer;
  throw finding(
    `no token: ${errcode === null ? '' : `${nameOfServer(server)} answers ${errcode} `}${errmsg ?? ''}`.trimEnd(),
    'Ask the server, or run the command, by hand from this host and as this user.',
  );
}

/** Apps that this configuration names are served as soon as an instance runs. */
async function checkNotServed(db: Pool, apps: readonly App[]): Promise<string> {
  const others = (await readNotServed(db)).filter(({ appid }) => apps.every((app) => app.appid !== appid));
  if (others.length === 0) return 'none has events that wait';
  throw finding(
    `events wait for apps that no instance serves: ${others.map(({ appid, rows }) => `${appid} (${rows})`).join(', ')}`,
    'Add the app to FAHUO_APPS_FILE, or correct the appid where events are written; `fahuo retire APPID` ends them.',
  );
}

/** What the instances that run say of themselves. */
async function checkReach(db: Pool, { appid }: App): Promise<string> {
  const [away] = (await readUnreachable(db)).filter((one) => one.appid === appid);
  if (away === undefined) return 'no instance says that its sends fail';
  throw finding(
    `sends fail since ${away.since.toISOString()} on ${away.instance}: ${away.reason}`,
    'Check that the host of that instance reaches WECHAT_BASE_URL (proxy, firewall, DNS), and the secret.',
  );
}

async function checkPauses(db: Pool, { appid }: App): Promise<string> {
  const [pause] = (await readPauses(db)).filter((one) => one.appid === appid);
  if (pause === undefined) return 'none';
  const { endpoint, errcode, reason, pausedAt, resumeAt } = pause;
  const what = endpoint === '*' ? 'the app' : `its calls of kind ${endpoint}`;
  throw finding(
    `${what} is paused since ${pausedAt.toISOString()} (${errcode ?? 'by hand'}): ${reason}`,
    resumeAt === null
      ? `Mend the cause, then run \`fahuo resume ${appid}\`.`
      : `It ends by itself at ${resumeAt.toISOString()}, or run \`fahuo resume ${appid}\`.`,
  );
}

/** With the token of the instances, under their lock, as the next one. */
async function checkQuota(wechat: WechatClient, { appid }: App): Promise<string> {
  const asked = await wechat.getQuota(appid, uploadPath);
  if (asked.kind !== 'quota') throw refusal('the quota', asked.answer);
  return `${asked.remain} of ${asked.dailyLimit} uploads left today`;
}

/** Without shipping management nothing can be uploaded; what is not confirmed yet is said, and stops nothing. */
async function checkManaged(wechat: WechatClient, { appid }: App): Promise<string> {
  const managed = await wechat.isTradeManaged(appid);
  if (managed.kind !== 'flag') throw refusal('whether the app is under shipping management', managed.answer);
  if (!managed.value)
    throw finding(
      'shipping management is not enabled for the app: every upload answers 48001',
      "Enable it in the mini-program's console, under order management.",
    );
  const completed = await wechat.isConfirmationCompleted(appid);
  if (completed.kind !== 'flag') throw refusal('whether merchant numbers are confirmed', completed.answer);
  return completed.value
    ? 'under shipping management, its merchant numbers confirmed: every payment of theirs must be shipped here'
    : 'under shipping management; not all of its merchant numbers are authorised or unbound: finish that in the console';
}

function refusal(wanted: string, { errcode, errmsg, failure }: Answer) {
  if (errcode !== null)
    return finding(
      `WeChat refuses ${wanted}: ${errcode} ${errmsg ?? ''}`.trimEnd(),
      'docs/wechat.md has what the code means.',
    );
  return finding(
    `WeChat does not answer (${failure ?? 'no body that could be read'})`,
    'Check WECHAT_BASE_URL, and that this host reaches it (proxy, firewall, DNS).',
  );
}
