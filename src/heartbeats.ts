/**
 * Which loops of this process still turn. A loop says when it will say so again; one that waits for long on purpose
 * (a standby, a paused app, a Kafka that is away) says it as often as one that works.
 */
export class Heartbeats {
  readonly #withinMs: number;
  readonly #now: () => number;
  readonly #onFailure: (loop: string) => void;
  readonly #expected = new Map<object | string, { loop: string; beatAtMs: number; dueAtMs: number }>();

  /** `withinMs`: the longest that one step of any loop takes. Less than its deadlines, or a hang is over before it shows. */
  constructor(withinMs: number, now: () => number, onFailure: (loop: string) => void = () => undefined) {
    this.#withinMs = withinMs;
    this.#now = now;
    this.#onFailure = onFailure;
  }

  /** A step of the loop threw, and will be made again. */
  failed(loop: string): void {
    this.#onFailure(loop);
  }

  /** The loop turns, and will beat again within `waitMs` and one step. */
  beat(loop: string, waitMs = 0): void {
    this.#expect(loop, loop, waitMs);
  }

  /** The loop is over: nothing is expected of it. */
  end(loop: string): void {
    this.#expected.delete(loop);
  }

  /** For work that comes now and then, several at once too: it ends within one step. */
  async watch<T>(loop: string, work: Promise<T>): Promise<T> {
    const key = {};
    this.#expect(key, loop, 0);
    return work.finally(() => this.#expected.delete(key));
  }

  /** The loops that are overdue, by name. */
  stale(): StaleLoop[] {
    const now = this.#now();
    return [...this.#expected.values()]
      .filter(({ dueAtMs }) => dueAtMs < now)
      .map(({ loop, beatAtMs }) => ({ loop, silent_ms: Math.round(now - beatAtMs) }))
      .sort((a, b) => (a.loop < b.loop ? -1 : 1));
  }

  #expect(key: object | string, loop: string, waitMs: number): void {
    const beatAtMs = this.#now();
    this.#expected.set(key, { loop, beatAtMs, dueAtMs: beatAtMs + waitMs + this.#withinMs });
  }
}

export type StaleLoop = { loop: string; silent_ms: number };
