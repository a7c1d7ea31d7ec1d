import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { appSettings } from '../apps/settings.ts';
import { FahuoError, messageOf } from '../errors.ts';
import { encodingAesKeyRule, encodingAesKeyShape, type PushSecrets } from '../push/settings.ts';
import { required, type Config } from './config.ts';
import { noUtf8, utf8Text } from '../text.ts';

export type App = {
  appid: string;
  secret: string;
  maxCallsPerSecond?: number | undefined;
  /** What a later part of a split shipment carries: all parcels so far, or the new ones alone. */
  parcelLists: 'cumulative' | 'delta';
  /** Of its message push; absent where it receives none, or where the settings of one app have them. */
  push?: PushSecrets | undefined;
};

const encodingAesKey = z.string().regex(encodingAesKeyShape, encodingAesKeyRule);
const pushShape = z.strictObject({
  token: z.string().min(1),
  aes_key: encodingAesKey.optional(),
  previous_token: z.string().min(1).optional(),
  previous_aes_key: encodingAesKey.optional(),
});

const appsShape = z
  .array(
    z.strictObject({
      appid: z.string().min(1),
      secret: z.string().min(1),
      max_calls_per_second: z.number().positive().optional(),
      parcel_lists: z.enum(['cumulative', 'delta']).optional(),
      push: pushShape.optional(),
    }),
  )
  .min(1);

/** The apps to serve: those of FAHUO_APPS_FILE, or the one of WECHAT_APPID. */
export function readApps({ app }: Config): App[] {
  const { maxCallsPerSecond, parcelLists } = app;
  if (app.file === undefined) {
    const appid = required(app.appid, appSettings.appid);
    return [{ appid, secret: required(app.secret, appSettings.secret), maxCallsPerSecond, parcelLists }];
  }
  const parsed = appsShape.safeParse(parseFile(app.file));
  if (!parsed.success)
    throw new FahuoError(
      'CONFIG_INVALID',
      `FAHUO_APPS_FILE: ${parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('; ')}`,
    );
  return parsed.data.map((one) => ({
    appid: one.appid,
    secret: one.secret,
    maxCallsPerSecond: one.max_calls_per_second ?? maxCallsPerSecond,
    parcelLists: one.parcel_lists ?? parcelLists,
    push: one.push === undefined ? undefined : pushOf(one.push),
  }));
}

const pushOf = (given: z.infer<typeof pushShape>): PushSecrets => ({
  token: given.token,
  aesKey: given.aes_key,
  previousToken: given.previous_token,
  previousAesKey: given.previous_aes_key,
});

function parseFile(path: string): unknown {
  try {
    // A text that is none is no JSON either, and the parser says so.
    return JSON.parse(utf8Text(readFileSync(path)) ?? noUtf8);
  } catch (cause) {
    throw new FahuoError('CONFIG_INVALID', `FAHUO_APPS_FILE cannot be read as JSON: ${messageOf(cause)}`, {
      cause,
    });
  }
}
