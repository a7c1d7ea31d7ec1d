import { z } from 'zod';

import type { Answer, Reply } from './answer.ts';
import type { Http } from './http.ts';

export type FetchedToken =
  /** `ttlMs` is null where nobody says how long it lives. */
  { kind: 'fetched'; value: string; ttlMs: number | null } | { kind: 'refused'; answer: Answer };

const tokenBody = z.object({ access_token: z.string().min(1), expires_in: z.number().positive() });

/**
 * Asks WeChat for a token once; never rejects. `stable` gives the same token while it is valid, `plain` mints a new
 * one each time and retires the last after about five minutes. Never forces a refresh. wechat.md §2.1.
 */
export async function fetchToken(
  http: Http,
  app: { appid: string; secret: string; mode: 'stable' | 'plain'; timeoutMs: number },
  signal?: AbortSignal,
): Promise<FetchedToken> {
  const reply = await (app.mode === 'stable' ? askStable(http, app, signal) : askPlain(http, app, signal));
  const parsed = reply.answer.failure === null ? tokenBody.safeParse(reply.json) : undefined;
  if (parsed?.success === true) {
    return { kind: 'fetched', value: parsed.data.access_token, ttlMs: parsed.data.expires_in * 1000 };
  }
  return { kind: 'refused', answer: withoutToken(reply) };
}

type App = { appid: string; secret: string; timeoutMs: number };

const askStable = (http: Http, { appid, secret, timeoutMs }: App, signal?: AbortSignal): Promise<Reply> =>
  http.call(
    {
      of: { appid, use: 'token' },
      path: '/cgi-bin/stable_token',
      query: {},
      body: JSON.stringify({ grant_type: 'client_credential', appid, secret, force_refresh: false }),
      hide: [secret],
      totalTimeoutMs: timeoutMs,
    },
    signal,
  );

const askPlain = (http: Http, { appid, secret, timeoutMs }: App, signal?: AbortSignal): Promise<Reply> =>
  http.call(
    {
      of: { appid, use: 'token' },
      method: 'GET',
      path: '/cgi-bin/token',
      query: { grant_type: 'client_credential', appid, secret },
      body: '',
      totalTimeoutMs: timeoutMs,
    },
    signal,
  );

/** A body that was not understood may hold a token all the same: it is not kept. The business call was not sent. */
const withoutToken = ({ answer }: Reply): Answer => ({
  ...answer,
  bodyText: answer.errcode === null ? null : answer.bodyText,
  notSent: true,
});
