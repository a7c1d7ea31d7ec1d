import { cutText } from '../text.ts';

/**
 * What one call to WeChat came to, as far as it can be recorded: never the token, never the secret.
 * `errcode` is null when the body had none (then nothing is known), `httpStatus` when no answer began.
 */
export type Answer = {
  httpStatus: number | null;
  errcode: number | null;
  errmsg: string | null;
  /** WeChat's id of the request, cut from `errmsg`; it can be looked up for seven days (wechat.md §2.3). */
  rid: string | null;
  /** What stood in `errcode`'s place when it was no whole number that we can hold exactly. */
  oddErrcode?: string;
  /** The first 4,096 characters of the body. */
  bodyText: string | null;
  failure: AnswerFailure | null;
  durationMs: number;
  /** True only if provably nothing was put on the wire: the call may be made again without a read. */
  notSent?: boolean;
};

export type AnswerFailure = 'timeout' | 'reset' | 'refused' | 'too_large' | 'unreadable' | 'aborted';

/** An answer and its whole parsed body; `json` is null unless the body is a JSON object. */
export type Reply = { answer: Answer; json: JsonObject | null };

export type JsonObject = { readonly [name: string]: unknown };

const keptBodyCharacters = 4096;
const keptRidCharacters = 128;
const keptErrcodeCharacters = 40;
const hiddenText = '[hidden]';

/** Reads a complete body. `hide` lists strings that must not be kept, wherever they stand in it. */
export function readReply(
  httpStatus: number,
  body: string,
  durationMs: number,
  hide: readonly string[],
): Reply {
  const json = parseObject(body);
  const errmsg = stringOf(json?.['errmsg']);
  const rid = ridOf(errmsg);
  const answer: Answer = {
    httpStatus,
    errcode: integerOf(json?.['errcode']),
    ...oddErrcodeOf(json?.['errcode'], hide),
    errmsg: errmsg === null ? null : cutText(hideIn(errmsg, hide)),
    rid: rid === null ? null : cutText(rid, keptRidCharacters),
    bodyText: cutText(hideIn(body, hide), keptBodyCharacters),
    failure: json === null ? 'unreadable' : null,
    durationMs,
  };
  return { answer, json };
}

/** The answer of a call that ended without a complete body. */
export function failedAnswer(
  failure: AnswerFailure,
  durationMs: number,
  httpStatus: number | null = null,
): Answer {
  return { httpStatus, errcode: null, errmsg: null, rid: null, bodyText: null, failure, durationMs };
}

/** The answer of a call that was never put on the wire. */
export function notSentAnswer(failure: AnswerFailure, durationMs: number): Answer {
  return { ...failedAnswer(failure, durationMs), notSent: true };
}

/** The request id that ends every `errmsg` of WeChat; wechat.md §2.2. */
export function ridOf(errmsg: string | null): string | null {
  return errmsg?.match(/\brid: ?([0-9a-z]+(?:-[0-9a-z]+)*)/i)?.[1] ?? null;
}

export function parseObject(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && !Array.isArray(value) ? (value as JsonObject | null) : null;
  } catch {
    return null;
  }
}

const stringOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const integerOf = (value: unknown): number | null => (Number.isSafeInteger(value) ? (value as number) : null);

function oddErrcodeOf(value: unknown, hide: readonly string[]): { oddErrcode?: string } {
  if (value === undefined || value === null || Number.isSafeInteger(value)) return {};
  return { oddErrcode: cutText(hideIn(JSON.stringify(value), hide), keptErrcodeCharacters) };
}

function hideIn(text: string, hide: readonly string[]): string {
  return hide.reduce((left, secret) => (secret === '' ? left : left.replaceAll(secret, hiddenText)), text);
}
