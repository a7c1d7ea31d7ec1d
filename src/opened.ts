import { messageOf } from './errors.ts';
import type { Log } from './log.ts';

/** Longer than a connection needs to say goodbye; what hangs longer is left to the end of the process. */
const closeWithinMs = 5_000;

/**
 * What a command opened, closed in the reverse order: also when its start failed half-way, or the process would live on
 * with a socket that nobody reads. A close that throws is said, and the others are closed all the same.
 */
export class Opened {
  readonly #log: Log;
  readonly #closes: { name: string; close: () => unknown }[] = [];

  constructor(log: Log) {
    this.#log = log;
  }

  /** Returns what was opened, so that opening and remembering are one line. */
  add<T>(name: string, opened: T, close: (opened: T) => unknown): T {
    this.#closes.push({ name, close: () => close(opened) });
    return opened;
  }

  async close(): Promise<void> {
    for (let last = this.#closes.pop(); last !== undefined; last = this.#closes.pop())
      await this.#closeOne(last);
  }

  async #closeOne({ name, close }: { name: string; close: () => unknown }): Promise<void> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new TypeError('it did not end in time')), closeWithinMs);
    try {
      await Promise.race([close(), late.promise]);
    } catch (error) {
      this.#log.warn({ name, err: messageOf(error) }, 'close.failed');
    } finally {
      clearTimeout(timer);
    }
  }
}
