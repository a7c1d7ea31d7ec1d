import type { Command } from 'commander';
import { whileOpen } from '../../opened.ts';
import { readConfig, type Config } from '../../roles/config.ts';
import { openLog } from '../../roles/services.ts';
import { table } from '../../table.ts';
import { checkAdopt } from '../doctor/adopt.ts';
import { checkApps, checkRedis } from '../doctor/apps.ts';
import type { Check, Doctor } from '../doctor/check.ts';
import { checkDatabase } from '../doctor/database.ts';
import { checkKafka } from '../doctor/kafka.ts';
import { answer, exitCodes } from '../output.ts';

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('check settings, Postgres, Kafka, Redis and WeChat, and say what to do')
    .option('--json', 'answer in JSON')
    .addHelpText('after', '\nExample:\n  $ fahuo doctor')
    .action(async ({ json }: { json?: boolean }) => {
      const config = readConfig();
      const log = openLog(config);
      const checks = await whileOpen(log, (opened) => examineAll({ config, log, opened }));
      if (checks.some((check) => !check.ok)) process.exitCode = exitCodes.failed;
      answer(json, { settings: config.shown, checks }, () =>
        [...settingLines(config), '', table(checks.map(checkRow))].join('\n'),
      );
    });
}

const checkRow = ({ check, ok, detail }: Check): string[] => [ok ? 'ok' : 'FAILED', check, detail];

/** What was read, so that a setting that did not arrive shows. */
function settingLines({ shown, given }: Config): string[] {
  const set = table(given.map((name) => [`  ${name}`, shown[name] ?? '']));
  const others = Object.keys(shown).length - given.length;
  return ['settings that were read', ...(set === '' ? [] : [set]), `  and ${others} at their defaults`];
}

async function examineAll(doctor: Doctor): Promise<Check[]> {
  const database = await checkDatabase(doctor);
  const kafka = await checkKafka(doctor, database.pool);
  const redis = await checkRedis(doctor);
  const apps = await checkApps(doctor, { pool: database.pool, redis: redis.redis });
  const adopt = await checkAdopt(doctor, database.pool);
  return [...database.checks, ...kafka, ...redis.checks, ...apps, ...adopt];
}
