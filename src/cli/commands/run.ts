import type { Command } from 'commander';
import { readApps } from '../../roles/apps.ts';
import { readConfig, required, type Config } from '../../roles/config.ts';
import { openLog } from '../../roles/services.ts';
import { databaseSettings } from '../../roles/settings.ts';
import { roleNames, startRoles, type RoleName } from '../../roles/start.ts';
import { table } from '../../table.ts';
import { webhookSettings } from '../../webhook/settings.ts';
import { answer, exitCodes, hangUpBell, stopSignal, unknownWord } from '../output.ts';
import { version } from '../version.ts';

const examples = `
Examples:
  $ fahuo run
  $ fahuo run --roles relay
  $ fahuo run --roles consume,upload`;

export function addRun(program: Command): void {
  program
    .command('run')
    .description('run the roles until SIGTERM or Ctrl-C; as many instances as you like')
    .option('--roles <list>', `some of ${roleNames.join(',')}`, roleNames.join(','))
    .option('--json', 'answer in JSON')
    .addHelpText('after', examples)
    .action(async (flags: { roles: string; json?: boolean }, command: Command) => {
      const wanted = parseRoles(flags.roles);
      const config = readConfig();
      if (command.getOptionValueSource('roles') === 'cli' && wanted.includes('webhook'))
        required(config.webhook.url, webhookSettings.url);
      const log = openLog(config);
      log.info({ roles: wanted, settings: config.shown }, 'fahuo.starting');
      const reload = { bell: hangUpBell(), read: () => readConfig() };
      // Nothing is in doubt at any instant, and a process that does nothing would keep a service manager from a new one.
      const onLate = (): void => process.exit(exitCodes.failed);
      const { url, pushUrl, done } = await startRoles({ config, log, reload, onLate }, wanted, stopSignal());
      answer(flags.json, { started: true, roles: wanted, http: url, push: pushUrl }, () =>
        describeStart(config, { wanted, url, pushUrl }),
      );
      await done;
      log.info('fahuo.stopped');
    });
}

function parseRoles(text: string): RoleName[] {
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !roleNames.some((role) => role === name));
  if (unknown !== undefined) throw unknownWord('--roles:', unknown, roleNames);
  return names as RoleName[];
}

/** What runs now and where; secrets are no part of it. */
export function describeStart(
  config: Config,
  {
    wanted,
    url,
    pushUrl = null,
  }: { wanted: readonly RoleName[]; url: string | null; pushUrl?: string | null },
): string {
  const { kafka, database, consumer } = config;
  const apps = wanted.includes('upload') ? readApps(config).map(({ appid }) => appid) : [];
  const pushed = pushUrl ?? (receivesPushes(config, wanted) ? url : null);
  const rows = [
    ['  roles', wanted.join(', ')],
    ['  database', placeOf(required(database.url, databaseSettings.url))],
    ['  topic', `${kafka.topic} at ${kafka.brokers?.join(',') ?? ''}, group ${consumer.group}`],
    ...(apps.length === 0 ? [] : [['  apps', `${apps.join(', ')} at ${config.wechat.baseUrl}`]]),
    ...(url === null
      ? []
      : [
          ['  metrics', `${url}/metrics`],
          ['  health', `${url}/readyz`],
        ]),
    ...webhookRows(config, wanted),
    ...(pushed === null ? [] : [['  push', `${pushed}/wechat/push/APPID`]]),
  ];
  return [`fahuo ${version} runs. Ctrl-C ends it.`, table(rows)].join('\n');
}

const webhookRows = ({ webhook }: Config, wanted: readonly RoleName[]): string[][] =>
  wanted.includes('webhook') && webhook.url !== undefined ? [['  webhook', new URL(webhook.url).origin]] : [];

const receivesPushes = ({ app, push }: Config, wanted: readonly RoleName[]): boolean =>
  wanted.includes('push') && (app.file !== undefined || push.token !== undefined);

/** Without login and password. */
function placeOf(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}
