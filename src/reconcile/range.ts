import { findingKinds, type FindingKind } from '../../db/states.ts';
import { applyCompared } from './apply.ts';
import { applyButItsDay } from '../upload/read-order.ts';
import { describeAnswer, mayRead } from './call.ts';
import { compareOrders, type Compared } from './compare.ts';
import { standings, type Standing } from './decide.ts';
import type { ReconcileDeps, ReconcileOptions } from './deps.ts';
import { afterPage, isCutShort, secondsWithin, splitSpan, type Progress, type Span } from './windows.ts';

/** A payment that WeChat waits for and nothing here names. */
export type UnknownPayment = {
  transactionId: string;
  amountFen: number | null;
  paidAt: Date | null;
};

/** A payment of which WeChat and we say different things; `believed` when a second read, apart, has shown it as well. */
export type ContradictedPayment = UnknownPayment & { kind: FindingKind; believed: boolean };

/** What a person's listing of one app found; `incomplete` says from which pay time on, and why, nothing was read. */
export type Ranged = {
  appid: string;
  listed: number;
  unreadable: number;
  standings: Record<Standing, number>;
  /** `seen` by this listing; `believed`: by a second read, apart, as well. */
  findings: Record<FindingKind, { seen: number; believed: number }>;
  inComplaint: number;
  /** The first thousand. */
  unknown: UnknownPayment[];
  /** The first thousand. */
  contradicted: ContradictedPayment[];
  offered: number;
  incomplete: { from: Date; why: string } | null;
};

/** Payments that are named. */
const kept = 1_000;

const zero = <K extends string, V>(keys: readonly K[], make: () => V): Record<K, V> =>
  Object.fromEntries(keys.map((key) => [key, make()])) as Record<K, V>;

/**
 * Lists what was paid within the span, in every state, and says how it stands. Writes nothing unless `execute`; then it does
 * what the role does: records, and offers again what a second read shows.
 */
export async function listRange(
  deps: ReconcileDeps,
  options: ReconcileOptions,
  { appid, span, execute }: { appid: string; span: Span; execute: boolean },
  signal: AbortSignal,
): Promise<Ranged> {
  const ranged: Ranged = {
    ...{
      appid,
      listed: 0,
      unreadable: 0,
      inComplaint: 0,
      unknown: [],
      contradicted: [],
      offered: 0,
      incomplete: null,
    },
    standings: zero(standings, () => 0),
    findings: zero(findingKinds, () => ({ seen: 0, believed: 0 })),
  };
  for (const window of splitSpan(span)) {
    let at: Progress | null = { sweep: 'whole', watermarkMs: null, passUntilMs: null, window, cursor: null };
    const walked = new Set<string>();
    while (at?.window !== undefined && at.window !== null)
      at = await listPage(
        deps,
        options,
        { ranged, at: { ...at, window: at.window }, walked, execute },
        signal,
      );
    if (at === null) break;
  }
  return ranged;
}

type PageOf = { ranged: Ranged; at: Progress & { window: Span }; walked: Set<string>; execute: boolean };

/** Why no call may be made; null when one may. */
async function hindranceOf(deps: ReconcileDeps, appid: string, signal: AbortSignal): Promise<string | null> {
  if (deps.pauses.isPaused(appid, 'read')) return 'the app, or its reads, are paused';
  return (await mayRead(deps, appid, signal)) ? null : 'stopped';
}

/** Null when it could not be read. */
async function listPage(
  deps: ReconcileDeps,
  options: ReconcileOptions,
  { ranged, at, walked, execute }: PageOf,
  signal: AbortSignal,
): Promise<Progress | null> {
  const { appid } = ranged;
  const stopped = (why: string): null => {
    ranged.incomplete = { from: new Date(at.window.beginMs), why };
    return null;
  };
  const hindrance = await hindranceOf(deps, appid, signal);
  if (hindrance !== null) return stopped(hindrance);
  const readAt = deps.clock();
  const cursor = at.cursor === null ? {} : { lastIndex: at.cursor };
  const request = { appid, payTime: secondsWithin(at.window), pageSize: options.pageSize, ...cursor };
  const page = await deps.wechat.listOrders(request, signal);
  if (page.kind === 'failed') {
    if (!signal.aborted) await applyButItsDay(deps, appid, page.outcome);
    return stopped(signal.aborted ? 'stopped' : describeAnswer(page.answer));
  }
  const compared = await compareOrders(deps.pool, options, { appid, orders: page.orders, readAt });
  for (const one of compared) add(ranged, one);
  ranged.listed += compared.length;
  ranged.unreadable += page.unreadable + page.orders.length - compared.length;
  if (execute) {
    const applied = await applyCompared(deps, options, { appid, readAt, compared }, () => Promise.resolve());
    ranged.offered += applied.offered;
  }
  if (at.cursor !== null) walked.add(at.cursor);
  if (isCutShort(at, page, walked))
    return stopped('WeChat says that there is more, and leads to no other page');
  return afterPage(at, page, walked);
}

function add(ranged: Ranged, one: Compared): void {
  ranged.standings[one.standing] += 1;
  if (one.inComplaint) ranged.inComplaint += 1;
  const { transactionId, amountFen, paidAt } = one;
  if (one.contradiction !== null) {
    const { kind } = one.contradiction;
    const believed = one.judged === 'believe' || one.judged === 'known';
    ranged.findings[kind].seen += 1;
    if (believed) ranged.findings[kind].believed += 1;
    if (ranged.contradicted.length < kept)
      ranged.contradicted.push({ transactionId, amountFen, paidAt, kind, believed });
  }
  if (one.standing === 'unknown_here' && ranged.unknown.length < kept)
    ranged.unknown.push({ transactionId, amountFen, paidAt });
}
