import { createAppSet } from '../../apps/app-set.ts';
import { readApps, type App } from '../../roles/apps.ts';
import { openWechat } from '../../roles/shared-state.ts';
import type { WechatClient } from '../../wechat/client.ts';
import { unknownWord, usage } from '../output.ts';
import { withDatabase, type Session } from '../session.ts';

export type WechatFlags = { app?: string; json?: boolean };
export type WechatSession = Session & { wechat: WechatClient; appid: string };

/** Calls of one app, with the token of the instances, under their lock. */
export const withWechat = <T>(flags: WechatFlags, work: (session: WechatSession) => Promise<T>): Promise<T> =>
  withDatabase({ max: 2 }, (session) => {
    const app = chosen(readApps(session.config), flags);
    const { wechat } = openWechat({ ...session, apps: createAppSet([app]) });
    return work({ ...session, wechat, appid: app.appid });
  });

export function chosen(apps: readonly App[], { app: wanted }: WechatFlags): App {
  const appids = apps.map(({ appid }) => appid);
  const found = wanted === undefined ? apps : apps.filter(({ appid }) => appid === wanted);
  if (found.length === 1 && found[0] !== undefined) return found[0];
  if (wanted !== undefined) throw unknownWord('--app', wanted, appids);
  throw usage(`several apps are configured: give --app, one of ${appids.join(', ')}`);
}
