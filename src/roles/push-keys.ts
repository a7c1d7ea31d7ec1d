import type { AppSet, PushSecrets } from '../apps/app-set.ts';
import { aesKeyOf } from '../push/crypto.ts';
import type { AppKeys } from '../push/decide.ts';

/** What the pushes of an app are verified with now; undefined where it has none. */
export function pushKeysOf(apps: AppSet, appid: string): AppKeys | undefined {
  const secrets = apps.all().find((one) => one.appid === appid)?.push;
  return secrets === undefined ? undefined : keysOf(appid, secrets);
}

/** Whether any app has push keys. */
export const hasPushKeys = (apps: AppSet): boolean => apps.all().some((one) => one.push !== undefined);

const keysOf = (
  appid: string,
  { token, aesKey, previousToken, previousAesKey, componentAppid }: PushSecrets,
): AppKeys => ({
  appid: componentAppid ?? appid,
  tokens: [token, previousToken].filter((one) => one !== undefined),
  aesKeys: [aesKey, previousAesKey].flatMap((one) => (one === undefined ? [] : (aesKeyOf(one) ?? []))),
});
