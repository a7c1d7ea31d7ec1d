import type { Clock } from '../clock.ts';
import { notSentAnswer, type Answer, type Reply } from './answer.ts';
import type { CallUse, Http } from './http.ts';
import { classifyUpload, isTokenErrcode, type Outcome } from './outcome.ts';
import type { TokenSource } from './token.ts';

export const uploadPath = '/wxa/sec/order/upload_shipping_info';
export const getOrderPath = '/wxa/sec/order/get_order';
export const quotaPath = '/cgi-bin/openapi/quota/get';

export type CallDeps = { http: Http; tokens: TokenSource; clock: Clock };
export type CallRequest = {
  appid: string;
  path: string;
  body: string;
  /** Asked right before each request is put on the wire: false makes none. */
  mayCall?: (() => boolean) | undefined;
  /** Strings of the body that must not be kept in the answer. */
  hide?: readonly string[];
};

/** `refused`: the answer to the first request, where WeChat refused its token and `reply` is the second one's. */
export type Called = { outcome: Outcome; reply: Reply; refused: Answer | null };

const notCalled: Omit<Called, 'refused'> = {
  outcome: { kind: 'unknown', reason: 'not sent: the lease could have ended before the call', notSent: true },
  reply: { answer: notSentAnswer('aborted', 0), json: null },
};

/** A refused token means that the call itself was not looked at (wechat.md §2.2), so repeating it once is safe. */
export async function callWithToken(
  deps: CallDeps,
  request: CallRequest,
  signal?: AbortSignal,
): Promise<Called> {
  const first = await callOnce(deps, request, signal);
  if (!isTokenErrcode(first.reply.answer.errcode) || first.reply.answer.notSent === true)
    return { ...first, refused: null };
  return { ...(await callOnce(deps, request, signal)), refused: first.reply.answer };
}

async function callOnce(
  { http, tokens, clock }: CallDeps,
  request: CallRequest,
  signal?: AbortSignal,
): Promise<Omit<Called, 'refused'>> {
  const token = await tokens.current(request.appid, signal);
  if (token.kind === 'unavailable')
    return { outcome: token.outcome, reply: { answer: token.answer, json: null } };
  if (request.mayCall?.() === false) return notCalled;
  const query: Record<string, string> = token.value === '' ? {} : { access_token: token.value };
  const of = { appid: request.appid, use: useOf(request.path) };
  const { path, body, hide = [] } = request;
  const reply = await http.call({ of, path, query, body, hide }, signal);
  const { answer } = reply;
  if (isTokenErrcode(answer.errcode)) await tokens.failed(request.appid, token);
  // A negative code is WeChat's own trouble, and proves nothing about the token.
  else if ((answer.errcode ?? -1) >= 0) tokens.worked(request.appid, token);
  return { outcome: classifyUpload(answer, clock()), reply };
}

/** A quota is asked while uploads and reads may hang: it goes with the tokens. */
const useOf = (path: string): CallUse =>
  path === uploadPath ? 'upload' : path === quotaPath ? 'token' : 'read';
