import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { App } from '../apps/app-set.ts';
import { appSettings } from '../apps/settings.ts';
import { FahuoError, messageOf } from '../errors.ts';
import { noUtf8, secretText, utf8Text } from '../text.ts';
import type { TokenOrigin } from '../wechat/token-origin.ts';
import {
  readAppsText,
  serverOf,
  serverSettingNames,
  type AppDefaults,
  type ReadSecret,
} from './apps-file.ts';
import { required, type Config } from './config.ts';

export type { App } from '../apps/app-set.ts';

/**
 * The apps to serve: those of FAHUO_APPS_FILE, or the one of WECHAT_APPID.
 * @throws FahuoError CONFIG_INVALID with everything that is wrong.
 */
export function readApps(config: Pick<Config, 'app' | 'wechat' | 'push'>): App[] {
  const { app, wechat } = config;
  const { maxCallsPerSecond, parcelLists } = app;
  if (app.file === undefined) {
    const appid = required(app.appid, appSettings.appid);
    return [{ ...pushedApp(config, appid), token: originOf(config, appid), maxCallsPerSecond, parcelLists }];
  }
  const { tokenMode, tokenUrl, tokenBearer, tokenCommand } = wechat;
  const defaults: AppDefaults = {
    maxCallsPerSecond,
    parcelLists,
    tokenMode,
    tokenUrl,
    tokenBearer,
    tokenCommand,
  };
  const read = readAppsText(textOf(app.file), defaults, secretsBeside(app.file));
  if (read.kind === 'apps') return read.apps;
  throw new FahuoError(
    'CONFIG_INVALID',
    read.problems.map((problem) => `FAHUO_APPS_FILE ${app.file ?? ''}: ${problem}`).join('; '),
  );
}

/** The apps whose pushes are received, where nothing calls WeChat: an AppSecret is not needed for it. */
export function readPushedApps(config: Pick<Config, 'app' | 'wechat' | 'push'>): App[] {
  const { appid, file, parcelLists } = config.app;
  if (file !== undefined) return readApps(config);
  return appid === undefined ? [] : [{ ...pushedApp(config, appid), token: { mode: 'none' }, parcelLists }];
}

function pushedApp({ push }: Pick<Config, 'push'>, appid: string): Pick<App, 'appid' | 'push'> {
  const { token, aesKey, previousToken, previousAesKey, componentAppid } = push;
  return token === undefined
    ? { appid }
    : { appid, push: { token, aesKey, previousToken, previousAesKey, componentAppid } };
}

function originOf({ app, wechat }: Pick<Config, 'app' | 'wechat'>, appid: string): TokenOrigin {
  const { tokenMode: mode, tokenUrl: url, tokenBearer: bearer, tokenCommand: command } = wechat;
  if (mode === 'none') return { mode };
  if (mode !== 'external') return { mode, secret: required(app.secret, appSettings.secret) };
  const read = serverOf({ appid, url, bearer, command }, serverSettingNames);
  if (read.kind === 'server') return { mode, from: read.server };
  throw new FahuoError('CONFIG_INVALID', read.why);
}

function textOf(path: string): string {
  try {
    const text = utf8Text(readFileSync(path));
    if (text !== null) return text;
  } catch (cause) {
    throw new FahuoError('CONFIG_INVALID', `FAHUO_APPS_FILE cannot be read: ${messageOf(cause)}`, { cause });
  }
  throw new FahuoError('CONFIG_INVALID', `FAHUO_APPS_FILE ${path} ${noUtf8}`);
}

/** A path of the file is one beside the file, wherever the process was started. */
const secretsBeside =
  (file: string): ReadSecret =>
  (path) => {
    try {
      return secretText(readFileSync(resolve(dirname(file), path)));
    } catch (cause) {
      return { why: `cannot be read: ${messageOf(cause)}` };
    }
  };
