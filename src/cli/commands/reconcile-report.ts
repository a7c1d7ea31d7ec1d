import type { FindingKind } from '../../../db/states.ts';
import type { ContradictedPayment, Ranged, UnknownPayment } from '../../reconcile/range.ts';
import { table } from '../../table.ts';
import { showAge } from '../age.ts';
import { exitCodes } from '../output.ts';
import { yuanOf } from '../yuan.ts';

export type Report = { exitCode: number; json: object; lines: string[] };

const shown = 20;

const words: Readonly<Record<FindingKind, string>> = {
  not_held: 'to ship, acknowledged here',
  lost: 'to ship, event lost here',
  console_edit: 'other parcels',
};

/** What a listing says, app by app. Pure. */
export function reportRanged(
  ranged: readonly Ranged[],
  { execute, now, apartMs }: { execute: boolean; now: Date; apartMs: number },
): Report {
  const listed = ranged.reduce((sum, one) => sum + one.listed, 0);
  const isIncomplete = ranged.some(({ incomplete }) => incomplete !== null);
  const exitCode = isIncomplete ? exitCodes.failed : listed === 0 ? exitCodes.nothingMatched : exitCodes.done;
  const seen = ranged.flatMap(({ findings }) => Object.values(findings));
  const waits = seen.some((found) => found.seen > found.believed);
  const lines = [
    ...ranged.flatMap((one) => linesOf(one, now)),
    ...(waits
      ? [`What only one read shows is read again: by the role reconcile, or here in ${showAge(apartMs)}.`]
      : []),
    execute ? 'Done.' : 'Dry run: nothing was changed. Add --execute to do it.',
  ];
  return { exitCode, json: { dry_run: !execute, apps: ranged.map((one) => jsonOf(one)) }, lines };
}

function linesOf(ranged: Ranged, now: Date): string[] {
  const { standings, findings, unknown, contradicted, incomplete } = ranged;
  const contradictions = Object.values(findings).reduce((sum, { seen }) => sum + seen, 0);
  const twice = ({ seen, believed }: { seen: number; believed: number }): string =>
    seen === 0 ? '0' : `${seen}, ${believed} of them by two reads`;
  const rows: [string, string | number][] = [
    ['payments', ranged.listed],
    ['to ship', standings.to_ship + standings.unknown_here],
    ['  and no event here', standings.unknown_here],
    ['  and acknowledged here', twice(findings.not_held)],
    ['  and the event was lost here', twice(findings.lost)],
    ['shipped', standings.shipped],
    ['confirmed', standings.confirmed],
    ['settled', standings.settled],
    ['refunded', standings.refunded],
    ['in complaint', ranged.inComplaint],
    ['other parcels there than we sent', twice(findings.console_edit)],
    ['offered again', ranged.offered],
    ...(ranged.unreadable === 0 ? [] : [['unreadable', ranged.unreadable] as [string, number]]),
  ];
  return [
    ranged.appid,
    table(rows),
    ...(unknown.length === 0 ? [] : ['To ship, and no event here:', unknownTable(unknown, now)]),
    ...moreThanShown(standings.unknown_here),
    ...(contradicted.length === 0
      ? []
      : ['Other at WeChat than here:', contradictedTable(contradicted, now)]),
    ...moreThanShown(contradictions),
    ...(incomplete === null
      ? []
      : [`incomplete from ${incomplete.from.toISOString()} on: ${incomplete.why}`]),
  ];
}

const moreThanShown = (count: number): string[] =>
  count > shown ? [`… and ${count - shown} more; --json has a thousand.`] : [];

const unknownTable = (unknown: readonly UnknownPayment[], now: Date): string =>
  table([['payment', 'yuan', 'paid'], ...unknown.slice(0, shown).map((one) => cellsOf(one, now))]);

const contradictedTable = (contradicted: readonly ContradictedPayment[], now: Date): string =>
  table([
    ['payment', 'yuan', 'paid', 'there', 'shown by'],
    ...contradicted
      .slice(0, shown)
      .map((one) => [...cellsOf(one, now), words[one.kind], one.believed ? 'two reads' : 'one read']),
  ]);

const cellsOf = ({ transactionId, amountFen, paidAt }: UnknownPayment, now: Date): string[] => [
  transactionId,
  amountFen === null ? 'not known' : yuanOf(amountFen),
  paidAt === null ? 'not known' : `${showAge(now.getTime() - paidAt.getTime())} ago`,
];

const jsonOf = ({ unknown, contradicted, inComplaint, incomplete, ...rest }: Ranged): object => ({
  ...rest,
  in_complaint: inComplaint,
  unknown: unknown.map(namesOf),
  contradicted: contradicted.map((one) => ({
    ...namesOf(one),
    kind: one.kind,
    by_two_reads: one.believed,
  })),
  incomplete,
});

const namesOf = ({ transactionId, amountFen, paidAt }: UnknownPayment): object => ({
  transaction_id: transactionId,
  amount_fen: amountFen,
  paid_at: paidAt,
});
