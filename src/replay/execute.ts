import { monotonicMs, sleep } from '../clock.ts';
import { addAccepted, noneAccepted, type Accepted } from '../consumer/accepted.ts';
import { chunksOf } from '../consumer/batch.ts';
import { acceptMessages } from '../consumer/handle.ts';
import { readProgress } from '../consumer/store.ts';
import type { Received } from '../kafka/message.ts';
import type { OffsetRange } from '../kafka/offset-range.ts';
import {
  addToReplay,
  endReplay,
  groupOf,
  insertReplay,
  readReplay,
  stopReplay,
  type Lease,
  type ReplayRow,
} from './replay-store.ts';
import type { Planned, ReplayDeps, ReplayOptions } from './run.ts';
import { readStretches, remainingOf } from './stretches.ts';

const leaseMs = 10_000;

export type Execution = {
  /** The name of this process: the replay is its own while the lease lasts. */
  owner: string;
  signal: AbortSignal;
};

/** Puts a planned replay on record and does what the plan says, through the same door as the live group. */
export async function executeReplay(
  deps: ReplayDeps,
  options: ReplayOptions,
  {
    planned,
    selection,
    rate,
    startedBy,
    ...execution
  }: Execution & { planned: Planned; selection: string; rate: number | null; startedBy: string },
): Promise<ReplayRow> {
  const { ranges, retryIds } = planned;
  const { topic } = options;
  const { owner } = execution;
  const row = await insertReplay(deps.pool, {
    ...{ selection, topic, ranges, retryIds, rate, startedBy },
    ...{ owner, leaseMs },
  });
  return goOn(deps, options, { row, ...execution });
}

export const leaseOf = (owner: string): Lease => ({ owner, leaseMs });

/** Reads what is left of a running replay that is this process's, and ends it; its row as it stands then. */
export async function goOn(
  deps: ReplayDeps,
  options: ReplayOptions,
  { row, owner, signal }: Execution & { row: ReplayRow },
): Promise<ReplayRow> {
  const { id, topic, rate } = row;
  const group = groupOf(id);
  const before = await readProgress(deps.pool, group, topic);
  const lost = new AbortController();
  const stop = AbortSignal.any([signal, lost.signal]);
  const pace = createPace(rate);
  const accept = async (messages: Received[]): Promise<void> => {
    for (const chunk of piecesOf(messages, rate)) {
      const last = chunk.at(-1);
      if (stop.aborted || last === undefined) return;
      const progress = { group, topic, partition: last.partition, next: last.offset + 1 };
      const accepted = await acceptMessages(deps, chunk, { ...options, progress });
      if (!(await addToReplay(deps.pool, id, { accepted, owner, leaseMs }))) lost.abort();
      await pace(chunk.length, stop);
    }
  };
  const stretches = remainingOf(row.ranges, before);
  const unread = await readStretches(deps, options, { stretches, signal: stop }, accept);
  if (lost.signal.aborted) return (await readReplay(deps.pool, id)) ?? row;
  if (signal.aborted) return (await stopReplay(deps.pool, id, 'paused')) ?? row;
  return end(deps, row, [...passedOver(row.unread, before), ...unread]);
}

async function end(deps: ReplayDeps, row: ReplayRow, unread: readonly OffsetRange[]): Promise<ReplayRow> {
  const retried = row.retryIds.length === 0 ? 0 : await deps.retryParked(deps.pool, row.retryIds);
  const state = unread.length === 0 ? 'done' : 'incomplete';
  return (await endReplay(deps.pool, row.id, { state, retried, unread })) ?? row;
}

/** What an earlier run could not read and went past. */
const passedOver = (
  unread: readonly OffsetRange[] | null,
  progress: ReadonlyMap<number, number>,
): OffsetRange[] => (unread ?? []).filter(({ partition, to }) => to <= (progress.get(partition) ?? 0));

/** At most a second's worth at once, so that a slow replay can be paused, and keeps its lease. */
const piecesOf = (messages: readonly Received[], rate: number | null): Received[][] =>
  chunksOf(messages).flatMap((chunk) => {
    const size = Math.min(chunk.length, Math.max(1, rate ?? chunk.length));
    return Array.from({ length: Math.ceil(chunk.length / size) }, (_, at) =>
      chunk.slice(at * size, (at + 1) * size),
    );
  });

/** Sleeps until as many events as were taken are due at this rate. */
function createPace(rate: number | null): (taken: number, signal: AbortSignal) => Promise<void> {
  const startMs = monotonicMs();
  let count = 0;
  return async (taken, signal) => {
    if (rate === null) return;
    count += taken;
    await sleep(Math.max(0, startMs + (count / rate) * 1_000 - monotonicMs()), signal);
  };
}

/** What a replay did so far. */
export const acceptedOf = ({ inserted, duplicate, superseded, dead }: ReplayRow): Accepted =>
  addAccepted(noneAccepted, { inserted, duplicate, superseded, dead });
