import { jittered } from '../clock.ts';

/** What a request came to. */
export type Posted =
  | { kind: 'taken'; status: number }
  /** Answered with anything but 2xx, a redirect among them. */
  | { kind: 'refused'; detail: string }
  /** 429, or 503 with a time. */
  | { kind: 'throttled'; retryAfterMs: number | null; detail: string }
  /** 410: it is not to come again. */
  | { kind: 'gone'; detail: string }
  /** No answer, and the request may have arrived. */
  | { kind: 'unanswered'; detail: string }
  /** It was not sent. */
  | { kind: 'unreachable'; detail: string }
  /** We stopped. */
  | { kind: 'aborted' };
export type Failed = Exclude<Posted, { kind: 'taken' | 'aborted' }>;

/** How the shop's address does, as the table has it. */
export type Endpoint = {
  /** How long it has failed as a whole; null while it does not. */
  failingMs: number | null;
  /** Probes that failed since. */
  failures: number;
  /** Payments whose answers failed since the last one was taken. */
  suspects: readonly string[];
  /** Another instance was given another address or secret since this one started. */
  superseded: boolean;
};
export type EndpointChange =
  | { to: 'suspected' }
  | { to: 'failing'; failures: number; afterMs: number }
  | { to: 'paused'; reason: string };

/** What a failed try changes: when the row is tried again, and what is thought of the address. */
export type AfterFailure = {
  row: { afterMs: number; counts: boolean };
  endpoint: (EndpointChange & { suspects: readonly string[] }) | null;
};

export type Tried = {
  suspect: string;
  /** Tries that failed before, for what this answer is. */
  attempts: number;
  /** It was the one request that is let out while the address fails. */
  probe: boolean;
};
export type Options = { giveUpMs: number; random: () => number; probe: ProbeTiming };
/** From one probe to the next: doubles from the first to the second. */
export type ProbeTiming = { minMs: number; maxMs: number };

/** As Standard Webhooks recommends, then daily. */
const rowWaitsS = [5, 300, 1_800, 7_200, 18_000, 36_000, 86_400];
/** One request a wait while all fail: enough for a shop that is down, and it comes back within a minute. */
export const defaultProbe: ProbeTiming = { minMs: 1_000, maxMs: 60_000 };
/** What a Retry-After may ask for. */
const askedMinMs = 1_000;
const askedMaxMs = 3_600_000;
/** As many payments in a row, and it is not for what they are. */
const wholeFromSuspects = 3;
/** While all fail, a probe takes one that is not among so many. */
const maxSuspects = 20;

export const rowWaitMs = (attempts: number, random: () => number): number =>
  jittered((rowWaitsS[Math.min(attempts, rowWaitsS.length - 1)] ?? 0) * 1_000, random);

const probeWaitMs = (failures: number, { probe, random }: Options): number =>
  jittered(Math.min(probe.maxMs, probe.minMs * 2 ** Math.min(failures, 16)), random);

/**
 * After a request that was not taken. One payment that is refused waits by itself (P7). Where nothing was sent, where it is
 * asked for, or where the answers of several payments failed with none taken between, all wait for one probe, and that is
 * on no row's account. Pure.
 */
export function decideFailure(
  failed: Failed,
  tried: Tried,
  endpoint: Endpoint,
  options: Options,
): AfterFailure {
  const suspects = [...endpoint.suspects.filter((one) => one !== tried.suspect), tried.suspect].slice(
    -maxSuspects,
  );
  if (failed.kind === 'gone' && !endpoint.superseded) return paused(failed.detail, suspects);
  if (isOwn(failed) && endpoint.failingMs === null && suspects.length < wholeFromSuspects)
    return {
      row: { afterMs: rowWaitMs(tried.attempts, options.random), counts: true },
      endpoint: { to: 'suspected', suspects },
    };
  // The others that were on the wire when it began say nothing new.
  if (endpoint.failingMs !== null && !tried.probe) return { row: unspent(0), endpoint: null };
  return failsAsAWhole(failed, { ...endpoint, suspects }, options);
}

function failsAsAWhole(
  failed: Failed,
  { failingMs, failures: before, suspects, superseded }: Endpoint,
  options: Options,
): AfterFailure {
  // What became of an address that was left says nothing of the one that is set now.
  if (failingMs !== null && failingMs >= options.giveUpMs && !superseded)
    return paused(gaveUp(failed, failingMs), suspects);
  const failures = failingMs === null ? 0 : before + 1;
  const afterMs = askedMs(failed) ?? probeWaitMs(failures, options);
  return { row: unspent(afterMs), endpoint: { to: 'failing', failures, afterMs, suspects } };
}

/** It may be for what the answer is. */
const isOwn = ({ kind }: Failed): boolean => kind === 'refused' || kind === 'unanswered';

const paused = (reason: string, suspects: readonly string[]): AfterFailure => ({
  row: unspent(0),
  endpoint: { to: 'paused', reason, suspects },
});

const unspent = (afterMs: number): AfterFailure['row'] => ({ afterMs, counts: false });

const askedMs = (failed: Failed): number | null =>
  failed.kind === 'throttled' && failed.retryAfterMs !== null
    ? Math.min(askedMaxMs, Math.max(askedMinMs, failed.retryAfterMs))
    : null;

const gaveUp = ({ detail }: Failed, failingMs: number): string =>
  `nothing but failures for ${Math.floor(failingMs / 3_600_000)} hours, the last: ${detail}`;

/** What an answer means by its status. */
export function readStatus(
  status: number,
  { retryAfter, said }: { retryAfter: string | undefined; said: string },
  nowMs: number,
): Posted {
  if (status >= 200 && status < 300) return { kind: 'taken', status };
  const detail = said === '' ? `answered ${status}` : `answered ${status}: ${said}`;
  if (status === 410) return { kind: 'gone', detail };
  const retryAfterMs = readRetryAfter(retryAfter, nowMs);
  if (status === 429 || (status === 503 && retryAfterMs !== null))
    return { kind: 'throttled', retryAfterMs, detail };
  return { kind: 'refused', detail };
}

/** Seconds or a date (RFC 9110 §10.2.3); null where it is neither. */
export function readRetryAfter(text: string | undefined, nowMs: number): number | null {
  const trimmed = text?.trim() ?? '';
  if (/^\d+$/.test(trimmed)) return Number(trimmed) * 1_000;
  const at = /^[A-Z][a-z]{2}, \d/.test(trimmed) ? Date.parse(trimmed) : Number.NaN;
  return Number.isNaN(at) ? null : Math.max(0, at - nowMs);
}
