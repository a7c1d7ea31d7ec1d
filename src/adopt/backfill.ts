import { monotonicMs, sleep } from '../clock.ts';
import * as store from './backfill-store.ts';
import type { AdoptDeps } from './deps.ts';
import type { AdoptFile } from './file.ts';
import { lookAtAll, planFor } from './look-at.ts';
import type { Plan } from './look.ts';
import { addPlan, newTally, type Tally } from './tally.ts';
import type { Key } from './shop.ts';

/**
 * Old orders, in batches by key → events, once each: what was said is not said again, so a walk that was killed goes on
 * where it was, and one that is made again says nothing new.
 */
export type BackfillOptions = {
  execute: boolean;
  sinceMs: number | null;
  /** Orders a second; null as fast as it goes. */
  rate: number | null;
  readFirst: boolean;
};

type Deps = Pick<AdoptDeps, 'pool' | 'log' | 'shop' | 'file' | 'carriers' | 'newId' | 'random' | 'nowMs'>;

const batch = 1_000;

/** Walks over every kind that the file names under `backfill`. Stops between two batches when `signal` aborts. */
export async function backfill(deps: Deps, options: BackfillOptions, signal: AbortSignal): Promise<Tally> {
  const tally = newTally();
  for (const kind of kindsOf(deps.file)) await walk(deps, { kind, tally, ...options }, signal);
  return tally;
}

export const kindsOf = ({ backfill: walks }: AdoptFile): string[] =>
  walks.flatMap(({ keys }) => Object.keys(keys));

type Walk = BackfillOptions & { kind: string; tally: Tally };

async function walk(deps: Deps, { kind, tally, ...options }: Walk, signal: AbortSignal): Promise<void> {
  const { sinceMs } = options;
  const resumed = options.execute
    ? await resume(deps, { kind, ...options })
    : { cursor: null, finished: false };
  if (resumed.finished) return;
  const seen = new Set<string>();
  let after = resumed.cursor;
  while (!signal.aborted) {
    const startedMs = monotonicMs();
    const refs = await deps.shop.walk({ kind, after, sinceMs, limit: batch });
    const last = refs.at(-1);
    if (last === undefined) {
      if (options.execute) await store.finishWalk(deps.pool, deps.file.name, kind);
      return;
    }
    const keys = refs.map((ref) => ({ kind, ref }));
    addPlan(tally, keys, ...(await lookAtBatch(deps, { kind, keys, last, seen, ...options })));
    after = last;
    await keepRate(options.rate, { count: refs.length, startedMs }, signal);
  }
}

/** Where an unfinished walk with the same options stands; another begins. A finished one ends when asked for again. */
async function resume(
  { pool, file }: Deps,
  { kind, sinceMs, readFirst }: Omit<Walk, 'tally'>,
): Promise<{ cursor: string | null; finished: boolean }> {
  const before = (await store.readProgress(pool, file.name)).find((one) => one.kind === kind);
  if (
    before !== undefined &&
    !before.finished &&
    before.sinceMs === sinceMs &&
    before.readFirst === readFirst
  )
    return before;
  await store.beginWalk(pool, file.name, { kind, sinceMs, readFirst });
  return { cursor: null, finished: false };
}

type Batch = BackfillOptions & { kind: string; keys: Key[]; last: string; seen: Set<string> };

/**
 * The events are counted where they are written. The cursor moves when all of the batch is: a batch that was cut off is
 * looked at again, and says nothing twice.
 */
async function lookAtBatch(
  deps: Deps,
  { kind, keys, last, seen, execute, readFirst }: Batch,
): Promise<Plan[]> {
  const nowMs = deps.nowMs();
  const options = { touchedAtMs: () => nowMs, backfill: true, readFirst };
  if (!execute) return [withoutSeen(await planFor(deps, keys, options), keys, seen)];
  const { name } = deps.file;
  const plans = await lookAtAll(deps, keys, {
    ...options,
    also: (tx, { events }) => store.countEvents(tx, name, { kind, events: events.length }),
  });
  await store.saveCursor(deps.pool, name, { kind, cursor: last, looked: keys.length });
  return plans;
}

/** A dry run writes nothing that would show a payment as said when another batch meets it again. */
function withoutSeen(plan: Plan, keys: readonly Key[], seen: Set<string>): Plan {
  const own = new Set(keys.map(({ ref }) => ref));
  const kind = keys[0]?.kind;
  const nameOf = (row: { appid: string | null; payment: string | null }): string =>
    `${row.appid ?? ''}\n${row.payment ?? ''}`;
  const spanning = new Set(plan.keys.filter((key) => key.kind === kind && !own.has(key.ref)).map(nameOf));
  const isNew = (row: { appid: string | null; payment: string | null }): boolean => !seen.has(nameOf(row));
  const kept = {
    events: plan.events.filter(({ row }) => isNew(row)),
    payments: plan.payments.filter(isNew),
    keys: plan.keys,
  };
  for (const name of spanning) seen.add(name);
  return kept;
}

async function keepRate(
  rate: number | null,
  { count, startedMs }: { count: number; startedMs: number },
  signal: AbortSignal,
): Promise<void> {
  if (rate === null) return;
  await sleep(Math.max(0, (count / rate) * 1_000 - (monotonicMs() - startedMs)), signal);
}
