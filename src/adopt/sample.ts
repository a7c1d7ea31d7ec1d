import { kindsOf } from './backfill.ts';
import { columnFindings } from './columns.ts';
import type { AdoptDeps } from './deps.ts';
import { planFor } from './look-at.ts';
import { groupByPayment } from './look.ts';
import { readParts } from './read-parts.ts';
import type { Finding, Key } from './shop.ts';
import { addPlan, newTally, type Tally } from './tally.ts';

type Deps = Pick<AdoptDeps, 'pool' | 'log' | 'shop' | 'file' | 'carriers' | 'newId' | 'random' | 'nowMs'>;

export type Sampled = { keys: Key[]; tally: Tally; events: unknown[] };

/** So many events are shown. */
const shownEvents = 3;

/** What a look at the newest orders of each kind would say, were nothing said yet; changes nothing. */
export async function lookAtSample(deps: Deps, limit: number): Promise<Sampled> {
  const keys = (
    await Promise.all(
      kindsOf(deps.file).map(async (kind) =>
        (await deps.shop.walk({ kind, after: null, sinceMs: null, limit, newestFirst: true })).map((ref) => ({
          kind,
          ref,
        })),
      ),
    )
  ).flat();
  const nowMs = deps.nowMs();
  const plan = await planFor(deps, keys, { touchedAtMs: () => nowMs });
  const tally = newTally();
  addPlan(tally, keys, plan);
  return {
    keys,
    tally,
    events: plan.events.slice(0, shownEvents).map(({ text }) => JSON.parse(text) as unknown),
  };
}

/** A payment of which one order alone gives fewer parts than its orders together. */
export type Piecemeal = { payment: string; key: Key; alone: number; together: number };

const maxPayments = 20;

/**
 * Whether the parts query gives every part of a payment, whichever of its orders is asked for. Where it does not, the first
 * order to ship would look like all of them.
 */
export async function readPiecemeal(deps: Deps, keys: readonly Key[]): Promise<Piecemeal[]> {
  const all = await readParts(deps.shop, deps.file, keys);
  if (all.kind === 'broken') return [];
  const shared = groupByPayment(all.parts, [])
    .filter(
      ({ parts }) =>
        new Set(parts.flatMap((part) => part.keys.map(({ ref }) => ref))).size > 1 && parts.length > 1,
    )
    .slice(0, maxPayments);
  const found: Piecemeal[] = [];
  for (const { payment, parts } of shared)
    for (const key of parts.flatMap((part) => part.keys.slice(0, 1))) {
      const alone = await readParts(deps.shop, deps.file, [key]);
      if (alone.kind === 'broken') continue;
      const count =
        groupByPayment(alone.parts, []).find((group) => group.payment === payment)?.parts.length ?? 0;
      if (count < parts.length) found.push({ payment, key, alone: count, together: parts.length });
    }
  return found;
}

/** What the columns of the parts query say of its spelling; nothing where it gave no row. */
export async function readColumnFindings(
  { shop, file }: Pick<Deps, 'shop' | 'file'>,
  keys: readonly Key[],
): Promise<Finding[]> {
  const answer = await shop.readParts(keys);
  const [row] = answer.kind === 'rows' ? answer.rows : [];
  return row === undefined ? [] : columnFindings(Object.keys(row), file.kinds);
}
