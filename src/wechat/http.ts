import { Pool } from 'undici';

import { notSentAnswer, type Answer, type Reply } from './answer.ts';
import { createExchange, failureOf, type Exchange } from './exchange.ts';

export type HttpOptions = {
  /** Scheme, host and, if there is one, a path prefix. */
  baseUrl: string;
  /** Sockets kept open, each with one request at a time. */
  connections?: number;
  connectTimeoutMs?: number;
  /** From the request to the first byte of the answer, and between bytes; coarse (about a second). */
  headersTimeoutMs?: number;
  bodyTimeoutMs?: number;
  /** The whole call, waiting for a socket included; kept to a few milliseconds. */
  totalTimeoutMs?: number;
  maxAnswerBytes?: number;
};

/** What a call is for: calls of one use never wait for a socket of another (http-pools.ts). */
export type CallUse = 'upload' | 'read' | 'token';

export type HttpRequest = {
  /** Whose call this is, and what for. */
  of?: { appid: string; use: CallUse };
  method?: 'GET' | 'POST';
  path: string;
  query: Readonly<Record<string, string>>;
  body: string;
  /** Strings that must not be kept in the answer; the values of `access_token` and `secret` are hidden anyway. */
  hide?: readonly string[];
  totalTimeoutMs?: number;
};

export type Http = {
  /** Resolves with an answer and its parsed body, whatever happens; never rejects. */
  call: (request: HttpRequest, signal?: AbortSignal) => Promise<Reply>;
  /** As {@link Http.call}, for those who need the answer alone. */
  post: (
    path: string,
    query: Readonly<Record<string, string>>,
    body: string,
    signal?: AbortSignal,
  ) => Promise<Answer>;
  /** Lets calls under way end, then closes the sockets. */
  close: () => Promise<void>;
};

const defaults = {
  connections: 64,
  connectTimeoutMs: 3_000,
  headersTimeoutMs: 10_000,
  bodyTimeoutMs: 10_000,
  totalTimeoutMs: 10_000,
  // get_order_list is the largest answer: 100 orders of 15 parcels stay well below.
  maxAnswerBytes: 4 * 1024 * 1024,
};

/** One pool of keep-alive sockets to one base URL. Nothing here retries: a repeated POST is the caller's decision. */
export function createHttp(given: HttpOptions): Http {
  const options = { ...defaults, ...given };
  const base = new URL(options.baseUrl);
  const prefix = base.pathname.replace(/\/$/, '');
  const pool = createPool(base.origin, options);
  const aborts = createAbortRegistry();
  const call = (request: HttpRequest, signal?: AbortSignal): Promise<Reply> =>
    new Promise((resolve) => {
      if (signal?.aborted === true) return resolve({ answer: notSentAnswer('aborted', 0), json: null });
      const limits = {
        totalTimeoutMs: request.totalTimeoutMs ?? options.totalTimeoutMs,
        maxAnswerBytes: options.maxAnswerBytes,
      };
      const exchange = createExchange(hiddenOf(request), limits, resolve);
      if (signal !== undefined) exchange.onEnd(aborts.add(signal, () => exchange.give('aborted')));
      send(pool, prefix, request, exchange);
    });
  return {
    call,
    post: async (path, query, body, signal) => (await call({ path, query, body }, signal)).answer,
    close: () => pool.close(),
  };
}

function createPool(origin: string, options: Required<HttpOptions>): Pool {
  return new Pool(origin, {
    connections: options.connections,
    pipelining: 1,
    // HTTP/2 may resend a request after GOAWAY; with HTTP/1.1 "started" and "sent" are the same.
    allowH2: false,
    connect: { timeout: options.connectTimeoutMs },
    headersTimeout: options.headersTimeoutMs,
    bodyTimeout: options.bodyTimeoutMs,
    keepAliveTimeout: 10_000,
  });
}

function send(pool: Pool, prefix: string, request: HttpRequest, exchange: Exchange): void {
  const method = request.method ?? 'POST';
  const path = `${prefix}${request.path}${queryText(request.query)}`;
  const content = method === 'POST' ? { body: request.body, headers } : {};
  try {
    pool.dispatch({ method, path, ...content }, exchange.handler);
  } catch (error) {
    exchange.give(failureOf(error));
  }
}

const headers = { 'content-type': 'application/json; charset=utf-8' };

function queryText(query: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

function hiddenOf(request: HttpRequest): readonly string[] {
  const { access_token: token, secret } = request.query as { access_token?: string; secret?: string };
  return [token ?? '', secret ?? '', ...(request.hide ?? [])];
}

/** One listener a signal instead of one a call: removing a listener walks the list, and thousands may be in flight. */
function createAbortRegistry(): { add: (signal: AbortSignal, abort: () => void) => () => void } {
  const bySignal = new WeakMap<AbortSignal, Set<() => void>>();
  const callsOf = (signal: AbortSignal): Set<() => void> => {
    const known = bySignal.get(signal);
    if (known !== undefined) return known;
    const calls = new Set<() => void>();
    bySignal.set(signal, calls);
    signal.addEventListener('abort', () => calls.forEach((abort) => abort()), { once: true });
    return calls;
  };
  return {
    add: (signal, abort) => {
      const calls = callsOf(signal);
      calls.add(abort);
      return () => calls.delete(abort);
    },
  };
}
