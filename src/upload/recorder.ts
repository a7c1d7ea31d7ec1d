import type { Pool } from '../../db/client.ts';
import { pause } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import * as store from './record-store.ts';
import type { Transition } from './row.ts';

export type Recorded = 'done' | 'stale';
type Waiting = { decided: store.Decided; resolve: (recorded: Recorded) => void };

/**
 * Collects decisions while the last batch is being written: a lone one is written at once, a thousand a second in
 * batches, the next of which begins early when much has piled up. A database that is away is waited for; the answers
 * stay here and their leases are renewed by the caller.
 */
export type Recorder = {
  /** Resolves once the decision is on record; `stale` when the lease had been lost. Rejects only after `giveUp`. */
  record: (decided: store.Decided) => Promise<Recorded>;
  /** Stops trying: what is not on record now is settled by reads when the leases have run out. */
  giveUp: () => void;
};

export function createRecorder(
  deps: { pool: Pool; log: Log; metrics: Metrics },
  options: store.RecordOptions & { retryMs: number },
): Recorder {
  const watch = deps.metrics.heartbeats.watch.bind(deps.metrics.heartbeats);
  const queue: Waiting[] = [];
  const stopped = new AbortController();
  let writers = 0;

  const write = async (batch: Waiting[]): Promise<void> => {
    for (const group of groupsOf(batch)) {
      const moved = new Set(await writeGroup(group));
      for (const { decided, resolve } of group) resolve(moved.has(decided.row.id) ? 'done' : 'stale');
    }
  };

  /** Written again until it is in: guarded by epoch and state, so a batch that was written already changes nothing. */
  const writeGroup = async (group: Waiting[]): Promise<number[]> => {
    const decided = group.map((waiting) => waiting.decided);
    for (let again = false; !stopped.signal.aborted; again = true) {
      try {
        return await watch('upload.recorder', apply(deps.pool, decided, { ...options, again }));
      } catch (error) {
        deps.log.warn({ err: messageOf(error), rows: group.length }, 'outcome.not_recorded');
        await pause(options.retryMs, stopped.signal);
      }
    }
    return [];
  };

  const drain = async (): Promise<void> => {
    while (queue.length > 0) await write(queue.splice(0, maxBatch));
    writers -= 1;
  };

  return {
    record: (decided) =>
      new Promise((resolve) => {
        queue.push({ decided, resolve });
        if (writers > 0 && (writers >= maxWriters || queue.length < worthAWriter)) return;
        writers += 1;
        // One turn of the event loop: answers that arrived together are written together.
        setImmediate(() => void drain());
      }),
    giveUp: () => stopped.abort(),
  };
}

const maxBatch = 500;
const maxWriters = 2;
/** What makes a second statement beside the first worth its cost: below it, waiting for the first makes one larger batch. */
const worthAWriter = 250;

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
function apply(pool: Pool, group: store.Decided[], options: store.RecordOptions): Promise<number[]> {
  const as = <T extends Transition>(): store.Decided<T>[] => group as store.Decided<T>[];
  const [first] = group;
  if (first === undefined) return Promise.resolve([]);
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
