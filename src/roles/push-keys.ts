import { aesKeyOf } from '../push/crypto.ts';
import type { AppKeys } from '../push/decide.ts';
import type { PushSecrets } from '../push/settings.ts';
import { readApps } from './apps.ts';
import type { Config } from './config.ts';

/** What the pushes of each app are verified with: those of FAHUO_APPS_FILE, or of WECHAT_PUSH_TOKEN; none where none is set. */
export function readPushKeys(config: Config): AppKeys[] {
  const { appid, file } = config.app;
  if (file !== undefined)
    return readApps(config).flatMap((app) => (app.push === undefined ? [] : [keysOf(app.appid, app.push)]));
  const { token, aesKey, previousToken, previousAesKey } = config.push;
  if (appid === undefined || token === undefined) return [];
  return [keysOf(appid, { token, aesKey, previousToken, previousAesKey })];
}

const keysOf = (appid: string, { token, aesKey, previousToken, previousAesKey }: PushSecrets): AppKeys => ({
  appid,
  tokens: [token, previousToken].filter((one) => one !== undefined),
  aesKeys: [aesKey, previousAesKey].flatMap((one) => (one === undefined ? [] : (aesKeyOf(one) ?? []))),
});
