import type { Command } from 'commander';
import { createPool } from '../../../db/client.ts';
import { describeConfig, readApps, readConfig, required, type Config } from '../../config.ts';
import { prefetchedIds } from '../../console/doctor-store.ts';
import { FahuoError, messageOf, topicMissing } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { answer, exitCodes, table } from '../output.ts';
import { openAdmin, openLog, openPool, topicsOf } from '../services.ts';
import { createClient, openRedis } from '../wire.ts';
import { uploadPath } from '../../wechat/client.ts';

type Check = { check: string; ok: boolean; detail: string };

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('check settings, Postgres, Kafka, Redis and WeChat, and say what to do')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo doctor')
    .action(async ({ json }: { json?: boolean }) => {
      const config = readConfig();
      const log = openLog(config);
      const checks = [
        ...(await checkDatabase(config, log)),
        ...(await checkKafka(config, log)),
        ...(await checkRedis(config, log)),
        ...(await checkWechat(config, log)),
      ];
      if (checks.some((check) => !check.ok)) process.exitCode = exitCodes.failed;
      answer(json, { settings: describeConfig(config), checks }, () =>
        table(checks.map(({ check, ok, detail }) => [ok ? 'ok' : 'FAILED', check, detail])),
      );
    });
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

async function checkDatabase(config: Config, log: Log): Promise<Check[]> {
  const reached = await examine('postgres', async () => {
    const pool = await openPool(config, log, { max: 1 });
    await pool.end();
    return 'reached, schema fahuo is there';
  });
  if (!reached.ok) return [reached];
  const sequence = await examine('outbox ids', async () => {
    const pool = await openPool(config, log, { max: 1 });
    const cached = await prefetchedIds(pool).finally(() => pool.end());
    if (cached > 1)
      throw new FahuoError(
        'INVARIANT',
        `fahuo.outbox_id_seq has CACHE ${cached}: the relay would lose rows`,
        {
          remedy: 'Run `alter sequence fahuo.outbox_id_seq cache 1`.',
        },
      );
    return 'drawn inside the insert, one by one';
  });
  return [reached, sequence];
}

async function checkKafka(config: Config, log: Log): Promise<Check[]> {
  if (config.kafkaBrokers.length === 0)
    return [{ check: 'kafka', ok: false, detail: 'KAFKA_BROKERS is not set.' }];
  const admin = openAdmin(config, log);
  const checks: Check[] = [];
  for (const topic of Object.values(topicsOf(config)))
    checks.push(
      await examine(`topic ${topic}`, async () => {
        const count = await admin.partitionCount(topic);
        if (count === null) throw topicMissing(topic);
        return `${count} partitions`;
      }),
    );
  await admin.close().catch(() => undefined);
  return checks;
}

async function checkRedis(config: Config, log: Log): Promise<Check[]> {
  const redis = openRedis(config, log);
  if (redis === null) return [{ check: 'redis', ok: true, detail: 'not set: Postgres does its work' }];
  const check = await examine('redis', () => redis.ping());
  redis.disconnect();
  return [check];
}

/** Asks for a token and the quota: nothing that a buyer sees. */
async function checkWechat(config: Config, log: Log): Promise<Check[]> {
  const checks: Check[] = [];
  const apps = await examine('apps', () => Promise.resolve(`${readApps(config).length} configured`));
  if (!apps.ok) return [apps];
  const pool = createPool({
    databaseUrl: required(config, 'databaseUrl'),
    max: 1,
    applicationName: 'fahuo-doctor',
    onError: () => undefined,
  });
  const wechat = createClient({ config, apps: readApps(config), pool, redis: null, log });
  for (const { appid } of readApps(config))
    checks.push(
      await examine(`wechat ${appid}`, async () => {
        const asked = await wechat.getQuota(appid, uploadPath);
        if (asked.kind === 'quota') return `${asked.remain} of ${asked.dailyLimit} uploads left today`;
        const { errcode, errmsg, failure } = asked.answer;
        throw new FahuoError('CONFIG_INVALID', `${errcode ?? failure ?? ''} ${errmsg ?? ''}`, {
          remedy: 'See the code in docs/operations.md.',
        });
      }),
    );
  await wechat.close();
  await pool.end();
  return [apps, ...checks];
}
