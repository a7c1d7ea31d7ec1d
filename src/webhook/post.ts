import { Pool, type Dispatcher } from 'undici';
import { systemClock } from '../clock.ts';
import { describeFault, faultOf } from '../connection-fault.ts';
import { messageOf } from '../errors.ts';
import { storable } from '../text.ts';
import { readStatus, type Posted } from './decide.ts';

export type Post = {
  /** One POST; resolves with what it came to, whatever happens. Follows no redirect. */
  post: (headers: Readonly<Record<string, string>>, body: string, signal: AbortSignal) => Promise<Posted>;
  close: () => Promise<void>;
};

/** Of a refusal; what a person needs of it stands at its beginning. */
const saidBytes = 1_024;
const saidCharacters = 200;
/** Read of an answer that nobody needs, so that its connection can be used again; one that is longer is cut off. */
const passedBytes = 65_536;

/** One pool of keep-alive sockets to the shop's address. */
export function createPost(given: { url: string; timeoutMs: number; connections: number }): Post {
  const url = new URL(given.url);
  const { timeoutMs, connections } = given;
  const pool = new Pool(url.origin, {
    connections,
    pipelining: 1,
    allowH2: false,
    // Less than all of it: a connection that does not come about is told from an answer that does not.
    connect: { timeout: timeoutMs / 2 },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    keepAliveTimeout: 10_000,
  });
  const path = `${url.pathname}${url.search}`;
  const login = loginOf(url);
  const own = { 'content-type': 'application/json', 'user-agent': 'fahuo', ...login };
  const secrets = secretsIn(url, login.authorization);
  return {
    post: async (headers, body, signal) => {
      // Not AbortSignal.any: a signal that lives as long as the process would keep every request's.
      const ended = new AbortController();
      const end = (): void => ended.abort();
      const timer = setTimeout(end, timeoutMs);
      signal.addEventListener('abort', end, { once: true });
      try {
        const answer = await pool.request({
          method: 'POST',
          path,
          headers: { ...own, ...headers },
          body,
          signal: ended.signal,
        });
        return await read(answer, secrets, ended.signal);
      } catch (error) {
        if (signal.aborted) return { kind: 'aborted' };
        return ended.signal.aborted
          ? { kind: 'unanswered', detail: `no answer within ${timeoutMs} ms` }
          : unsent(error);
      } finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
      }
    },
    close: () => pool.destroy(),
  };
}

/** What stands before the host of a URL is no part of what a client sends by itself. */
function loginOf({ username, password }: URL): { authorization?: string } {
  if (username === '' && password === '') return {};
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(login).toString('base64')}` };
}

/** What an error page may say back of a request: of the address, logs and status show scheme, host and port alone. */
function secretsIn({ pathname, search, searchParams, username, password }: URL, login = ''): string[] {
  const raw = [pathname.slice(1), search.slice(1), ...searchParams.values(), username, password];
  const all = [...raw, ...raw.flatMap(decoded), login.replace('Basic ', '')];
  return [...new Set(all)].filter((one) => one.length >= hiddenLength).sort((a, b) => b.length - a.length);
}
/** What is shorter is a word that stands in any text. */
const hiddenLength = 4;

function decoded(text: string): string[] {
  try {
    return [decodeURIComponent(text)];
  } catch {
    return [];
  }
}

/** The status says it; a body that hangs or breaks changes nothing. */
async function read(
  answer: Dispatcher.ResponseData,
  secrets: readonly string[],
  signal: AbortSignal,
): Promise<Posted> {
  const { statusCode, headers, body } = answer;
  const taken = statusCode >= 200 && statusCode < 300;
  const said = taken
    ? await body.dump({ limit: passedBytes, signal }).then(nothing, nothing)
    : shownOf(await beginningOf(body), secrets);
  const [retryAfter] = [headers['retry-after']].flat();
  return readStatus(statusCode, { retryAfter, said }, systemClock().getTime());
}
const nothing = (): string => '';

async function beginningOf(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= saidBytes) break; // and that ends the connection
    }
  } catch {
    // What came until then is as good.
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** One line, with nothing in it that a terminal would do, and no secret of ours. */
function shownOf(text: string, secrets: readonly string[]): string {
  const line = text.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();
  const shown = secrets.reduce((rest, secret) => rest.replaceAll(secret, '…'), line);
  return storable(Array.from(shown).slice(0, saidCharacters).join(''));
}

/** Before anything could be sent. What ends later may have arrived. */
const beforeSending =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|UND_ERR_CONNECT_TIMEOUT)$/;

function unsent(error: unknown): Posted {
  const found = faultOf(error);
  if (found !== null) return { kind: 'unreachable', detail: describeFault(found) };
  const { code, errors } = Object(error) as { code?: unknown; errors?: unknown };
  // Several addresses of a host: what the first of them said.
  const first: unknown = Array.isArray(errors) ? errors[0] : error;
  const detail = storable(messageOf(first));
  return typeof code === 'string' && beforeSending.test(code)
    ? { kind: 'unreachable', detail }
    : { kind: 'unanswered', detail };
}
