import { monotonicMs, sleep } from '../../src/clock.ts';

/** Polls until `check` stops throwing; throws its last error when the deadline has passed. */
export async function eventually<T>(
  check: () => T | Promise<T>,
  timeoutMs = 30_000,
  everyMs = 50,
): Promise<T> {
  const deadline = monotonicMs() + timeoutMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (monotonicMs() > deadline) throw error;
      await sleep(everyMs);
    }
  }
}
