import { withTimeout } from './clock.ts';
import { messageOf } from './errors.ts';
import type { Log } from './log.ts';

/** Longer than a connection needs to say goodbye; what hangs longer is left to the end of the process. */
const closeWithinMs = 5_000;

/**
 * What was opened, to be closed in the reverse order: also when a start failed half-way, or the process would live on
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
    try {
      await withTimeout(closeWithinMs, Promise.resolve(close()));
    } catch (error) {
      this.#log.warn({ name, err: messageOf(error) }, 'close.failed');
    }
  }
}

/** What `open` opens is closed by the `close` of its result, and at once when `open` throws. */
export async function openAll<T extends object>(
  log: Log,
  open: (opened: Opened) => Promise<T>,
): Promise<T & { close: () => Promise<void> }> {
  const opened = new Opened(log);
  try {
    return { ...(await open(opened)), close: () => opened.close() };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/** What `work` opens is closed when it ends, however it ends. */
export async function whileOpen<T>(log: Log, work: (opened: Opened) => Promise<T>): Promise<T> {
  const opened = new Opened(log);
  try {
    return await work(opened);
  } finally {
    await opened.close();
  }
}
