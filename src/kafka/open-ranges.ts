import { monotonicMs, sleep } from '../clock.ts';
import type { Received } from './message.ts';
import type { OffsetRange } from './offset-range.ts';

/** What is still to be read of each partition, and when anything was heard last. */
export class OpenRanges {
  readonly #byPartition: Map<number, OffsetRange>;
  #heardAtMs = monotonicMs();
  #underWay = 0;

  constructor(ranges: readonly OffsetRange[]) {
    const some = ranges.filter(({ from, to }) => from < to);
    this.#byPartition = new Map(some.map((range) => [range.partition, range]));
  }

  isEmpty = (): boolean => this.#byPartition.size === 0;
  all = (): OffsetRange[] => [...this.#byPartition.values()];

  wants({ partition, offset }: Received): boolean {
    const range = this.#byPartition.get(partition);
    return range !== undefined && offset >= range.from && offset < range.to;
  }

  /** Messages that are being handled are no silence, however long that takes. */
  async during(work: Promise<void>): Promise<void> {
    this.#underWay += 1;
    try {
      await work;
    } finally {
      this.#underWay -= 1;
      this.#heardAtMs = monotonicMs();
    }
  }

  reached(partition: number, next: number): void {
    const range = this.#byPartition.get(partition);
    if (range === undefined || next <= range.from) return;
    this.#heardAtMs = monotonicMs();
    if (next >= range.to) this.#byPartition.delete(partition);
    else this.#byPartition.set(partition, { ...range, from: next });
  }

  /** Resolves when all is read, or nothing was heard for so long. */
  async untilRead(patienceMs: number): Promise<void> {
    this.#heardAtMs = monotonicMs();
    while (!this.isEmpty() && (this.#underWay > 0 || monotonicMs() - this.#heardAtMs < patienceMs))
      await sleep(20);
  }
}
