import { choice, flag, number, secret, setting, text, url, type Values } from '../setting.ts';

/** One app, or a file of several. */
export const appSettings = {
  appid: setting('WECHAT_APPID', text(), 'The appid of the mini-program.', ['WECHAT_APP_ID']),
  secret: secret('WECHAT_SECRET', text(), 'Its AppSecret.', ['WECHAT_APP_SECRET', 'WECHAT_APPSECRET']),
  file: setting(
    'FAHUO_APPS_FILE',
    text(),
    'JSON file [{"appid","secret","max_calls_per_second"?,"parcel_lists"?,"push"?}] for several apps; push: {"token","aes_key"?,"previous_token"?,"previous_aes_key"?}.',
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
    'Optional: shares tokens and the call budget between instances; Postgres does otherwise. TLS by rediss://.',
    ['REDIS_URI'],
  ),
  sslCaFile: setting(
    'REDIS_SSL_CA_FILE',
    text(),
    'PEM file of the authority that signs its certificate; unset trusts those of Node.',
    ['REDIS_TLS_CA_FILE', 'REDIS_CA_FILE', 'REDIS_TLS_CA'],
  ),
  sslCertFile: setting('REDIS_SSL_CERT_FILE', text(), 'PEM file of the client certificate.', [
    'REDIS_TLS_CERT_FILE',
  ]),
  sslKeyFile: setting('REDIS_SSL_KEY_FILE', text(), 'PEM file of its key.', ['REDIS_TLS_KEY_FILE']),
  sslKeyPassword: secret('REDIS_SSL_KEY_PASSWORD', text(), 'Opens the key where it is encrypted.'),
  sslServerName: setting(
    'REDIS_SSL_SERVER_NAME',
    text(),
    'The name that its certificate has, where it is not the one in REDIS_URL.',
  ),
  sslVerifyHostname: setting(
    'REDIS_SSL_VERIFY_HOSTNAME',
    flag(true),
    'false for a certificate that names no host: its authority is verified all the same.',
  ),
  keyPrefix: setting('FAHUO_REDIS_PREFIX', text('fahuo:'), 'Before every Redis key.'),
};

export type AppSettings = Values<typeof appSettings>;
export type RedisSettings = Values<typeof redisSettings>;
