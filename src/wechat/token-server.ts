import { spawn, type ChildProcess } from 'node:child_process';
import { request } from 'undici';

import type { Clock } from '../clock.ts';
import { monotonicMs } from '../clock.ts';
import { notSentAnswer, parseObject, ridOf, type Answer, type AnswerFailure } from './answer.ts';
import { readTokenText } from './token-answer.ts';
import type { FetchedToken } from './token-fetch.ts';
import { nameOfServer, type TokenServer } from './token-origin.ts';

export type ServerQuestion = { server: TokenServer; timeoutMs: number; clock: Clock };

/** What a server or command said, before anybody reads a token out of it. */
type Said = { kind: 'text'; text: string } | { kind: 'failed'; failure: AnswerFailure; why: string };

const maxAnswerBytes = 65_536;

/**
 * Asks a token server or command once; never rejects. Whatever fails, nothing of a business call was sent. Neither the
 * answer nor the error output is kept: a token may stand in both.
 */
export async function askTokenServer({ server, timeoutMs, clock }: ServerQuestion): Promise<FetchedToken> {
  const startedAtMs = monotonicMs();
  const said = await (server.kind === 'url' ? askUrl(server, timeoutMs) : runCommand(server.argv, timeoutMs));
  const refused = (failure: AnswerFailure, why: string): FetchedToken => ({
    kind: 'refused',
    answer: {
      ...notSentAnswer(failure, Math.round(monotonicMs() - startedAtMs)),
      errmsg: `${nameOfServer(server)} ${why}`,
    },
  });
  if (said.kind === 'failed') return refused(said.failure, said.why);
  const read = readTokenText(said.text, clock().getTime());
  if (read.kind === 'token') return { kind: 'fetched', value: read.value, ttlMs: read.ttlMs };
  const passedOn = errcodeIn(said.text);
  if (passedOn !== null) return { kind: 'refused', answer: { ...notSentAnswer('refused', 0), ...passedOn } };
  return refused('unreadable', `gave ${read.why}`);
}

/** A server that hands on what WeChat answered (a wrong secret, an address that is not listed) is understood. */
function errcodeIn(text: string): Pick<Answer, 'errcode' | 'errmsg' | 'rid' | 'failure'> | null {
  const { errcode, errmsg } = parseObject(text.trim()) ?? {};
  if (!Number.isSafeInteger(errcode) || errcode === 0) return null;
  const said = typeof errmsg === 'string' ? errmsg.slice(0, 300) : null;
  return { errcode: errcode as number, errmsg: said, rid: ridOf(said), failure: null };
}

async function askUrl(
  { url, bearer }: Extract<TokenServer, { kind: 'url' }>,
  timeoutMs: number,
): Promise<Said> {
  const ended = AbortSignal.timeout(timeoutMs);
  try {
    const answer = await request(url, {
      method: 'GET',
      headers: {
        accept: 'application/json, text/plain',
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
      },
      signal: ended,
      reset: true, // asked some times an hour: no socket is kept
    });
    const text = await readLimited(answer.body);
    if (Math.floor(answer.statusCode / 100) !== 2)
      return { kind: 'failed', failure: 'refused', why: `answers HTTP ${answer.statusCode}` };
    if (text === null) return { kind: 'failed', failure: 'too_large', why: 'answers more than 64 KiB' };
    return { kind: 'text', text };
  } catch (error) {
    if (ended.aborted)
      return { kind: 'failed', failure: 'timeout', why: `does not answer within ${timeoutMs} ms` };
    // The message of an error may name the whole URL, and that may hold a secret; its code does not.
    const { code = 'no connection' } = Object(error) as { code?: string };
    return { kind: 'failed', failure: 'refused', why: `cannot be asked (${code})` };
  }
}

/** Null when there is more than we keep. */
async function readLimited(body: AsyncIterable<Uint8Array>): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > maxAnswerBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * Without a shell, in a process group of its own, so that what it started ends with it. Its error output goes nowhere:
 * `set -x` and `curl -v` write tokens there.
 */
function runCommand(argv: readonly string[], timeoutMs: number): Promise<Said> {
  const [program = '', ...args] = argv;
  return new Promise<Said>((resolve) => {
    // Where no descriptor is left it has no output and tells so by an event, without a listener for which we would end.
    const child: ChildProcess = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
      shell: false,
    });
    const chunks: Buffer[] = [];
    let bytes = 0;
    const end = (said: Said): void => {
      clearTimeout(timer);
      child.stdout?.destroy();
      resolve(said);
    };
    const giveUp = (failure: AnswerFailure, why: string): void => {
      killGroup(child.pid);
      end({ kind: 'failed', failure, why });
    };
    const timer = setTimeout(() => giveUp('timeout', `does not end within ${timeoutMs} ms`), timeoutMs);
    child.stdout?.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxAnswerBytes) return giveUp('too_large', 'writes more than 64 KiB');
      chunks.push(chunk);
    });
    child.on('error', (error) => end(notRun(error)));
    child.on('close', (code, signal) => {
      if (code === 0) return end({ kind: 'text', text: Buffer.concat(chunks).toString('utf8') });
      const how = code === null ? `ends by ${signal ?? 'a signal'}` : `ends with exit code ${code}`;
      end({ kind: 'failed', failure: 'refused', why: `${how}: run it by hand to see why` });
    });
  }).catch(notRun); // arguments that are too long, and no memory, are thrown
}

function notRun(error: unknown): Said {
  const { code = 'failed' } = Object(error) as { code?: string };
  return { kind: 'failed', failure: 'refused', why: `cannot be run (${code})` };
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
