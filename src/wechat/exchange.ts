import type { Dispatcher } from 'undici';

import { monotonicMs } from '../clock.ts';
import { failedAnswer, notSentAnswer, readReply, type AnswerFailure, type Reply } from './answer.ts';

export type Exchange = {
  handler: Dispatcher.DispatchHandler;
  /** Ends the call now, if it has not ended. */
  give: (failure: AnswerFailure) => void;
  onEnd: (cleanup: () => void) => void;
};

/**
 * One call's life. undici tells when a request is handed to a socket (`onRequestStart`): before that nothing can
 * have been written, and a call given up before it is aborted there, so `notSent` is a fact and not a guess.
 */
export function createExchange(
  hide: readonly string[],
  limits: { totalTimeoutMs: number; maxAnswerBytes: number },
  resolve: (reply: Reply) => void,
): Exchange {
  const startedAtMs = monotonicMs();
  let controller: Dispatcher.DispatchController | undefined;
  let httpStatus: number | null = null;
  const body = createBody(limits.maxAnswerBytes);
  let ended = false;
  let cleanup: (() => void) | undefined;
  const timer = setTimeout(() => give('timeout'), limits.totalTimeoutMs);

  const end = (reply: () => Reply): void => {
    if (ended) return;
    ended = true;
    clearTimeout(timer);
    cleanup?.();
    resolve(reply());
    body.clear();
  };
  const elapsedMs = (): number => Math.round(monotonicMs() - startedAtMs);
  const fail = (failure: AnswerFailure): void =>
    end(() => ({
      answer: (controller === undefined ? notSentAnswer : failedAnswer)(failure, elapsedMs(), httpStatus),
      json: null,
    }));
  const give = (failure: AnswerFailure): void => {
    fail(failure);
    controller?.abort(new GivenUp());
  };

  const handler: Dispatcher.DispatchHandler = {
    onRequestStart: (started) => {
      // Given up while it waited for a socket, or handed out a second time: aborted here, nothing is written.
      if (ended || controller !== undefined) return started.abort(new GivenUp());
      controller = started;
    },
    onResponseStart: (_controller, statusCode) => {
      httpStatus = statusCode;
    },
    onResponseData: (_controller, chunk) => {
      if (!body.add(chunk)) give('too_large');
    },
    onResponseEnd: () => end(() => readReply(httpStatus ?? 0, body.text(), elapsedMs(), hide)),
    onResponseError: (_controller, error) =>
      fail(controller === undefined ? connectFailureOf(error) : failureOf(error)),
  };
  return { handler, give, onEnd: (added) => (ended ? added() : (cleanup = added)) };
}

/** The bytes of an answer; `add` says whether they are still within the limit. */
function createBody(maxBytes: number) {
  let chunks: Buffer[] = [];
  let bytes = 0;
  return {
    add: (chunk: Buffer): boolean => {
      bytes += chunk.length;
      if (bytes <= maxBytes) chunks.push(chunk);
      return bytes <= maxBytes;
    },
    text: (): string => Buffer.concat(chunks).toString('utf8'),
    clear: (): void => void (chunks = []),
  };
}

/** The reason for which we abort a request; nobody sees it but undici. */
class GivenUp extends Error {
  readonly code = 'FAHUO_GIVEN_UP';
}

const failures: Readonly<Record<string, AnswerFailure>> = {
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  UND_ERR_HEADERS_TIMEOUT: 'timeout',
  UND_ERR_BODY_TIMEOUT: 'timeout',
  UND_ERR_ABORTED: 'aborted',
  UND_ERR_CLOSED: 'aborted',
  UND_ERR_DESTROYED: 'aborted',
  UND_ERR_HEADERS_OVERFLOW: 'too_large',
};

const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : '';

/** What ended a call whose request may have been written. */
export function failureOf(error: unknown): AnswerFailure {
  const code = codeOf(error);
  return failures[code] ?? (code.startsWith('HPE_') ? 'unreadable' : 'reset');
}

const connectFailureOf = (error: unknown): AnswerFailure => failures[codeOf(error)] ?? 'refused';
