import { setImmediate as turnOnce, setTimeout as timeout } from 'node:timers/promises';
import { FahuoError } from './errors.ts';

/** Wall clock as an argument. Monotone work (durations) uses {@link monotonicMs} instead. */
export type Clock = () => Date;

export const systemClock: Clock = () => new Date();

/** Milliseconds of a clock that never steps back; only differences mean something. */
export const monotonicMs = (): number => performance.now();

/** Resolves after `ms`, or at once when `signal` aborts; never rejects. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return;
  await timeout(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
}

/** Randomness for jitter, as an argument; never for secrets. */
export const systemRandom = Math.random;

/** Resolves when what has arrived by now was handled. */
export const turn = (): Promise<void> => turnOnce();

/** Rejects when `work` takes longer than `ms`: ioredis queues commands while it reconnects, for as long as it takes. */
export async function withTimeout<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new FahuoError('PART_FAILED', `no answer within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves when `work` has ended in whatever way, or after `ms`. Leaves no timer that would keep the process alive. */
export async function waitAtMost(ms: number, work: Promise<unknown>): Promise<void> {
  const ended = new AbortController();
  await Promise.race([work.then(nothing, nothing), sleep(ms, ended.signal)]);
  ended.abort();
}
const nothing = (): void => undefined;

/** `ms` made longer by up to a fifth, so that what failed together does not come back together. */
export const jittered = (ms: number, random: () => number): number => Math.round(ms * (1 + 0.2 * random()));
