import { readFileSync } from 'node:fs';
import { adoptSettings } from '../adopt/settings.ts';
import { appSettings, redisSettings } from '../apps/settings.ts';
import { consumerSettings } from '../consumer/settings.ts';
import { FahuoError, messageOf } from '../errors.ts';
import { httpSettings } from '../http/settings.ts';
import { kafkaSettings } from '../kafka/settings.ts';
import { pushSettings } from '../push/settings.ts';
import { reconcileSettings } from '../reconcile/settings.ts';
import { receiptSettings } from '../receipt/settings.ts';
import { relaySettings } from '../relay/settings.ts';
import type { Setting, Settings, Values } from '../setting.ts';
import { secretText } from '../text.ts';
import { retentionSettings, timingSettings, uploadSettings } from '../upload/settings.ts';
import { webhookSettings } from '../webhook/settings.ts';
import { wechatSettings } from '../wechat/settings.ts';
import { contradictions } from './contradictions.ts';
import { isServiceAddress, readNames, type Env, type Notice } from './names.ts';
import { databaseSettings, logSettings } from './settings.ts';

/** Every variable that fahuo reads, stage by stage; `.env.example` and docs/settings.md are generated from it. */
export const groups = {
  database: databaseSettings,
  kafka: kafkaSettings,
  app: appSettings,
  wechat: wechatSettings,
  redis: redisSettings,
  adopt: adoptSettings,
  push: pushSettings,
  relay: relaySettings,
  consumer: consumerSettings,
  upload: uploadSettings,
  timing: timingSettings,
  reconcile: reconcileSettings,
  receipt: receiptSettings,
  webhook: webhookSettings,
  retention: retentionSettings,
  http: httpSettings,
  log: logSettings,
} satisfies Record<string, Settings>;

type Groups = typeof groups;
export type Config = { readonly [G in keyof Groups]: Values<Groups[G]> } & {
  /** By variable what is in force, as an operator would write it; secrets masked, null where nothing is. */
  readonly shown: Readonly<Record<string, string | null>>;
  /** The variables of `shown` that were set. */
  readonly given: readonly string[];
  readonly notices: readonly Notice[];
};
export type { Env } from './names.ts';

export const allSettings: readonly Setting[] = Object.values(groups).flatMap((group: Settings) =>
  Object.values(group),
);

/**
 * Reads the environment once. Empty means unset; a secret may come from the file that `NAME_FILE` names.
 * @throws FahuoError CONFIG_INVALID naming every wrong variable, its value (masked if secret) and its rule.
 */
export function readConfig(env: Env = process.env): Config {
  const { problems, notices } = readNames(env, allSettings);
  const reader = new Reader(env, problems, [...notices]);
  const values = Object.fromEntries(
    Object.entries(groups).map(([name, group]: [string, Settings]) => [name, reader.readGroup(group)]),
  ) as unknown as { [G in keyof Groups]: Values<Groups[G]> };
  problems.push(...(problems.length > 0 ? [] : contradictions(values)));
  if (problems.length > 0) throw new FahuoError('CONFIG_INVALID', problems.join('; '));
  return Object.freeze({ ...values, shown: reader.shown, given: reader.given, notices: reader.notices });
}

/** Gathers what is wrong, so that all of it is said at once. */
class Reader {
  readonly shown: Record<string, string | null> = {};
  readonly given: string[] = [];
  readonly notices: Notice[];
  readonly #env: Env;
  readonly #problems: string[];

  constructor(env: Env, problems: string[], notices: Notice[]) {
    this.#env = env;
    this.#problems = problems;
    this.notices = notices;
  }

  readGroup(group: Settings): Record<string, unknown> {
    return Object.freeze(
      Object.fromEntries(Object.entries(group).map(([key, one]) => [key, this.#read(one)])),
    );
  }

  #read(one: Setting): unknown {
    const given = this.#textOf(one);
    if (given !== undefined) this.given.push(one.name);
    const text = given ?? one.fallback;
    this.shown[one.name] = text === undefined ? null : one.secret ? '(set)' : text;
    if (text === undefined) return undefined;
    const parsed = one.schema.safeParse(text);
    if (parsed.success) return parsed.data;
    const value = one.secret ? '(hidden)' : JSON.stringify(text);
    this.#problems.push(`${one.name} is ${value}: ${parsed.error.issues[0]?.message ?? 'is not valid'}`);
    return undefined;
  }

  #textOf(one: Setting): string | undefined {
    const direct = this.#env[one.name];
    if (isServiceAddress(one.name, direct)) {
      const text = `${one.name} is ${direct ?? ''}, the address of a service: passed over as unset`;
      this.notices.push({ level: 'info', text });
      return undefined;
    }
    const file = one.secret ? (this.#env[`${one.name}_FILE`] ?? '') : '';
    if (direct === undefined || direct === '')
      return file === '' ? undefined : this.#readSecret(`${one.name}_FILE`, file);
    if (file !== '') {
      const text = `${one.name}_FILE is passed over: ${one.name} is set`;
      this.notices.push({ level: 'warn', text });
    }
    return direct;
  }

  #readSecret(name: string, path: string): string | undefined {
    try {
      const read = secretText(readFileSync(path));
      if ('text' in read) return read.text;
      this.#problems.push(`${name}: ${path} ${read.why}`);
    } catch (cause) {
      this.#problems.push(`${name} cannot be read: ${messageOf(cause)}`);
    }
    return undefined;
  }
}

/** A MySQL that runs already, for what makes a database of its own in it: the demo. No role has a use for it. */
export const mysqlUrlOf = (env: Env = process.env): string | undefined => env['MYSQL_URL'] || undefined;

/** The value of a setting that this command cannot do without. */
export function required<T>(value: T, { name, description }: Setting<T>): NonNullable<T> {
  if (value === undefined || value === null)
    throw new FahuoError('CONFIG_INVALID', `${name} is not set: ${description}`);
  return value;
}
