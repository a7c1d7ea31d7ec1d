import { setImmediate as turnOnce, setTimeout as sleep } from 'node:timers/promises';

/** Wall clock as an argument. Monotone work (durations) uses {@link monotonicMs} instead. */
export type Clock = () => Date;

export const systemClock: Clock = () => new Date();

/** Milliseconds of a clock that never steps back; only differences mean something. */
export const monotonicMs = (): number => performance.now();

/** Resolves after `ms`, or at once when `signal` aborts; never rejects. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return;
  await sleep(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
}

/** Randomness for jitter, as an argument; never for secrets. */
export const systemRandom = Math.random;

/** Resolves when what has arrived by now was handled. */
export const turn = (): Promise<void> => turnOnce();
