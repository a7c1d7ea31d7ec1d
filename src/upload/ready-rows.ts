import type { LeasedRow } from './row.ts';

/** Between two checks of what has waited for too long. */
const staleEveryMs = 100;

/** Rows that are claimed and wait for a slot and a permit, in the order of their claims. */
export class ReadyRows {
  readonly #rows: LeasedRow[] = [];
  #checkedAtMs: number;

  /** Times are of the monotonic clock. */
  constructor(nowMs: number) {
    this.#checkedAtMs = nowMs;
  }

  get size(): number {
    return this.#rows.length;
  }

  add(rows: readonly LeasedRow[]): void {
    this.#rows.push(...rows);
  }

  /** The first `count` rows; they wait no longer. */
  take(count: number): LeasedRow[] {
    return this.#rows.splice(0, count);
  }

  /** The rows that must not wait any longer, looked for ten times a second at most. */
  takeStale(nowMs: number, isStale: (row: LeasedRow) => boolean): LeasedRow[] {
    if (this.size === 0 || nowMs - this.#checkedAtMs < staleEveryMs) return [];
    this.#checkedAtMs = nowMs;
    const { stale = [], fresh = [] } = Object.groupBy(this.take(this.size), (row) =>
      isStale(row) ? 'stale' : 'fresh',
    );
    this.add(fresh);
    return stale;
  }
}
