import type { AppSet, PushSecrets } from '../apps/app-set.ts';
import { aesKeyOf } from '../push/crypto.ts';
import type { AppKeys } from '../push/decide.ts';
import type { Config } from './config.ts';

/**
 * What the pushes of an app are verified with now: as FAHUO_APPS_FILE was read last, or as WECHAT_PUSH_TOKEN says;
 * undefined where it has none.
 */
export function pushKeysOf(
  config: Pick<Config, 'app' | 'push'>,
  apps: AppSet,
  appid: string,
): AppKeys | undefined {
  const secrets = secretsOf(config, apps, appid);
  return secrets === undefined ? undefined : keysOf(appid, secrets);
}

/** Whether any app has push keys. */
export const hasPushKeys = ({ app, push }: Pick<Config, 'app' | 'push'>, apps: AppSet): boolean =>
  app.file === undefined
    ? app.appid !== undefined && push.token !== undefined
    : apps.all().some((one) => one.push !== undefined);

function secretsOf(
  { app, push }: Pick<Config, 'app' | 'push'>,
  apps: AppSet,
  appid: string,
): PushSecrets | undefined {
  if (app.file !== undefined) return apps.all().find((one) => one.appid === appid)?.push;
  const { token, aesKey, previousToken, previousAesKey } = push;
  return app.appid !== appid || token === undefined
    ? undefined
    : { token, aesKey, previousToken, previousAesKey };
}

const keysOf = (appid: string, { token, aesKey, previousToken, previousAesKey }: PushSecrets): AppKeys => ({
  appid,
  tokens: [token, previousToken].filter((one) => one !== undefined),
  aesKeys: [aesKey, previousAesKey].flatMap((one) => (one === undefined ? [] : (aesKeyOf(one) ?? []))),
});
