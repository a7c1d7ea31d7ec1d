import type { UploadKind, UploadState } from '../../db/states.ts';
import {
  contentOf,
  finishes,
  isOtherKindThan,
  isSameContent,
  takesBack,
  type Content,
  type Verdict,
} from './content.ts';

/** One row of a payment, under whichever key; `body` only where WeChat acknowledged it. */
export type SiblingRow = {
  id: number;
  version: number;
  kind: UploadKind;
  state: UploadState;
  /** Of its last claim; null before the first. */
  uploadTimeMs: number | null;
  body: string | null;
  /** Codes that proved the payment finished: see {@link finishedCodes}. */
  finishedCodes: readonly number[];
};

/** What a tombstone keeps of a payment: see tombstone-store.ts. */
export type Grave = { finished: boolean; chanceSpent: boolean };

/** Codes that prove the payment finished, whatever a lagging read shows: never shipped again from here (P5). */
export const finishedCodes: readonly number[] = [10060002, 10060003];
const chanceUsed = 10060003;

/** What our own record says of a payment's events, however far a read lags behind. */
export type Siblings = {
  /** A row of the payment's other key is, or may be, on the wire. */
  inFlight: boolean;
  /** An acknowledged event of ours finished the payment, or WeChat said that it is finished. */
  finished: boolean;
  /** A correction of ours was acknowledged, or WeChat said that the chance is used. */
  spent: boolean;
  /** The last acknowledged event has another delivery_mode or logistics_type. */
  otherKind: boolean;
  /** The last acknowledged event carried this very content. */
  carried: boolean;
  /** An event before the last acknowledged one carried it: a read that shows it may be an old one. */
  returns: boolean;
  /** This one leaves out a parcel of the last acknowledged one, and brings none: where WeChat merges, it has no effect. */
  takesBack: boolean;
  /** A newer version was acknowledged, under the payment's other key: the next claim knows it, and supersedes this one. */
  overtaken: boolean;
  /** The last upload_time of the payment's other rows: WeChat takes none that is not later (wechat.md §6.6). */
  lastUploadTimeMs: number;
  /** Acknowledged contents, oldest first. */
  acknowledged: readonly Content[];
};

export const noSiblings: Siblings = {
  inFlight: false,
  finished: false,
  spent: false,
  otherKind: false,
  carried: false,
  returns: false,
  takesBack: false,
  overtaken: false,
  lastUploadTimeMs: -Infinity,
  acknowledged: [],
};

/** Leaves out a parcel of `last`, and brings none. */
const isPartOf = (ours: Content, last: Content): boolean => takesBack(ours, last) && !takesBack(last, ours);

/** Pure. `rows` are all rows of the payment, the row itself among them; `graves` tell of those that were forgotten. */
export function siblingsOf(
  row: { id: number; version: number; body: string },
  rows: readonly SiblingRow[],
  graves: readonly Grave[] = [],
): Siblings {
  const ours = contentOf(row.body);
  const others = rows.filter((one) => one.id !== row.id);
  const acknowledged = others
    .toSorted((left, right) => left.version - right.version || left.id - right.id)
    .flatMap((one) => (one.state === 'acknowledged' && one.body !== null ? [contentOf(one.body)] : []));
  const last = acknowledged.at(-1);
  const carried = last !== undefined && isSameContent(last, ours);
  const codes = rows.flatMap((one) => one.finishedCodes);
  return {
    inFlight: others.some((one) => one.state === 'uploading' || one.state === 'unknown'),
    finished: codes.length > 0 || acknowledged.some(finishes) || graves.some((grave) => grave.finished),
    spent:
      graves.some((grave) => grave.chanceSpent) ||
      codes.includes(chanceUsed) ||
      others.some((one) => one.state === 'acknowledged' && one.kind === 'corrected'),
    otherKind: last !== undefined && isOtherKindThan(last, ours),
    carried,
    returns: !carried && acknowledged.some((one) => isSameContent(one, ours)),
    takesBack: last !== undefined && isPartOf(ours, last),
    overtaken: others.some((one) => one.state === 'acknowledged' && one.version > row.version),
    lastUploadTimeMs: Math.max(...others.map((one) => one.uploadTimeMs ?? -Infinity)),
    acknowledged,
  };
}

/**
 * A read that shows content which a later acknowledged event of ours replaced may lag behind it: that WeChat holds it
 * now is not proved, so it counts as what it was before it said "same".
 */
export function believed(verdict: Verdict, { returns }: Pick<Siblings, 'returns'>): Verdict {
  if (verdict.kind !== 'same' || !returns) return verdict;
  return verdict.count === 0 ? { kind: 'open' } : { kind: 'finished', count: verdict.count };
}
