import { z } from 'zod';

import type { Answer } from './answer.ts';
import type { Called } from './call.ts';
import { bodyOf, failed, type Failed } from './replies.ts';

/** What the answers to the calls about an app say. Pure. */
type Replied = Pick<Called, 'outcome' | 'reply'>;

export type DoneResult = { kind: 'done'; answer: Answer } | Failed;
export type PathResult = { kind: 'path'; path: string; answer: Answer } | Failed;
export type FlagResult = { kind: 'flag'; value: boolean; answer: Answer } | Failed;
/** One request as WeChat received it; tokens and secrets are hidden. */
export type RidRequest = {
  /** Unix seconds. */
  invokeTime: number | null;
  costInMs: number | null;
  requestUrl: string | null;
  requestBody: string | null;
  responseBody: string | null;
  clientIp: string | null;
};
export type RidResult = { kind: 'request'; request: RidRequest; answer: Answer } | Failed;

export const readDone = (called: Replied): DoneResult =>
  called.outcome.kind === 'accepted' ? { kind: 'done', answer: called.reply.answer } : failed(called);

export function readPath(called: Replied): PathResult {
  const body = bodyOf(called, z.looseObject({ path: z.string().nullish() }));
  return body === null
    ? failed(called)
    : { kind: 'path', path: body.path ?? '', answer: called.reply.answer };
}

export function readFlag(called: Replied, member: string): FlagResult {
  const body = bodyOf(called, z.looseObject({}));
  const value = body?.[member];
  return typeof value === 'boolean' ? { kind: 'flag', value, answer: called.reply.answer } : failed(called);
}

const text = z.string().nullish().catch(null);
const integer = z.number().int().nullish().catch(null);
const ridBody = z.looseObject({
  request: z.looseObject({
    invoke_time: integer,
    cost_in_ms: integer,
    request_url: text,
    request_body: text,
    response_body: text,
    client_ip: text,
  }),
});

export function readRid(called: Replied): RidResult {
  const body = bodyOf(called, ridBody);
  if (body === null) return failed(called);
  const { request } = body;
  return {
    kind: 'request',
    request: {
      invokeTime: request.invoke_time ?? null,
      costInMs: request.cost_in_ms ?? null,
      requestUrl: hidden(request.request_url),
      requestBody: hidden(request.request_body),
      responseBody: hidden(request.response_body),
      clientIp: request.client_ip ?? null,
    },
    answer: called.reply.answer,
  };
}

/**
 * The request that is looked up went out with a token, or asked for one, or told a buyer's phone (wechat.md §10): what a
 * person is shown has none of them, by whatever longer name a platform sends it.
 */
const hidden = (given: string | null | undefined): string | null =>
  given
    ?.replaceAll(/\b(\w*(?:access_token|secret))=[^&\s"]*/g, '$1=[hidden]')
    .replaceAll(/("\w*(?:access_token|secret|waybill_token|phone)"\s*:\s*)"[^"]*"/g, '$1"[hidden]"') ?? null;
