import type { Ranged, UnknownPayment } from '../../reconcile/range.ts';
import { table } from '../../table.ts';
import { showAge } from '../age.ts';
import { exitCodes } from '../output.ts';
import { yuanOf } from '../yuan.ts';

export type Report = { exitCode: number; json: object; lines: string[] };

const shownUnknown = 20;

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
  const { standings, findings, unknown, incomplete } = ranged;
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
    ...(standings.unknown_here > shownUnknown
      ? [`… and ${standings.unknown_here - shownUnknown} more; --json has a thousand.`]
      : []),
    ...(incomplete === null
      ? []
      : [`incomplete from ${incomplete.from.toISOString()} on: ${incomplete.why}`]),
  ];
}

const unknownTable = (unknown: readonly UnknownPayment[], now: Date): string =>
  table([
    ['payment', 'yuan', 'paid'],
    ...unknown
      .slice(0, shownUnknown)
      .map(({ transactionId, amountFen, paidAt }) => [
        transactionId,
        amountFen === null ? 'not known' : yuanOf(amountFen),
        paidAt === null ? 'not known' : `${showAge(now.getTime() - paidAt.getTime())} ago`,
      ]),
  ]);

const jsonOf = ({ unknown, inComplaint, incomplete, ...rest }: Ranged): object => ({
  ...rest,
  in_complaint: inComplaint,
  unknown: unknown.map((one) => ({
    transaction_id: one.transactionId,
    amount_fen: one.amountFen,
    paid_at: one.paidAt,
  })),
  incomplete,
});
