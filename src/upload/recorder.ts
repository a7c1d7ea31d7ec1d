import type { Pool } from '../../db/client.ts';
import { sleep } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import { cutText } from '../text.ts';
import { afterFailure, type Form } from './halving.ts';
import * as store from './record-store.ts';
import type { AttemptRecord, Transition } from './row.ts';

export type Recorded = 'done' | 'stale';
/** `tries`: how often it was left over, locked by another session or refused in every form. */
type Waiting = { decided: store.Decided; resolve: (recorded: Recorded) => void; tries: number };

/**
 * Collects decisions while the last batch is being written: a lone one is written at once, a thousand a second in
 * batches, the next of which begins early when much has piled up. A database that is away is waited for; the answers
 * stay here and their leases are renewed by the caller. A row that cannot be written now, or not as it is, holds up
 * no other: see halving.ts.
 */
export type Recorder = {
  /** Resolves once the decision is on record; `stale` when the lease had been lost. Rejects only after `giveUp`. */
  record: (decided: store.Decided) => Promise<Recorded>;
  /** Stops trying: what is not on record now is settled by reads when the leases have run out. */
  giveUp: () => void;
};

type Try = { form: Form; again: boolean; problem: string };

export function createRecorder(
  deps: { pool: Pool; log: Log; metrics: Metrics },
  options: store.RecordOptions & { retryMs: number },
): Recorder {
  const watch = deps.metrics.heartbeats.watch.bind(deps.metrics.heartbeats);
  const queue: Waiting[] = [];
  const stopped = new AbortController();
  let writers = 0;

  const write = async (batch: Waiting[]): Promise<void> => {
    for (const group of groupsOf(batch))
      await writeGroup(group, { form: 'whole', again: false, problem: '' });
  };

  /** Written again until it is in: guarded by epoch and state, so a batch that was written already changes nothing. */
  const writeGroup = async (group: Waiting[], { form, again, problem }: Try): Promise<void> => {
    const decided = group.map((waiting) => inForm(waiting.decided, form, problem));
    for (let repeated = again; !stopped.signal.aborted; repeated = true) {
      try {
        return settle(
          group,
          await watch('upload.recorder', apply(deps.pool, decided, { ...options, again: repeated })),
        );
      } catch (error) {
        const failed = messageOf(error);
        deps.log.warn({ err: failed, rows: group.length, form }, 'outcome.not_recorded');
        const next = afterFailure(group.length, form, error);
        switch (next.kind) {
          case 'wait':
            await sleep(options.retryMs, stopped.signal);
            break;
          case 'halve':
            await writeGroup(group.slice(0, next.at), { form, again: repeated, problem });
            return writeGroup(group.slice(next.at), { form, again: repeated, problem });
          case 'reduce':
            return writeGroup(group, { form: next.to, again: repeated, problem: failed });
          case 'set_aside':
            return group.forEach((waiting) => void later(waiting));
        }
      }
    }
    for (const { resolve } of group) resolve('stale');
  };

  const settle = (group: readonly Waiting[], written: store.Written): void => {
    const moved = new Set(written.moved);
    const stale = new Set(written.stale);
    for (const waiting of group) {
      const { id } = waiting.decided.row;
      if (moved.has(id)) waiting.resolve('done');
      else if (stale.has(id)) waiting.resolve('stale');
      else void later(waiting);
    }
  };

  /** The answer stays in memory, and its lease is renewed by the caller. */
  const later = async (waiting: Waiting): Promise<void> => {
    const { id } = waiting.decided.row;
    if (waiting.tries === triesBeforeWord)
      deps.log.warn({ upload_id: id }, 'outcome.waits: another session holds the row, or it is refused');
    await sleep(Math.min(laterMinMs * 2 ** waiting.tries, laterMaxMs), stopped.signal);
    enqueue({ ...waiting, tries: waiting.tries + 1 });
  };

  const drain = async (): Promise<void> => {
    while (queue.length > 0) await write(queue.splice(0, maxBatch));
    writers -= 1;
  };

  const enqueue = (waiting: Waiting): void => {
    queue.push(waiting);
    if (writers > 0 && (writers >= maxWriters || queue.length < worthAWriter)) return;
    writers += 1;
    // One turn of the event loop: answers that arrived together are written together.
    setImmediate(() => void drain());
  };

  return {
    record: (decided) => new Promise((resolve) => enqueue({ decided, resolve, tries: 0 })),
    giveUp: () => stopped.abort(),
  };
}

const maxBatch = 500;
const maxWriters = 2;
/** What makes a second statement beside the first worth its cost: below it, waiting for the first makes one larger batch. */
const worthAWriter = 250;
/** A row is mostly locked for a moment, by the renewal of its own lease. */
const laterMinMs = 5;
const laterMaxMs = 1_000;
const triesBeforeWord = 8;

const keptProblem = 300;

/** What of a decision is written. The outcome stays what it is in every form but the last, which is for a person. */
function inForm(decided: store.Decided, form: Form, problem: string): store.Decided {
  if (form === 'whole') return decided;
  const refused = `the database refused the record: ${cutText(problem, keptProblem)}`;
  const { transition, attempts } = decided;
  if (form === 'bare')
    return {
      ...decided,
      transition: { ...transition, detail: refused },
      attempts: attempts.map(withoutTexts),
    };
  const detail = `${transition.to} by WeChat's answer ${attempts.at(-1)?.answer.errcode ?? 'without a code'}; ${refused}`;
  return {
    ...decided,
    transition: { to: 'parked', reason: 'unrecorded', detail, retryAfterMs: null },
    attempts: [],
  };
}

const withoutTexts = (attempt: AttemptRecord): AttemptRecord => ({
  ...attempt,
  answer: { ...attempt.answer, errmsg: null, rid: null, bodyText: null },
});

const kindOf = ({ to, ...rest }: Transition): string => ('spent' in rest && !rest.spent ? 'given_back' : to);

function groupsOf(batch: readonly Waiting[]): Waiting[][] {
  const groups = new Map<string, Waiting[]>();
  for (const waiting of batch) {
    const kind = kindOf(waiting.decided.transition);
    const group = groups.get(kind);
    if (group === undefined) groups.set(kind, [waiting]);
    else group.push(waiting);
  }
  return [...groups.values()];
}

/** All of `group` go to the same state. */
function apply(pool: Pool, group: store.Decided[], options: store.RecordOptions): Promise<store.Written> {
  const as = <T extends Transition>(): store.Decided<T>[] => group as store.Decided<T>[];
  const [first] = group;
  if (first === undefined) return Promise.resolve({ moved: [], stale: [] });
  const { transition } = first;
  switch (transition.to) {
    case 'acknowledged':
      return store.acknowledge(pool, as(), options);
    case 'rejected':
      return store.reject(pool, as(), options);
    case 'parked':
      return store.park(pool, as(), options);
    case 'pending':
      return transition.spent ? store.postpone(pool, as(), options) : store.giveBack(pool, as(), options);
    case 'unknown':
      return store.doubt(pool, as(), options);
  }
}
