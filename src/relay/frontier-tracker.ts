import type { Queryable } from '../../db/client.ts';
import { monotonicMs, sleep } from '../clock.ts';
import { advance, beginAt, wentBack, type Frontier } from './frontier.ts';
import { backOffMs, writersAfter, type Writers } from './pacing.ts';
import { readSnapshot } from './snapshot-store.ts';

/** How many snapshots a refresh takes for the writers of the first to end, and what lies between two. */
const snapshotsMax = 4;
const snapshotAgainMs = 1;

/** The frontier as one leader knows it, from snapshot to snapshot, and how many writers they showed. */
export class FrontierTracker {
  readonly #db: Queryable;
  #frontier: Frontier;
  #writers: Writers = { writers: 0, atMs: monotonicMs() };

  constructor(db: Queryable, cursor: number) {
    this.#db = db;
    this.#frontier = beginAt(cursor);
  }

  get safeId(): number {
    return this.#frontier.safeId;
  }

  backOffMs(maxMs: number): number {
    return backOffMs(this.#writers, maxMs);
  }

  /**
   * Floors are as old as the last snapshot, which may be a back-off ago: takes snapshots until the writers of the first
   * have ended, or a few. While one writer blocks everything, each read takes one anyway. Returns the last id; null when
   * the sequence was set back.
   */
  async refresh({ wasBlocked }: { wasBlocked: boolean }): Promise<number | null> {
    const first = await this.#snapshot();
    if (first === null) return null;
    this.#writers = writersAfter(this.#writers, { writers: first.writers, atMs: monotonicMs() });
    let { lastId } = first;
    for (let taken = 1; !wasBlocked && this.safeId < first.lastId && taken < snapshotsMax; taken++) {
      await sleep(snapshotAgainMs);
      const next = await this.#snapshot();
      if (next === null) return null;
      lastId = next.lastId;
    }
    return lastId;
  }

  async #snapshot(): Promise<{ lastId: number; writers: number } | null> {
    const snapshot = await readSnapshot(this.#db);
    if (wentBack(this.#frontier, snapshot)) return null;
    this.#frontier = advance(this.#frontier, snapshot);
    return { lastId: snapshot.lastId, writers: snapshot.writers.length };
  }
}
