import { FahuoError } from '../errors.ts';
import { createDoorbell, type Doorbell } from '../loop.ts';
import { nearest } from '../nearest.ts';

/** The answer goes to stdout, logs to stderr; with --json exactly one JSON value a line. */
export function answer(json: boolean | undefined, value: unknown, text: () => string): void {
  const shown = json === true ? JSON.stringify(value) : text();
  process.stdout.write(`${process.stdout.isTTY ? forTerminal(shown) : shown}\n`);
}

/** What others wrote (names in a message, texts of an answer) tells the terminal nothing; a file gets it as it is. */
const forTerminal = (text: string): string => text.replaceAll(/[^\P{Cc}\n\t]/gu, '\uFFFD');

/** Stable exit codes, which scripts rely on. */
export const exitCodes = { done: 0, failed: 1, usage: 2, nothingMatched: 3 } as const;

export const usage = (message: string): FahuoError => new FahuoError('USAGE', message);

/** A word that is not one of those that are known, with the one that it was most likely meant to be. */
export function unknownWord(what: string, word: string, known: readonly string[]): FahuoError {
  const near = nearest(word, known);
  const meant = near === undefined ? '' : `\n(Did you mean ${near}?)`;
  return usage(`${what} ${word} is not one of ${known.join(', ')}${meant}`);
}

/** @throws FahuoError USAGE unless `text` is a whole number from `min` to `max`. */
export function wholeNumber(
  name: string,
  text: string,
  { min = 0, max = Number.MAX_SAFE_INTEGER }: { min?: number; max?: number } = {},
): number {
  const value = /^-?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  const range = max === Number.MAX_SAFE_INTEGER ? `of ${min} or more` : `from ${min} to ${max}`;
  throw usage(`${name} ${text} must be a whole number ${range}`);
}

/**
 * Rung by SIGHUP, the word of a service manager to read the files again. On a terminal it is the terminal that goes: then
 * the signal ends the process, as it does without us.
 */
export function hangUpBell(): Doorbell {
  const bell = createDoorbell();
  if (!process.stdin.isTTY) process.on('SIGHUP', () => bell.ring());
  return bell;
}

/** Aborts at the first SIGINT or SIGTERM; a second one ends the process at once. */
export function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.on(name, () => {
      if (stop.signal.aborted) process.exit(exitCodes.failed);
      stop.abort();
    });
  return stop.signal;
}
