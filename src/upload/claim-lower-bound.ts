/** Between two claims that look at every due row. */
const wholeEveryMs = 5_000;
/** From the time in a row's next_attempt_at to its commit no writer takes this long. */
const slackMs = 10_000;

/**
 * From where a claim looks. Rows that were claimed leave dead entries at the head of the index of due rows, and while
 * somebody holds an old snapshot (a backup, a report) no vacuum and no scan may remove them: each claim would walk
 * over all of them. So a claim begins shortly before where the last one ended; every few seconds one looks at all.
 */
export class ClaimLowerBound {
  #dueSinceMs: number | null = null;
  #wholeAtMs = Number.NEGATIVE_INFINITY;

  /** Where the next claim begins, by the database's clock; null for the beginning. `nowMs` is monotone. */
  from(nowMs: number): number | null {
    if (this.#dueSinceMs !== null && nowMs - this.#wholeAtMs < wholeEveryMs) return this.#dueSinceMs;
    this.#wholeAtMs = nowMs;
    return null;
  }

  /** `dueAtMs` of the last row that was claimed. Not the greatest ever: a clock that steps back takes it along. */
  claimed(dueAtMs: number): void {
    this.#dueSinceMs = dueAtMs - slackMs;
  }
}
