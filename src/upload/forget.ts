import type { UploadKind, UploadState } from '../../db/states.ts';
import { contentOf, finishes } from './content.ts';
import type { Tombstone } from './tombstone-store.ts';

/** One row of a payment that may be forgotten. */
export type AgedRow = {
  id: number;
  appid: string;
  payment: string;
  version: number;
  kind: UploadKind;
  state: UploadState;
  attempts: number;
  errcode: number | null;
  /** WeChat said of it, in any attempt, that the payment is finished. */
  knownFinished: boolean;
  /** Null unless acknowledged. */
  body: string | null;
  /** Final, and past its retention. */
  due: boolean;
};

export type Grave = Tombstone & { ids: number[] };

/** WeChat's "the re-ship chance is used" (wechat.md §6.3). */
const chanceUsed = 10060003;

/**
 * What to forget, and what to remember of it. Pure. A payment is forgotten whole or not at all: a row that is left
 * behind would not know of those that were sent before it.
 */
export function decideGraves(rows: readonly AgedRow[]): Grave[] {
  const payments = Map.groupBy(rows, (row) => JSON.stringify([row.appid, row.payment]));
  return [...payments.values()].filter((ofOne) => ofOne.every((row) => row.due)).flatMap(graveOf);
}

function graveOf(rows: readonly AgedRow[]): Grave[] {
  const [first] = rows;
  if (first === undefined) return [];
  return [
    {
      appid: first.appid,
      payment: first.payment,
      lastVersion: Math.max(...rows.map((row) => row.version)),
      finished: rows.some(hasFinished),
      chanceSpent: rows.some(hasSpentTheChance),
      ids: rows.map((row) => row.id),
    },
  ];
}

const hasFinished = (row: AgedRow): boolean =>
  row.knownFinished || (row.body !== null && finishes(contentOf(row.body)));

/** Also one that was sent and given up unread: it may have had its effect. */
const hasSpentTheChance = (row: AgedRow): boolean =>
  row.errcode === chanceUsed || (row.kind === 'corrected' && row.attempts > 0 && row.state !== 'rejected');
