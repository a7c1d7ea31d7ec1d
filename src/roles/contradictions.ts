import type { AppSettings, RedisSettings } from '../apps/settings.ts';
import type { KafkaSettings } from '../kafka/settings.ts';
import type { PushSettings } from '../push/settings.ts';
import type { WechatSettings } from '../wechat/settings.ts';
import type { Values } from '../setting.ts';
import type { timingSettings, UploadSettings } from '../upload/settings.ts';
import type { WebhookSettings } from '../webhook/settings.ts';

type Looked = {
  app: AppSettings;
  kafka: KafkaSettings;
  redis: RedisSettings;
  wechat: WechatSettings;
  push: PushSettings;
  upload: Pick<UploadSettings, 'acknowledgements'>;
  webhook: WebhookSettings;
  timing: Values<typeof timingSettings>;
};

/**
 * Settings that are right by themselves and wrong together. A file for TLS without TLS would be a connection in the
 * clear that somebody thinks is secure. Pure.
 */
export function contradictions({
  app,
  kafka,
  redis,
  wechat,
  push,
  timing,
  upload,
  webhook,
}: Looked): string[] {
  const { leaseMs } = timing;
  const { callTimeoutMs } = wechat;
  const short =
    leaseMs <= 2 * callTimeoutMs
      ? [`FAHUO_LEASE_MS is ${leaseMs}: it must be more than twice FAHUO_CALL_TIMEOUT_MS (${callTimeoutMs})`]
      : [];
  return [
    ...short,
    ...tlsWithout(kafka, redis),
    ...halfLogin(kafka),
    ...tokenWithout(app, wechat),
    ...keysWithoutToken(push),
    ...webhookWithout(webhook, upload),
  ];
}

type TlsFields = Pick<
  RedisSettings,
  'sslCaFile' | 'sslCertFile' | 'sslKeyFile' | 'sslKeyPassword' | 'sslServerName' | 'sslVerifyHostname'
>;

function tlsWithout(kafka: KafkaSettings, redis: RedisSettings): string[] {
  const inKafka = kafka.ssl ? undefined : firstSet(kafka);
  const inRedis = redis.url === undefined || redis.url.startsWith('rediss:') ? undefined : firstSet(redis);
  return [
    ...(inKafka === undefined ? [] : [`KAFKA_SSL${inKafka} is set, and KAFKA_SSL is not true`]),
    ...(inRedis === undefined
      ? []
      : [`REDIS_SSL${inRedis} is set, and REDIS_URL speaks no TLS: it must begin with rediss://`]),
  ];
}

const firstSet = (given: TlsFields): string | undefined =>
  (
    [
      ['_CA_FILE', given.sslCaFile],
      ['_CERT_FILE', given.sslCertFile],
      ['_KEY_FILE', given.sslKeyFile],
      ['_KEY_PASSWORD', given.sslKeyPassword],
      ['_SERVER_NAME', given.sslServerName],
      ['_VERIFY_HOSTNAME', given.sslVerifyHostname ? undefined : 'false'],
    ] as const
  ).find(([, value]) => value !== undefined)?.[0];

function halfLogin({ saslMechanism, saslUsername, saslPassword }: KafkaSettings): string[] {
  const parts = [
    ['KAFKA_SASL_MECHANISM', saslMechanism],
    ['KAFKA_SASL_USERNAME', saslUsername],
    ['KAFKA_SASL_PASSWORD', saslPassword],
  ] as const;
  const set = parts.find(([, value]) => value !== undefined);
  const missing = parts.find(([, value]) => value === undefined);
  return set === undefined || missing === undefined
    ? []
    : [`${set[0]} is set, and ${missing[0]} is not: a login needs all three`];
}

function tokenWithout({ file }: AppSettings, wechat: WechatSettings): string[] {
  const { tokenUrl, tokenBearer, tokenCommand } = wechat;
  if (tokenUrl !== undefined && tokenCommand !== undefined)
    return ['FAHUO_TOKEN_URL and FAHUO_TOKEN_COMMAND are both set: keep one of them'];
  if (tokenBearer !== undefined && tokenUrl === undefined)
    return ['FAHUO_TOKEN_BEARER is set, and FAHUO_TOKEN_URL is not'];
  // With an apps file these are what its apps begin with, and each app is looked at by itself.
  return file === undefined ? tokenServer(wechat) : [];
}

function tokenServer({ tokenMode, tokenUrl, tokenCommand }: WechatSettings): string[] {
  const command = tokenCommand === undefined ? undefined : 'FAHUO_TOKEN_COMMAND';
  const server = tokenUrl === undefined ? command : 'FAHUO_TOKEN_URL';
  if (tokenMode === 'external')
    return server === undefined
      ? ['FAHUO_TOKEN_MODE is external, and neither FAHUO_TOKEN_URL nor FAHUO_TOKEN_COMMAND is set']
      : [];
  return server === undefined
    ? []
    : [`${server} is set, and FAHUO_TOKEN_MODE is ${tokenMode}: it must be external`];
}

/** Without the token nothing is received, and who set a key thinks that something is. */
function keysWithoutToken({ token, ...others }: PushSettings): string[] {
  const set = (
    [
      ['WECHAT_PUSH_AES_KEY', others.aesKey],
      ['WECHAT_PUSH_PREVIOUS_TOKEN', others.previousToken],
      ['WECHAT_PUSH_PREVIOUS_AES_KEY', others.previousAesKey],
      ['WECHAT_PUSH_COMPONENT_APPID', others.componentAppid],
    ] as const
  ).find(([, value]) => value !== undefined)?.[0];
  if (token === undefined) return set === undefined ? [] : [`${set} is set, and WECHAT_PUSH_TOKEN is not`];
  return others.componentAppid !== undefined && others.aesKey === undefined
    ? [
        'WECHAT_PUSH_COMPONENT_APPID is set, and WECHAT_PUSH_AES_KEY is not: the pushes of a platform are encrypted',
      ]
    : [];
}

function webhookWithout(
  { url, secret, allowHttp }: WebhookSettings,
  { acknowledgements }: Looked['upload'],
): string[] {
  if (url === undefined)
    return secret === undefined
      ? []
      : ['FAHUO_ACK_WEBHOOK_SECRET is set, and FAHUO_ACK_WEBHOOK_URL is not: nothing is posted'];
  const { protocol, hostname, origin } = new URL(url);
  return [
    ...(secret === undefined
      ? [
          'FAHUO_ACK_WEBHOOK_URL is set, and FAHUO_ACK_WEBHOOK_SECRET is not: the shop could not tell our webhooks from others; set it to "whsec_$(openssl rand -base64 32)"',
        ]
      : []),
    ...(acknowledgements
      ? []
      : ['FAHUO_ACK_WEBHOOK_URL is set, and FAHUO_ACK_TOPIC is false: webhooks carry what that topic has']),
    ...(protocol === 'https:' || allowHttp || isLoopback(hostname)
      ? []
      : [
          `FAHUO_ACK_WEBHOOK_URL is at ${origin}, in the clear: it must begin with https://, unless it is this machine or FAHUO_WEBHOOK_ALLOW_HTTP is true`,
        ]),
  ];
}

const isLoopback = (hostname: string): boolean => /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);
