import type { Command } from 'commander';
import type { Pool } from '../../../db/client.ts';
import { describeConfig, readApps, readConfig, type App, type Config } from '../../roles/config.ts';
import { missingRights, prefetchedIds } from '../../console/doctor-store.ts';
import { FahuoError, messageOf, topicMissing } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { Opened } from '../../opened.ts';
import { checkOutbox } from '../../relay/health.ts';
import { hasDefaultRows, partitionIds, readPartitions } from '../../relay/partitions/store.ts';
import { missingPartitions } from '../../relay/partitions/decide.ts';
import { readLastId } from '../../relay/snapshot-store.ts';
import { readNotServed, readUnreachable } from '../../apps/serving-store.ts';
import { readPauses } from '../../apps/pause-store.ts';
import type { Answer } from '../../wechat/answer.ts';
import { uploadPath } from '../../wechat/client.ts';
import { createHttp } from '../../wechat/http.ts';
import { fetchToken } from '../../wechat/token-fetch.ts';
import { answer, exitCodes, table } from '../output.ts';
import { openAdmin, openLog, openPool, topicsOf } from '../../roles/services.ts';
import { createClient, openRedis } from '../../roles/start.ts';

type Check = { check: string; ok: boolean; detail: string };
type Doctor = { config: Config; log: Log; opened: Opened };

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('check settings, Postgres, Kafka, Redis and WeChat, and say what to do')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo doctor')
    .action(async ({ json }: { json?: boolean }) => {
      const config = readConfig();
      const log = openLog(config);
      const opened = new Opened(log);
      try {
        const checks = await examineAll({ config, log, opened });
        if (checks.some((check) => !check.ok)) process.exitCode = exitCodes.failed;
        answer(json, { settings: describeConfig(config), checks }, () =>
          table(checks.map(({ check, ok, detail }) => [ok ? 'ok' : 'FAILED', check, detail])),
        );
      } finally {
        await opened.close();
      }
    });
}

async function examineAll(doctor: Doctor): Promise<Check[]> {
  const { pool, checks } = await checkDatabase(doctor);
  return [
    ...checks,
    ...(await checkKafka(doctor)),
    ...(await checkRedis(doctor)),
    ...(await checkApps(doctor, pool)),
  ];
}

/** Runs one check; what it throws is its finding. */
async function examine(check: string, work: () => Promise<string>): Promise<Check> {
  try {
    return { check, ok: true, detail: await work() };
  } catch (error) {
    const remedy = error instanceof FahuoError ? ` ${error.remedy}` : '';
    return { check, ok: false, detail: `${messageOf(error)}.${remedy}` };
  }
}

const finding = (message: string, remedy: string): FahuoError =>
  new FahuoError('CHECK_FAILED', message, { remedy });

async function checkDatabase({
  config,
  log,
  opened,
}: Doctor): Promise<{ pool: Pool | null; checks: Check[] }> {
  let pool: Pool | null = null;
  const reached = await examine('postgres', async () => {
    pool = opened.add('postgres', await openPool(config, log, { max: 2 }), (it) => it.end());
    return 'reached, schema fahuo is there';
  });
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- set by the check
  if (pool === null) return { pool, checks: [reached] };
  const db: Pool = pool;
  const checks = [
    await examine('rights', () => checkRights(db)),
    await examine('outbox ids', () => checkSequence(db)),
    await examine('outbox partitions', () => checkPartitions(db)),
  ];
  return { pool, checks: [reached, ...checks, ...(await checkRelay(db))] };
}

async function checkRelay(db: Pool): Promise<Check[]> {
  try {
    return (await checkOutbox(db, 0)).map(({ check, problem }) => ({
      check,
      ok: problem === null,
      detail: problem === null ? 'sound' : `${problem.what}. ${problem.remedy}`,
    }));
  } catch (error) {
    return [{ check: 'outbox', ok: false, detail: messageOf(error) }];
  }
}

async function checkRights(db: Pool): Promise<string> {
  const missing = await missingRights(db);
  if (missing.length === 0) return 'this login may do what `fahuo run` does';
  const shown = `${missing.slice(0, 3).join(', ')}${missing.length > 3 ? ` and ${missing.length - 3} more` : ''}`;
  throw finding(
    `this login lacks ${shown}`,
    'Run `grant fahuo_service to LOGIN` as the owner of the schema.',
  );
}

async function checkSequence(db: Pool): Promise<string> {
  const cached = await prefetchedIds(db);
  if (cached > 1)
    throw finding(
      `fahuo.outbox_id_seq has CACHE ${cached}: the relay would lose rows`,
      'Run `alter sequence fahuo.outbox_id_seq cache 1`.',
    );
  return 'drawn inside the insert, one by one';
}

/** The relay makes two ahead; one is missing for some seconds after a jump of the sequence, and never the very next. */
async function checkPartitions(db: Pool): Promise<string> {
  const lastId = await readLastId(db);
  const next = missingPartitions(await readPartitions(db), lastId).find(
    ({ from }) => from <= lastId + partitionIds,
  );
  if (next !== undefined)
    throw finding(
      `${next.name} is not made: its rows would go to the default partition`,
      'Run the role relay; its log line outbox.partition_not_made says what stops it.',
    );
  if (await hasDefaultRows(db))
    throw finding(
      'rows stand in the default partition',
      'See docs/operations.md, "Rows in the default partition".',
    );
  return 'made ahead';
}

async function checkKafka({ config, log, opened }: Doctor): Promise<Check[]> {
  if (config.kafkaBrokers.length === 0)
    return [
      { check: 'kafka', ok: false, detail: 'KAFKA_BROKERS is not set. Set it to host:port of the brokers.' },
    ];
  const admin = opened.add('kafka admin', openAdmin(config, log), (it) => it.close());
  const checks: Check[] = [];
  for (const topic of Object.values(topicsOf(config)))
    checks.push(
      await examine(`topic ${topic}`, async () => {
        const count = await admin.partitionCount(topic);
        if (count === null) throw topicMissing(topic);
        return `${count} partitions`;
      }),
    );
  return checks;
}

async function checkRedis({ config, log, opened }: Doctor): Promise<Check[]> {
  const redis = openRedis(config, log);
  if (redis === null) return [{ check: 'redis', ok: true, detail: 'not set: Postgres does its work' }];
  opened.add('redis', redis, (it) => it.disconnect());
  return [await examine('redis', () => redis.ping())];
}

/** Asks for a token and the quota: nothing that a buyer sees. */
async function checkApps(doctor: Doctor, pool: Pool | null): Promise<Check[]> {
  let apps: App[] = [];
  const configured = await examine('apps', () => {
    apps = readApps(doctor.config);
    return Promise.resolve(`${apps.length} configured`);
  });
  const checks = [configured];
  if (pool !== null) checks.push(await examine('apps not served', () => checkNotServed(pool, apps)));
  for (const app of apps) {
    checks.push(await examine(`secret ${app.appid}`, () => checkSecret(doctor, app)));
    if (pool === null) continue;
    checks.push(await examine(`pauses ${app.appid}`, () => checkPauses(pool, app)));
    checks.push(await examine(`sends ${app.appid}`, () => checkReach(pool, app)));
    checks.push(await examine(`quota ${app.appid}`, () => checkQuota(doctor, pool, app)));
  }
  return checks;
}

/**
 * Past the cache of tokens, which would hide a secret that was changed since. stable_token gives the fleet's own token
 * again; /cgi-bin/token would take it away, so a deployment that uses it is not asked.
 */
async function checkSecret({ config, opened }: Doctor, { appid, secret }: App): Promise<string> {
  if (config.tokenMode === 'plain') return 'not asked: a new token would end the one in use';
  const http = opened.add('http', createHttp({ baseUrl: config.wechatBaseUrl, connections: 1 }), (it) =>
    it.close(),
  );
  const fetched = await fetchToken(http, { appid, secret, mode: 'stable', timeoutMs: config.callTimeoutMs });
  if (fetched.kind === 'refused') throw refusal('a token', fetched.answer);
  return 'WeChat gives a token for it';
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

async function checkQuota({ config, log, opened }: Doctor, pool: Pool, app: App): Promise<string> {
  const wechat = opened.add('wechat', createClient({ config, apps: [app], pool, redis: null, log }), (it) =>
    it.close(),
  );
  const asked = await wechat.getQuota(app.appid, uploadPath);
  if (asked.kind !== 'quota') throw refusal('the quota', asked.answer);
  return `${asked.remain} of ${asked.dailyLimit} uploads left today`;
}

function refusal(wanted: string, { errcode, errmsg, failure }: Answer): FahuoError {
  if (errcode !== null)
    return finding(
      `WeChat refuses ${wanted}: ${errcode} ${errmsg ?? ''}`.trimEnd(),
      'See the code in docs/operations.md.',
    );
  return finding(
    `WeChat does not answer (${failure ?? 'no body that could be read'})`,
    'Check WECHAT_BASE_URL, and that this host reaches it (proxy, firewall, DNS).',
  );
}
