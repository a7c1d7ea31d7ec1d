import { choice, number, secret, setting, text, url, type Values } from '../setting.ts';

/** One app, or a file of several. */
export const appSettings = {
  appid: setting('WECHAT_APPID', text(), 'The appid of the mini-program.', ['WECHAT_APP_ID']),
  secret: secret('WECHAT_SECRET', text(), 'Its AppSecret.', ['WECHAT_APP_SECRET', 'WECHAT_APPSECRET']),
  file: setting(
    'FAHUO_APPS_FILE',
    text(),
    'JSON file [{"appid","secret","max_calls_per_second"?,"parcel_lists"?}] for several apps.',
  ),
  maxCallsPerSecond: setting(
    'FAHUO_MAX_CALLS_PER_SECOND',
    number(0.01, 100_000),
    'Calls per second and app over all instances; unset asks WeChat for its limit, and is 10 until it has told one.',
  ),
  parcelLists: setting(
    'FAHUO_PARCEL_LISTS',
    choice(['cumulative', 'delta'], 'cumulative'),
    'What a later part of a split shipment carries: all parcels so far, or the new ones alone.',
  ),
};

export const redisSettings = {
  url: secret(
    'REDIS_URL',
    url(['redis', 'rediss']),
    'Optional: shares tokens and the call budget between instances; Postgres does otherwise.',
    ['REDIS_URI'],
  ),
  keyPrefix: setting('FAHUO_REDIS_PREFIX', text('fahuo:'), 'Before every Redis key.'),
};

export type AppSettings = Values<typeof appSettings>;
export type RedisSettings = Values<typeof redisSettings>;
