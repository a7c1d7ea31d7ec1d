import { inTransaction, type Queryable } from '../../db/client.ts';
import { recordFacts } from '../payments/facts-store.ts';
import { offerAgain } from '../upload/verbs-store.ts';
import type { Compared } from './compare.ts';
import type { ReconcileDeps, ReconcileOptions } from './deps.ts';
import { endFindings, saveFindings, type NewFinding } from './store.ts';

type Deps = Pick<ReconcileDeps, 'pool' | 'log' | 'metrics' | 'acceptMessages'>;

/** `offered`: uploads and lost events that go through the state machine again. */
export type Applied = { offered: number };

/**
 * Does what was decided about one page, and `also` in the same transaction: how far the sweep has come is committed with
 * what its page said, never before. Lost events go through the consumer's door first, which takes each once.
 */
export async function applyCompared(
  deps: Deps,
  options: Pick<ReconcileOptions, 'accept'>,
  { appid, readAt, compared }: { appid: string; readAt: Date; compared: readonly Compared[] },
  also: (tx: Queryable, applied: Applied) => Promise<unknown>,
): Promise<Applied> {
  const believed = compared.filter(({ judged }) => judged === 'believe');
  const lost = believed.flatMap((one) => one.lost);
  if (lost.length > 0) await deps.acceptMessages(deps, lost, { ...options.accept, readFirst: true });
  const findings = compared.flatMap(findingOf);
  const { now, sum } = await inTransaction(deps.pool, async (tx) => {
    await recordFacts(
      tx,
      compared.map(({ facts }) => facts),
    );
    const ids = await saveFindings(tx, { appid, readAt, findings });
    const all = compared.map(({ transactionId }) => transactionId);
    if (all.length > 0) await endFindings(tx, { appid, readAt, shown: findings }, all);
    const first = believed.filter(({ transactionId }) => ids.has(transactionId));
    // Of two that believed the same reads one is the first: what it offered may be acknowledged anew by now.
    const notHeld = first.flatMap(notHeldOf);
    if (notHeld.length > 0) await offerAgain(tx, notHeld);
    const offered = first.filter(({ contradiction }) => contradiction?.kind !== 'console_edit').length;
    await also(tx, { offered });
    return { now: first, sum: { offered } };
  });
  tell(deps, appid, now);
  return sum;
}

const notHeldOf = ({ contradiction }: Compared): number[] =>
  contradiction?.kind === 'not_held' && contradiction.uploadId !== null ? [contradiction.uploadId] : [];

const findingOf = ({ transactionId, contradiction, judged, shown }: Compared): NewFinding[] =>
  contradiction === null || judged === null ? [] : [{ ...contradiction, transactionId, judged, shown }];

/** One line a payment that was believed. */
function tell({ log, metrics }: Deps, appid: string, believed: readonly Compared[]): void {
  for (const { transactionId, contradiction } of believed) {
    const kind = contradiction?.kind ?? 'not_held';
    const ids = { appid, payment: transactionId, kind, upload_id: contradiction?.uploadId ?? null };
    if (kind === 'console_edit') log.warn(ids, 'payment.edited_elsewhere');
    else log.warn(ids, 'payment.offered_again');
    metrics.reconcileFindings.inc({ kind });
  }
}
