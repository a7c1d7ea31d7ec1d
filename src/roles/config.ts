import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { FahuoError, messageOf } from '../errors.ts';

type Setting<S extends z.ZodType = z.ZodType> = {
  name: string;
  description: string;
  schema: S;
  secret?: boolean;
};

const setting = <S extends z.ZodType>(name: string, schema: S, description: string): Setting<S> => ({
  name,
  description,
  schema,
});
/** Masked wherever it is shown, and readable from the file that `NAME_FILE` names. */
const secret = <S extends z.ZodType>(name: string, schema: S, description: string): Setting<S> => ({
  ...setting(name, schema, description),
  secret: true,
});

const text = z.string().optional();
const url = (schemes: readonly string[]) =>
  z
    .string()
    .refine((value) => schemes.some((scheme) => value.startsWith(`${scheme}://`)) && URL.canParse(value), {
      error: `must be a URL with the scheme ${schemes.join(' or ')}`,
    });
const flag = (fallback: boolean) =>
  z
    .enum(['true', 'false'], { error: 'must be true or false' })
    .optional()
    .transform((value) => (value === undefined ? fallback : value === 'true'));
const number = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+(\.\d+)?$/, 'must be a number')
    .transform(Number)
    .refine((value) => value >= min && value <= max, { error: `must be from ${min} to ${max}` });
const whole = (fallback: number, min: number, max: number) =>
  number(min, max)
    .refine(Number.isInteger, { error: 'must be a whole number' })
    .optional()
    .transform((value) => value ?? fallback);
const ms = (fallback: number) => whole(fallback, 1, 86_400_000);

/** Every variable that fahuo reads; `.env.example` and docs/operations.md are held to this list by a test. */
export const settings = {
  databaseUrl: secret(
    'DATABASE_URL',
    url(['postgres', 'postgresql']).optional(),
    'Postgres 14 to 18 with the order database or beside it.',
  ),
  queryTimeoutMs: setting(
    'FAHUO_QUERY_TIMEOUT_MS',
    whole(20_000, 1_000, 600_000),
    'The longest one statement of a role may take; after it the connection is given up.',
  ),
  kafkaBrokers: setting(
    'KAFKA_BROKERS',
    z
      .string()
      .optional()
      .transform((value) =>
        (value ?? '')
          .split(',')
          .map((part) => part.trim())
          .filter((part) => part !== ''),
      )
      .refine((brokers) => brokers.every((broker) => /^[^:\s]+:\d+$/.test(broker)), {
        error: 'must be host:port, several with commas between',
      }),
    'Kafka brokers, host:port, several with commas between.',
  ),
  redisUrl: secret(
    'REDIS_URL',
    url(['redis', 'rediss']).optional(),
    'Optional: shares tokens and the call budget between instances; Postgres does otherwise.',
  ),
  wechatBaseUrl: setting(
    'WECHAT_BASE_URL',
    url(['http', 'https'])
      .optional()
      .transform((value) => value ?? 'https://api.weixin.qq.com'),
    'WeChat, or a sandbox in development.',
  ),
  wechatAppid: setting('WECHAT_APPID', text, 'The appid of the mini-program.'),
  wechatSecret: secret('WECHAT_SECRET', text, 'Its AppSecret.'),
  wechatPushToken: secret('WECHAT_PUSH_TOKEN', text, 'Token of the message push.'),
  wechatPushAesKey: secret('WECHAT_PUSH_AES_KEY', text, 'EncodingAESKey of the message push.'),
  appsFile: setting(
    'FAHUO_APPS_FILE',
    text,
    'JSON file [{"appid","secret","max_calls_per_second"?,"parcel_lists"?}] for several apps.',
  ),
  kafkaTopic: setting(
    'KAFKA_TOPIC',
    z
      .string()
      .regex(/^[a-zA-Z0-9._-]{1,200}$/, 'must be a topic name: letters, digits, . _ -')
      .optional()
      .transform((value) => value ?? 'fahuo.shipments'),
    'Topic of shipping events; NAME.acks and NAME.dead-letters stand beside it.',
  ),
  kafkaGroup: setting(
    'KAFKA_GROUP',
    text.transform((value) => value ?? 'fahuo'),
    'Consumer group.',
  ),
  kafkaSessionTimeoutMs: setting(
    'KAFKA_SESSION_TIMEOUT_MS',
    ms(10_000),
    'After this a consumer that died is given up; the brokers allow 6000 and more unless told otherwise.',
  ),
  kafkaRequestTimeoutMs: setting(
    'KAFKA_REQUEST_TIMEOUT_MS',
    ms(10_000),
    'The longest wait for one answer of a broker; after it the relay sends the same batch again.',
  ),
  kafkaSsl: setting('KAFKA_SSL', flag(false), 'Speak TLS to the brokers.'),
  kafkaSslCaFile: setting('KAFKA_SSL_CA_FILE', text, 'PEM file of the certificate authority.'),
  kafkaSslCertFile: setting('KAFKA_SSL_CERT_FILE', text, 'PEM file of the client certificate.'),
  kafkaSslKeyFile: setting('KAFKA_SSL_KEY_FILE', text, 'PEM file of the client key.'),
  kafkaSaslMechanism: setting(
    'KAFKA_SASL_MECHANISM',
    z
      .enum(['plain', 'scram-sha-256', 'scram-sha-512'], {
        error: 'must be plain, scram-sha-256 or scram-sha-512',
      })
      .optional(),
    'SASL mechanism.',
  ),
  kafkaSaslUsername: setting('KAFKA_SASL_USERNAME', text, 'SASL user.'),
  kafkaSaslPassword: secret('KAFKA_SASL_PASSWORD', text, 'SASL password.'),
  createTopics: setting('FAHUO_CREATE_TOPICS', flag(false), 'Create missing topics at start.'),
  topicPartitions: setting(
    'FAHUO_TOPIC_PARTITIONS',
    whole(8, 1, 1000),
    'Partitions of topics that are created.',
  ),
  httpPort: setting(
    'FAHUO_HTTP_PORT',
    whole(9470, 0, 65_535),
    'Port of /metrics, /livez and /readyz; 0 takes any free port and prints it.',
  ),
  httpHost: setting(
    'FAHUO_HTTP_HOST',
    text.transform((value) => value ?? '127.0.0.1'),
    'Address to listen on.',
  ),
  logLevel: setting(
    'FAHUO_LOG_LEVEL',
    z
      .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'], {
        error: 'must be trace, debug, info, warn, error or silent',
      })
      .optional()
      .transform((value) => value ?? 'info'),
    'Least severe log line that is written.',
  ),
  window: setting('FAHUO_WINDOW', whole(256, 1, 4096), 'Uploads on the wire at once, per app.'),
  maxCallsPerSecond: setting(
    'FAHUO_MAX_CALLS_PER_SECOND',
    number(0.01, 100_000).optional(),
    'Calls per second and app over all instances; unset asks WeChat for its limit, and is 10 until it has told one.',
  ),
  readBeforeFirstSend: setting(
    'FAHUO_READ_BEFORE_FIRST_SEND',
    flag(false),
    'Read a payment before its first upload too: for shops whose staff also ships in the console. Costs one call an event.',
  ),
  maskContacts: setting(
    'FAHUO_MASK_CONTACTS',
    flag(false),
    'Mask phone numbers in contact instead of refusing clear ones.',
  ),
  acknowledgements: setting(
    'FAHUO_ACK_TOPIC',
    flag(true),
    'Publish acknowledgements to the topic NAME.acks as well.',
  ),
  parcelLists: setting(
    'FAHUO_PARCEL_LISTS',
    z
      .enum(['cumulative', 'delta'], { error: 'must be cumulative or delta' })
      .optional()
      .transform((value) => value ?? 'cumulative'),
    'What a later part of a split shipment carries: all parcels so far, or the new ones alone.',
  ),
  tokenMode: setting(
    'FAHUO_TOKEN_MODE',
    z
      .enum(['stable', 'plain'], { error: 'must be stable or plain' })
      .optional()
      .transform((value) => value ?? 'stable'),
    'stable uses /cgi-bin/stable_token; plain uses /cgi-bin/token, 2,000 a day.',
  ),
  redisPrefix: setting(
    'FAHUO_REDIS_PREFIX',
    text.transform((value) => value ?? 'fahuo:'),
    'Before every Redis key.',
  ),
  retentionHours: setting(
    'FAHUO_RETENTION_HOURS',
    whole(168, 1, 87_600),
    'Published outbox rows are dropped after this, whole partitions where they fill.',
  ),
  uploadRetentionDays: setting(
    'FAHUO_UPLOAD_RETENTION_DAYS',
    whole(400, 1, 36_500),
    'Payments whose uploads are all final for so long are forgotten; a tombstone keeps replays harmless.',
  ),
  deadLetterDays: setting(
    'FAHUO_DEAD_LETTER_DAYS',
    whole(90, 1, 36_500),
    'Dead letters that are on their topic are dropped after this.',
  ),
  relayRestMs: setting(
    'FAHUO_RELAY_REST_MS',
    whole(300, 0, 60_000),
    'How long the relay leaves the outbox to its writers, at most, while many write at once; 0 publishes at once.',
  ),
  callTimeoutMs: setting('FAHUO_CALL_TIMEOUT_MS', ms(10_000), 'The longest one call to WeChat may take.'),
  leaseMs: setting(
    'FAHUO_LEASE_MS',
    ms(30_000),
    'How long a claimed upload is left to its instance; more than twice the call timeout.',
  ),
  drainMs: setting('FAHUO_DRAIN_MS', ms(12_000), 'How long a stop waits for calls under way.'),
  firstRetryMs: setting(
    'FAHUO_FIRST_RETRY_MS',
    ms(15_000),
    'First wait for a payment that WeChat does not know yet; then ×4 up to an hour.',
  ),
  readAfterMs: setting('FAHUO_READ_AFTER_MS', ms(2_000), 'From an unknown outcome to the first read.'),
  readGapMs: setting('FAHUO_READ_GAP_MS', ms(5_000), 'Between two reads of one payment.'),
} satisfies Record<string, Setting>;

type Settings = typeof settings;
export type Config = { readonly [K in keyof Settings]: z.output<Settings[K]['schema']> };
export type Env = Readonly<Record<string, string | undefined>>;

/**
 * Reads the environment once. Empty means unset; a secret may come from the file that `NAME_FILE` names.
 * @throws FahuoError CONFIG_INVALID naming every wrong variable, its value (masked if secret) and its rule.
 */
export function readConfig(env: Env = process.env): Config {
  const problems = unknownNames(env);
  const entries = Object.entries(settings).map(([key, one]: [string, Setting]) => {
    const value = valueOf(one, env);
    const parsed = one.schema.safeParse(value);
    if (!parsed.success) problems.push(problemOf(one, value, parsed.error));
    return [key, parsed.data];
  });
  if (problems.length > 0) throw new FahuoError('CONFIG_INVALID', problems.join('; '));
  const config = Object.fromEntries(entries) as Config;
  if (config.leaseMs <= 2 * config.callTimeoutMs)
    throw new FahuoError(
      'CONFIG_INVALID',
      `FAHUO_LEASE_MS is ${config.leaseMs}: it must be more than twice FAHUO_CALL_TIMEOUT_MS (${config.callTimeoutMs})`,
    );
  return Object.freeze(config);
}

function problemOf(one: Setting, value: string | undefined, error: z.ZodError): string {
  const shown = one.secret === true ? '(hidden)' : JSON.stringify(value);
  return `${one.name} is ${shown}: ${error.issues[0]?.message ?? 'is not valid'}`;
}

function valueOf(one: Setting, env: Env): string | undefined {
  const direct = env[one.name];
  if (direct !== undefined && direct !== '') return direct;
  const file = one.secret === true ? env[`${one.name}_FILE`] : undefined;
  if (file === undefined || file === '') return undefined;
  try {
    return readFileSync(file, 'utf8').trimEnd();
  } catch (cause) {
    throw new FahuoError('CONFIG_INVALID', `${one.name}_FILE cannot be read: ${messageOf(cause)}`, { cause });
  }
}

const knownNames: readonly string[] = Object.values(settings).map((one: Setting) => one.name);

/** A mistyped FAHUO_ name would silently leave its default in force. */
function unknownNames(env: Env): string[] {
  return Object.keys(env)
    .filter((name) => name.startsWith('FAHUO_') && !knownNames.includes(name))
    .map((name) => `${name} is not a setting: did you mean ${nearest(name)}?`);
}

const nearest = (name: string): string =>
  knownNames
    .filter((known) => known.startsWith('FAHUO_'))
    .reduce((best, known) => (distance(name, known) < distance(name, best) ? known : best));

/** Levenshtein's. */
function distance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      const substituted = (row[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[right.length] ?? 0;
}

/** What the start-up line and `doctor` show: every value in force, secrets masked. */
export const describeConfig = (config: Config): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(settings).map(([key, one]: [string, Setting]) => {
      const value = config[key as keyof Config];
      return [one.name, one.secret === true && value !== undefined ? '(set)' : value];
    }),
  );

/** The text of `.env.example`. */
export const envExample = (): string =>
  Object.values(settings)
    .map((one: Setting) => `# ${one.description}\n# ${one.name}=\n`)
    .join('\n');

/** A value that this command cannot do without. */
export function required<K extends keyof Config>(config: Config, key: K): NonNullable<Config[K]> {
  const value = config[key];
  if (value === undefined || (Array.isArray(value) && value.length === 0))
    throw new FahuoError('CONFIG_INVALID', `${settings[key].name} is not set: ${settings[key].description}`);
  return value;
}

export type App = {
  appid: string;
  secret: string;
  maxCallsPerSecond?: number | undefined;
  /** What a later part of a split shipment carries: all parcels so far, or the new ones alone. */
  parcelLists: 'cumulative' | 'delta';
};

const appsShape = z
  .array(
    z.strictObject({
      appid: z.string().min(1),
      secret: z.string().min(1),
      max_calls_per_second: z.number().positive().optional(),
      parcel_lists: z.enum(['cumulative', 'delta']).optional(),
    }),
  )
  .min(1);

/** The apps to serve: those of FAHUO_APPS_FILE, or the one of WECHAT_APPID. */
export function readApps(config: Config): App[] {
  if (config.appsFile === undefined) {
    const app = { appid: required(config, 'wechatAppid'), secret: required(config, 'wechatSecret') };
    return [{ ...app, maxCallsPerSecond: config.maxCallsPerSecond, parcelLists: config.parcelLists }];
  }
  const parsed = appsShape.safeParse(parseFile(config.appsFile));
  if (!parsed.success)
    throw new FahuoError(
      'CONFIG_INVALID',
      `FAHUO_APPS_FILE: ${parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('; ')}`,
    );
  return parsed.data.map((app) => ({
    appid: app.appid,
    secret: app.secret,
    maxCallsPerSecond: app.max_calls_per_second ?? config.maxCallsPerSecond,
    parcelLists: app.parcel_lists ?? config.parcelLists,
  }));
}

function parseFile(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new FahuoError('CONFIG_INVALID', `FAHUO_APPS_FILE cannot be read as JSON: ${messageOf(cause)}`, {
      cause,
    });
  }
}
