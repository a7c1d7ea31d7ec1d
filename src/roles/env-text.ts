import { appSettings } from '../apps/settings.ts';
import { kafkaSettings } from '../kafka/settings.ts';
import type { Setting, Settings } from '../setting.ts';
import { groups } from './config.ts';
import { databaseSettings } from './settings.ts';

export const titles: Readonly<Record<keyof typeof groups, string>> = {
  database: 'Postgres',
  kafka: 'Kafka',
  app: 'Apps',
  wechat: 'WeChat',
  redis: 'Redis',
  adopt: 'Adopt: an order database that a shop has',
  push: 'Message push',
  relay: 'Relay',
  consumer: 'Consumer',
  upload: 'Uploads',
  timing: 'Waits of an upload',
  reconcile: 'Reconcile',
  receipt: 'When buyers have the goods',
  webhook: 'Webhook',
  retention: 'Retention',
  http: 'HTTP',
  log: 'Log',
};

/** What `fahuo run` does not start without. */
const needed: readonly Setting[] = [
  databaseSettings.url,
  kafkaSettings.brokers,
  appSettings.appid,
  appSettings.secret,
];
export const neededNames: readonly string[] = needed.map(({ name }) => name);

/** What `fahuo init` writes, and `.env.example`: what is needed to be filled in, the rest with its default. */
export const envText = (): string =>
  [
    '# Settings of fahuo. Empty means unset, and a variable of the environment wins over this file.\n',
    ...Object.entries(groups).map(([group, settings]: [string, Settings]) =>
      [`# ---- ${titles[group as keyof typeof groups]}\n`, ...Object.values(settings).map(entry)].join('\n'),
    ),
  ].join('\n');

const entry = (one: Setting): string =>
  `# ${one.description}\n${neededNames.includes(one.name) ? '' : '# '}${one.name}=${one.fallback ?? ''}\n`;
