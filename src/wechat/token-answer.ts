import { parseObject, type JsonObject } from './answer.ts';

/** `ttlMs` is null where nobody says how long the token lives: then it is used until WeChat refuses it. */
export type ReadToken =
  { kind: 'token'; value: string; ttlMs: number | null } | { kind: 'none'; why: string };

/** WeChat tells to store 512 characters or more (wechat.md §2.1); a third-party platform's are longer. */
const maxCharacters = 4_096;
/** Shorter than any token that was ever seen. */
const minCharacters = 16;
/** A text that nothing names must be longer: `null`, `OK` and `service_unavailable` are none. */
const minTextCharacters = 30;
/** What may stand in a token: one word, and nothing that a page or a quoted text is made of. */
const tokenShape = /^[\w\-.~+/=!$*:@%|,;()]+$/;

const valueNames = ['access_token', 'authorizer_access_token', 'accessToken', 'authorizerAccessToken'];
const lifeNames = ['expires_in', 'expiresIn'];
const endNames = ['expires_at', 'expiresAt'];

/**
 * Reads what a token server or command gave: a JSON object with `access_token` (or a platform's
 * `authorizer_access_token`), in camel case as well, and `expires_in` (seconds) or `expires_at` (unix seconds or
 * milliseconds, or a date) if they are known; or the token alone as text. One wrapping object `data` is looked into,
 * since the shops' own conventions have it (`{"code":0,"data":{…}}`). A bare text in `data` is no token: where a server
 * fails, its complaint stands in the same place. Pure.
 */
export function readTokenText(text: string, nowMs: number): ReadToken {
  const trimmed = text.replace(/^\ufeff/, '').trim();
  if (trimmed === '') return { kind: 'none', why: 'an empty answer' };
  if (trimmed.startsWith('{')) return readJson(trimmed, nowMs);
  const value = trimmed.startsWith('"') ? unquoted(trimmed) : trimmed;
  return isToken(value) && value.length >= minTextCharacters
    ? { kind: 'token', value, ttlMs: null }
    : { kind: 'none', why: 'a text that is no token' };
}

function readJson(text: string, nowMs: number): ReadToken {
  const json = parseObject(text);
  if (json === null) return { kind: 'none', why: 'JSON that cannot be parsed' };
  const inside = Object(json['data']) as JsonObject;
  const holder = firstOf(json, valueNames) === undefined ? inside : json;
  const value = firstOf(holder, valueNames);
  if (value === undefined) return { kind: 'none', why: 'JSON without access_token' };
  if (!isToken(value)) return { kind: 'none', why: 'an access_token that is no token' };
  return { kind: 'token', value, ttlMs: ttlOf(holder, nowMs) };
}

const firstOf = (json: JsonObject, names: readonly string[]): unknown =>
  names.map((name) => json[name]).find((value) => value !== undefined && value !== null);

const isToken = (value: unknown): value is string =>
  typeof value === 'string' &&
  value.length >= minCharacters &&
  value.length <= maxCharacters &&
  tokenShape.test(value);

/** A life that is over already, or is no number, says nothing: WeChat refuses a token that has ended. */
function ttlOf(json: JsonObject, nowMs: number): number | null {
  const seconds = numberOf(firstOf(json, lifeNames));
  const endMs = endOf(firstOf(json, endNames));
  const ttlMs = seconds !== null ? seconds * 1_000 : endMs !== null ? endMs - nowMs : 0;
  return ttlMs > 0 && ttlMs <= longestLifeMs ? ttlMs : null;
}

/** WeChat's tokens live two hours: what claims to live longer than a day is another unit, or a mistake. */
const longestLifeMs = 86_400_000;
/** Unix seconds are below this until the year 5138, milliseconds above it since 1973. */
const millisecondsFrom = 100_000_000_000;

function endOf(value: unknown): number | null {
  const number = numberOf(value);
  if (number !== null) return number < millisecondsFrom ? number * 1_000 : number;
  const date = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(date) ? null : date;
}

/** PHP and Java write numbers as text now and then. */
function numberOf(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  return typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : null;
}

function unquoted(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
