import type { LeasedRow } from './row.ts';

type Lease = { row: LeasedRow; goodUntilMs: number };

/** The rows that this process has leased, and until when it may be sure of each; times of the monotonic clock. */
export class Leases {
  readonly #leaseMs: number;
  readonly #byId = new Map<number, Lease>();

  constructor(leaseMs: number) {
    this.#leaseMs = leaseMs;
  }

  /** `askedAtMs` is before the statement ran: the database's lease cannot be shorter. */
  add(rows: readonly LeasedRow[], askedAtMs: number): void {
    for (const row of rows) this.#byId.set(row.id, { row, goodUntilMs: askedAtMs + this.#leaseMs });
  }

  /** A row under a newer epoch stays: it was claimed again before this call was forgotten. */
  drop(row: LeasedRow): void {
    if (this.#byId.get(row.id)?.row.epoch === row.epoch) this.#byId.delete(row.id);
  }

  rows(): LeasedRow[] {
    return [...this.#byId.values()].map((lease) => lease.row);
  }

  /** `ids` are the rows that the renewal matched: only those are ours for longer. */
  renewed(rows: readonly LeasedRow[], ids: readonly number[], askedAtMs: number): void {
    const kept = new Set(ids);
    for (const row of rows.filter(({ id }) => kept.has(id))) {
      const lease = this.#byId.get(row.id);
      if (lease?.row.epoch === row.epoch) lease.goodUntilMs = askedAtMs + this.#leaseMs;
    }
  }

  /** Whether a call that takes `forMs` at most ends before another instance may take the row. */
  covers(row: LeasedRow, nowMs: number, forMs: number): boolean {
    const lease = this.#byId.get(row.id);
    return lease?.row.epoch === row.epoch && lease.goodUntilMs - nowMs > forMs;
  }
}
