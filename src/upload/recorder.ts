import type { Pool } from '../../db/client.ts';
import { sleep } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import { afterFailure, type Form, type NextTry } from './halving.ts';
import { inForm } from './record-form.ts';
import { statementOf, type DecidedFor, type StatementName } from './record-statements.ts';
import { record, type RecordOptions, type Written } from './record-store.ts';
import type { Decided } from './row.ts';

export type Recorded = 'done' | 'stale';
/** `tries`: how often it was left over, locked by another session or refused in every form. */
type Waiting = { decided: Decided; resolve: (recorded: Recorded) => void; tries: number };
/** Decisions of one statement. */
type Group = { name: StatementName; rows: readonly Waiting[] };
/** `again`: the group may be written already. `problem`: what the database said of the last form. */
type Try = { form: Form; again: boolean; problem: string };

type RecorderDeps = { pool: Pool; log: Log; metrics: Metrics };
type RecorderOptions = RecordOptions & { retryMs: number };

const maxBatch = 500;
const maxWriters = 2;
/** What makes a second statement beside the first worth its cost: below it, waiting for the first makes one larger batch. */
const worthAWriter = 250;
/** A row is mostly locked for a moment, by the renewal of its own lease. */
const laterMinMs = 5;
const laterMaxMs = 1_000;
const triesBeforeWarning = 8;

/**
 * Collects decisions while the last batch is being written: a lone one is written at once, a thousand a second in
 * batches, the next of which begins early when much has piled up. A database that is away is waited for; the answers
 * stay here and their leases are renewed by the caller. A row that cannot be written now, or not as it is, holds up
 * no other: see halving.ts.
 */
export class Recorder {
  readonly #deps: RecorderDeps;
  readonly #options: RecorderOptions;
  readonly #queue: Waiting[] = [];
  readonly #stopped = new AbortController();
  #writers = 0;

  constructor(deps: RecorderDeps, options: RecorderOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /** Resolves once the decision is on record; `stale` when the lease had been lost, or after `giveUp`. */
  record(decided: Decided): Promise<Recorded> {
    return new Promise((resolve) => this.#enqueue({ decided, resolve, tries: 0 }));
  }

  /** Stops trying: what is not on record now is settled by reads when the leases have run out. */
  giveUp(): void {
    this.#stopped.abort();
  }

  #enqueue(waiting: Waiting): void {
    this.#queue.push(waiting);
    if (this.#writers > 0 && (this.#writers >= maxWriters || this.#queue.length < worthAWriter)) return;
    this.#writers += 1;
    // One turn of the event loop: answers that arrived together are written together.
    setImmediate(() => void this.#drain());
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0)
      for (const group of groupsOf(this.#queue.splice(0, maxBatch)))
        await this.#write(group, { form: 'whole', again: false, problem: '' });
    this.#writers -= 1;
  }

  /** Written again until it is in: guarded by epoch and state, so a group that was written already changes nothing. */
  async #write(group: Group, first: Try): Promise<void> {
    for (let now = first; !this.#stopped.signal.aborted; now = { ...now, again: true }) {
      const failed = await this.#writeOnce(group, now);
      if (failed === null) return;
      if (failed.next.kind !== 'wait') return this.#writeOtherwise(group, failed.next, failed.now);
      await sleep(this.#options.retryMs, this.#stopped.signal);
    }
    for (const { resolve } of group.rows) resolve('stale');
  }

  /** Null when it is written. */
  async #writeOnce({ name, rows }: Group, now: Try): Promise<{ next: NextTry; now: Try } | null> {
    const { pool, log, metrics } = this.#deps;
    const decided = rows.map((waiting) => inForm(waiting.decided, now.form, now.problem));
    const written = now.form === 'parked' ? 'park' : name;
    try {
      const writing = record(pool, written, decided as DecidedFor<typeof written>[], {
        ...this.#options,
        again: now.again,
      });
      this.#resolve(rows, await metrics.heartbeats.watch('upload.recorder', writing));
      return null;
    } catch (error) {
      const problem = messageOf(error);
      log.warn({ err: problem, rows: rows.length, form: now.form }, 'outcome.not_recorded');
      return { next: afterFailure(rows.length, now.form, error), now: { ...now, problem } };
    }
  }

  async #writeOtherwise(
    { name, rows }: Group,
    next: Exclude<NextTry, { kind: 'wait' }>,
    now: Try,
  ): Promise<void> {
    switch (next.kind) {
      case 'halve':
        await this.#write({ name, rows: rows.slice(0, next.at) }, now);
        return this.#write({ name, rows: rows.slice(next.at) }, now);
      case 'reduce':
        return this.#write({ name, rows }, { ...now, form: next.to });
      case 'set_aside':
        return rows.forEach((waiting) => void this.#later(waiting));
    }
  }

  #resolve(rows: readonly Waiting[], written: Written): void {
    const moved = new Set(written.moved);
    const stale = new Set(written.stale);
    for (const waiting of rows) {
      const { id } = waiting.decided.row;
      if (moved.has(id)) waiting.resolve('done');
      else if (stale.has(id)) waiting.resolve('stale');
      else void this.#later(waiting);
    }
  }

  /** The answer stays in memory, and its lease is renewed by the caller. */
  async #later(waiting: Waiting): Promise<void> {
    const { id } = waiting.decided.row;
    if (waiting.tries === triesBeforeWarning)
      this.#deps.log.warn(
        { upload_id: id },
        'outcome.waits: another session holds the row, or it is refused',
      );
    await sleep(Math.min(laterMinMs * 2 ** waiting.tries, laterMaxMs), this.#stopped.signal);
    this.#enqueue({ ...waiting, tries: waiting.tries + 1 });
  }
}

const groupsOf = (batch: readonly Waiting[]): Group[] =>
  [...Map.groupBy(batch, ({ decided }) => statementOf(decided.transition))].map(([name, rows]) => ({
    name,
    rows,
  }));
