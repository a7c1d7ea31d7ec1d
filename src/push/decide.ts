import { utf8Text } from '../text.ts';
import { decrypt, isSame, signatureOf } from './crypto.ts';
import { readEvent, type PushEvent } from './event.ts';
import { readMessage, type Message } from './message.ts';

/** What an app's pushes are verified with: the present ones first, then those of before while they are changed over. */
export type AppKeys = {
  /** That its pushes are encrypted for: the app's, or its third-party platform's. */
  appid: string;
  tokens: readonly string[];
  /** Empty: plain mode. With one, what is not encrypted is refused. */
  aesKeys: readonly Buffer[];
};

export type PushRequest = {
  method: string;
  /** A parameter that is given twice is an array. */
  query: Readonly<Record<string, unknown>>;
  body: Uint8Array;
};

export const pushRefusals = [
  'method', // neither GET nor POST
  'unknown_app', // no app of this path has push keys
  'malformed', // a parameter or the body is not what WeChat sends
  'too_large', // beyond the body's cap
  'stale', // its timestamp is outside of FAHUO_PUSH_TOLERANCE_S
  'signature', // not signed with a token that is known
  'in_clear', // not encrypted, and the app has a key
  'undecryptable', // signed, and not encrypted with a key that is known
  'wrong_appid', // encrypted for another app
] as const;
export type PushRefusal = (typeof pushRefusals)[number];

export type Decided =
  | { kind: 'check'; echostr: string }
  | { kind: 'event'; event: PushEvent }
  | { kind: 'refused'; reason: PushRefusal };

/** `toleranceMs` 0: a timestamp of any age. */
export type Now = { now: Date; toleranceMs: number };

/** What a request to the push address is. Cheap questions first: the body of a stranger is read last. Pure. */
export function decideRequest(request: PushRequest, keys: AppKeys | undefined, at: Now): Decided {
  if (request.method !== 'GET' && request.method !== 'POST') return refused('method');
  if (keys === undefined) return refused('unknown_app');
  const stamped = stampOf(request.query);
  if (stamped === null) return refused('malformed');
  if (isStale(stamped.timestamp, at)) return refused('stale');
  if (request.method === 'GET') return decideCheck(request.query, keys, stamped);
  return keys.aesKeys.length > 0
    ? decideEncrypted(request, keys, stamped)
    : decidePlain(request, keys, stamped);
}

const refused = (reason: PushRefusal): Decided => ({ kind: 'refused', reason });

type Stamp = { timestamp: string; nonce: string };

function stampOf(query: PushRequest['query']): Stamp | null {
  const { timestamp, nonce } = query;
  return typeof timestamp === 'string' && /^\d{1,12}$/.test(timestamp) && typeof nonce === 'string'
    ? { timestamp, nonce }
    : null;
}

const isStale = (timestamp: string, { now, toleranceMs }: Now): boolean =>
  toleranceMs > 0 && Math.abs(now.getTime() - Number(timestamp) * 1_000) > toleranceMs;

function isSigned(given: unknown, { tokens }: AppKeys, parts: readonly string[]): boolean {
  if (typeof given !== 'string') return false;
  return tokens.filter((token) => isSame(signatureOf(token, ...parts), given)).length > 0;
}

function decideCheck({ signature, echostr }: PushRequest['query'], keys: AppKeys, stamp: Stamp): Decided {
  if (typeof echostr !== 'string') return refused('malformed');
  const signed = isSigned(signature, keys, [stamp.timestamp, stamp.nonce]);
  return signed ? { kind: 'check', echostr } : refused('signature');
}

const messageOf = (body: Uint8Array): { text: string; message: Message } | null => {
  const text = utf8Text(body);
  const message = text === null ? null : readMessage(text);
  return text === null || message === null ? null : { text, message };
};

/** The signature does not cover the body: it is as genuine as the way here is safe (wechat.md §3). */
function decidePlain({ query, body }: PushRequest, keys: AppKeys, { timestamp, nonce }: Stamp): Decided {
  if (!isSigned(query['signature'], keys, [timestamp, nonce])) return refused('signature');
  const read = messageOf(body);
  if (read === null) return refused('malformed');
  if (!read.message.has('MsgType') && read.message.has('Encrypt')) return refused('undecryptable');
  return { kind: 'event', event: readEvent(read.text) };
}

/** `signature` is valid here, too, and covers nothing: only `msg_signature` counts; so does only what is encrypted. */
function decideEncrypted({ query, body }: PushRequest, keys: AppKeys, { timestamp, nonce }: Stamp): Decided {
  const read = messageOf(body);
  if (read === null) return refused('malformed');
  const encrypted = read.message.get('Encrypt');
  if (encrypted === undefined) return refused('in_clear');
  if (typeof encrypted !== 'string') return refused('malformed');
  if (!isSigned(query['msg_signature'], keys, [timestamp, nonce, encrypted])) return refused('signature');
  return decryptWith(encrypted, keys);
}

function decryptWith(encrypted: string, { appid, aesKeys }: AppKeys): Decided {
  const tried = aesKeys.map((aesKey) => decrypt(encrypted, { appid, aesKey }));
  const opened = tried.find((one) => one.kind === 'message');
  if (opened !== undefined) return { kind: 'event', event: readEvent(opened.text) };
  const wrongAppid = tried.some((one) => one.kind === 'refused' && one.reason === 'wrong_appid');
  return refused(wrongAppid ? 'wrong_appid' : 'undecryptable');
}
