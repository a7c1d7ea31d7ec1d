import { z } from 'zod';
import type { App, PushSecrets } from '../apps/app-set.ts';
import { nearest } from '../nearest.ts';
import { encodingAesKeyRule, encodingAesKeyShape } from '../push/settings.ts';
import { splitCommand } from '../wechat/command-words.ts';
import type { TokenOrigin, TokenServer } from '../wechat/token-origin.ts';

/** What holds for every app of the file that does not say otherwise: the settings of the environment. */
export type AppDefaults = {
  maxCallsPerSecond: number | undefined;
  parcelLists: App['parcelLists'];
  tokenMode: TokenOrigin['mode'];
  tokenUrl: string | undefined;
  tokenBearer: string | undefined;
  tokenCommand: string | undefined;
};

/** Reads the file that a member such as `secret_file` names; `why` says what is wrong with it. */
export type ReadSecret = (path: string) => { text: string } | { why: string };

export type ReadApps = { kind: 'apps'; apps: App[] } | { kind: 'wrong'; problems: string[] };

const filled = z.string({ error: 'must be a text' }).min(1, 'must be a text that is not empty');
const argument = z.string().regex(/^[^\0]*$/, 'must not hold a zero byte');

const encodingAesKey = z.string(encodingAesKeyRule).regex(encodingAesKeyShape, encodingAesKeyRule);
const appid = z
  .string({ error: 'must be the appid of the mini-program, as a text' })
  .regex(/^[\w-]{1,64}$/, 'must be an appid: 1 to 64 letters, digits, _ or -');

const pushShape = z.strictObject(
  {
    token: filled.optional(),
    token_file: filled.optional(),
    aes_key: encodingAesKey.optional(),
    aes_key_file: filled.optional(),
    previous_token: filled.optional(),
    previous_token_file: filled.optional(),
    previous_aes_key: encodingAesKey.optional(),
    previous_aes_key_file: filled.optional(),
    component_appid: appid.optional(),
  },
  {
    error: ({ code }) =>
      code === 'invalid_type' ? 'must be an object like {"token":"…","aes_key":"…"}' : undefined,
  },
);

const members = {
  appid,
  secret: filled.optional(),
  secret_file: filled.optional(),
  token_mode: z
    .enum(['stable', 'plain', 'external', 'none'], {
      error: 'must be stable, plain, external or none',
    })
    .optional(),
  token_url: z
    .string()
    .refine(
      (value) => /^https?:\/\//.test(value) && URL.canParse(value),
      'must be a URL with the scheme http or https',
    )
    .optional(),
  token_bearer: filled.optional(),
  token_bearer_file: filled.optional(),
  token_command: z
    .union([argument.min(1), z.array(argument).min(1)], {
      error: 'must be a command line, or a list of the program and its arguments',
    })
    .optional(),
  max_calls_per_second: z
    .number({ error: 'must be a number' })
    .min(0.01, 'must be from 0.01 to 100000')
    .max(100_000, 'must be from 0.01 to 100000')
    .optional(),
  parcel_lists: z.enum(['cumulative', 'delta'], { error: 'must be cumulative or delta' }).optional(),
  receipt: z.enum(['asked', 'trace'], { error: 'must be asked or trace' }).optional(),
  push: pushShape.optional(),
};
const appShape = z.looseObject(members);
type Written = z.output<typeof appShape>;

const secrets: readonly string[] = ['secret', 'token_url', 'token_bearer', 'token_command', 'push'];
const names = Object.keys(members);

/**
 * Reads the text of FAHUO_APPS_FILE. Every problem names the app, the member, its value (hidden if it is a secret), the
 * rule, and what to write instead where that is known. Pure but for `readSecret`.
 */
export function readAppsText(text: string, defaults: AppDefaults, readSecret: ReadSecret): ReadApps {
  const json = parse(text);
  if (json === undefined)
    return { kind: 'wrong', problems: ['it is no JSON: write [{"appid":"wx…","secret":"…"}]'] };
  if (!Array.isArray(json))
    return { kind: 'wrong', problems: ['it must be a list: [{"appid":"wx…","secret":"…"}]'] };
  if (json.length === 0) return { kind: 'wrong', problems: ['it is an empty list: name one app at least'] };
  const read = json.map((one: unknown, index) => readApp(one, index, { defaults, readSecret }));
  const apps = read.flatMap(({ app }) => (app === null ? [] : [app]));
  const problems = [...read.flatMap((one) => one.problems), ...repeated(json), ...sharedServers(apps)];
  return problems.length > 0 ? { kind: 'wrong', problems } : { kind: 'apps', apps };
}

type Reading = { defaults: AppDefaults; readSecret: ReadSecret };
type ReadApp = { app: App | null; problems: string[] };

function readApp(given: unknown, index: number, reading: Reading): ReadApp {
  const name = nameOf(given, index);
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    return {
      app: null,
      problems: [`${name} is ${shown(given)}: must be an object like {"appid":"wx…","secret":"…"}`],
    };
  const parsed = appShape.safeParse(given);
  const problems = [
    ...unknownMembers(given),
    ...(parsed.success ? [] : parsed.error.issues.map((issue) => broken(given, issue))),
  ];
  if (!parsed.success || problems.length > 0)
    return { app: null, problems: problems.map((one) => `${name}: ${one}`) };
  const { app, wrong } = appOf(parsed.data, reading);
  return { app, problems: wrong.map((one) => `${name}: ${one}`) };
}

/** By its appid where it has one, and always by its place: two apps may bear one appid by mistake. */
function nameOf(given: unknown, index: number): string {
  const { appid } = Object(given) as { appid?: unknown };
  return typeof appid === 'string' && appid !== '' ? `app ${index + 1} (${appid})` : `app ${index + 1}`;
}

const unknownMembers = (given: object): string[] =>
  Object.keys(given)
    .filter((member) => !names.includes(member))
    .map((member) => {
      const near = nearest(member, names);
      return near === undefined
        ? `${member} is not a member: there are ${names.join(', ')}`
        : `${member} is not a member: did you mean ${near}?`;
    });

type Json = Readonly<Record<PropertyKey, unknown>>;

function broken(given: object, { path, message }: z.core.$ZodIssue): string {
  const member = String(path[0] ?? '');
  const value = (given as Record<string, unknown>)[member];
  const name = path.filter((step) => typeof step === 'string').join('.');
  if (path.reduce<unknown>((part, step) => (Object(part) as Json)[step], given) === undefined)
    return `${name} is missing: it ${message}`;
  return `${name} is ${secrets.includes(member) ? '(hidden)' : shown(value)}: ${message}`;
}

const shown = (value: unknown): string => JSON.stringify(value).slice(0, 100);

function appOf(written: Written, reading: Reading): { app: App | null; wrong: string[] } {
  const { defaults } = reading;
  const wrong: string[] = [];
  const secretOf = (member: 'secret' | 'token_bearer'): string | undefined =>
    secretIn({ member, direct: written[member], path: written[`${member}_file`] }, reading, wrong);
  const push = written.push === undefined ? undefined : pushOf(written.push, reading, wrong);
  const token = originOf(written, {
    defaults,
    secret: secretOf('secret'),
    bearer: secretOf('token_bearer'),
    wrong,
  });
  if (token === null || wrong.length > 0) return { app: null, wrong };
  const app = {
    appid: written.appid,
    token,
    maxCallsPerSecond: written.max_calls_per_second ?? defaults.maxCallsPerSecond,
    parcelLists: written.parcel_lists ?? defaults.parcelLists,
    ...(written.receipt === undefined ? {} : { receipt: written.receipt }),
    ...(push === undefined ? {} : { push }),
  };
  return { app, wrong };
}

type GivenSecret = { member: string; direct: string | undefined; path: string | undefined };

/** As it stands there, or in the file that `member_file` names; what is wrong with that goes to `wrong`. */
function secretIn(
  { member, direct, path }: GivenSecret,
  { readSecret }: Reading,
  wrong: string[],
): string | undefined {
  if (direct !== undefined && path !== undefined)
    wrong.push(`${member} and ${member}_file are both set: keep one of them`);
  if (direct !== undefined || path === undefined) return direct;
  const read = readSecret(path);
  if ('text' in read) return read.text;
  wrong.push(`${member}_file is ${shown(path)}: ${read.why}`);
  return undefined;
}

type WrittenPush = z.output<typeof pushShape>;

function pushOf(given: WrittenPush, reading: Reading, wrong: string[]): PushSecrets | undefined {
  const before = wrong.length;
  const secretOf = (member: 'token' | 'aes_key' | 'previous_token' | 'previous_aes_key') =>
    secretIn(
      { member: `push.${member}`, direct: given[member], path: given[`${member}_file`] },
      reading,
      wrong,
    );
  const keyOf = (member: 'aes_key' | 'previous_aes_key'): string | undefined => {
    const key = secretOf(member);
    if (key !== undefined && !encodingAesKeyShape.test(key))
      wrong.push(
        `push.${member}_file is ${shown(given[`${member}_file`])}: what it holds ${encodingAesKeyRule}`,
      );
    return key;
  };
  const [token, aesKey] = [secretOf('token'), keyOf('aes_key')];
  const [previousToken, previousAesKey] = [secretOf('previous_token'), keyOf('previous_aes_key')];
  if (wrong.length === before) wrong.push(...missingIn(given, { token, aesKey }));
  if (token === undefined || wrong.length > before) return undefined;
  return { token, aesKey, previousToken, previousAesKey, componentAppid: given.component_appid };
}

type Read = { token: string | undefined; aesKey: string | undefined };

function missingIn(given: WrittenPush, { token, aesKey }: Read): string[] {
  if (token === undefined) return ['push.token is missing: name token or token_file'];
  return given.component_appid !== undefined && aesKey === undefined
    ? ['push.component_appid is set, and push.aes_key is not: the pushes of a platform are encrypted']
    : [];
}

type Given = {
  defaults: AppDefaults;
  secret: string | undefined;
  bearer: string | undefined;
  wrong: string[];
};

function originOf(written: Written, given: Given): TokenOrigin | null {
  const { defaults, secret, wrong } = given;
  const mode = written.token_mode ?? defaults.tokenMode;
  const own = (['token_url', 'token_bearer', 'token_bearer_file', 'token_command'] as const).find(
    (member) => written[member] !== undefined,
  );
  if (mode !== 'external' && own !== undefined)
    wrong.push(
      `${own} is set, and token_mode is ${mode}: write "token_mode": "external", or leave ${own} out`,
    );
  if (mode === 'none') return { mode };
  if (mode === 'external') return externalOf(written, given);
  if (secret !== undefined) return { mode, secret };
  if (wrong.length === 0)
    wrong.push(
      `secret is missing: token_mode is ${mode}, so name secret or secret_file, or another token_mode`,
    );
  return null;
}

/** What the app names itself counts; the environment's server is for those that name none. */
function externalOf(written: Written, { defaults, bearer, wrong }: Given): TokenOrigin | null {
  const own = written.token_url !== undefined || written.token_command !== undefined;
  const read = serverOf(
    {
      appid: written.appid,
      url: own ? written.token_url : defaults.tokenUrl,
      bearer: bearer ?? (own ? undefined : defaults.tokenBearer), // one server's bearer is not shown to another
      command: own ? written.token_command : defaults.tokenCommand,
    },
    { mode: 'token_mode', url: 'token_url', bearer: 'token_bearer', command: 'token_command' },
  );
  if (read.kind === 'server') return { mode: 'external', from: read.server };
  wrong.push(read.why);
  return null;
}

type ServerParts = {
  appid: string;
  url: string | undefined;
  bearer: string | undefined;
  command: string | readonly string[] | undefined;
};
type ServerNames = { mode: string; url: string; bearer: string; command: string };
type ReadServer = { kind: 'server'; server: TokenServer } | { kind: 'wrong'; why: string };

/** How the settings of the environment are called. */
export const serverSettingNames: ServerNames = {
  mode: 'FAHUO_TOKEN_MODE',
  url: 'FAHUO_TOKEN_URL',
  bearer: 'FAHUO_TOKEN_BEARER',
  command: 'FAHUO_TOKEN_COMMAND',
};

/** `{appid}` stands for the appid, in the URL and in the arguments. `named` says how the parts are called in a problem. */
export function serverOf({ appid, url, bearer, command }: ServerParts, named: ServerNames): ReadServer {
  const wrong = (why: string): ReadServer => ({ kind: 'wrong', why });
  if (url !== undefined && command !== undefined)
    return wrong(`${named.url} and ${named.command} are both set: keep one of them`);
  if (bearer !== undefined && url === undefined)
    return wrong(`${named.bearer} is set, and ${named.url} is not`);
  const filledIn = (text: string): string => text.replaceAll('{appid}', appid);
  if (url !== undefined) return { kind: 'server', server: { kind: 'url', url: filledIn(url), bearer } };
  if (command === undefined)
    return wrong(`${named.mode} is external, and neither ${named.url} nor ${named.command} is set`);
  const split =
    typeof command === 'string' ? splitCommand(command) : { kind: 'words' as const, words: [...command] };
  if (split.kind === 'wrong') return wrong(`${named.command} ${split.why}`);
  return { kind: 'server', server: { kind: 'command', argv: split.words.map(filledIn) } };
}

function repeated(apps: readonly unknown[]): string[] {
  const places = new Map<string, number[]>();
  apps.forEach((one, index) => {
    const { appid } = Object(one) as { appid?: unknown };
    if (typeof appid === 'string') places.set(appid, [...(places.get(appid) ?? []), index + 1]);
  });
  return [...places]
    .filter(([, at]) => at.length > 1)
    .map(([appid, at]) => `the appid ${appid} stands at ${at.join(' and ')}: an app has one entry`);
}

/** A token is that of one app: from one question two apps would get the same. */
function sharedServers(apps: readonly App[]): string[] {
  const firstBy = new Map<string, string>();
  return apps.flatMap(({ appid, token }) => {
    if (token.mode !== 'external') return [];
    const question = JSON.stringify(token.from);
    const first = firstBy.get(question) ?? appid;
    firstBy.set(question, first);
    return first === appid
      ? []
      : [`${appid} would get the token of ${first}: write {appid} into its token_url or token_command`];
  });
}

/** Undefined where it is no JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
