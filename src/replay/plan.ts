import type { UploadState } from '../../db/states.ts';
import type { Decoded } from '../consumer/decode.ts';
import { renderUpload } from '../consumer/render.ts';
import type { KnownUpload } from './store.ts';

/** What a replay meets, and what it would do. The members below `events` add up to it. */
export type Plan = {
  events: number;
  acknowledged: number;
  /** Rejected, superseded, or forgotten since: final too, and left alone. */
  finished: number;
  /** Pending, uploading or unknown: on their way already. */
  underWay: number;
  /** Parked: a replay of the topic leaves them; one by payment or state lets them try again. */
  parked: number;
  /** Events that no upload row exists for: they would be inserted and sent. */
  toSend: number;
  /** Messages that would be, or are, dead letters. */
  dead: number;
};

export const emptyPlan: Plan = {
  events: 0,
  acknowledged: 0,
  finished: 0,
  underWay: 0,
  parked: 0,
  toSend: 0,
  dead: 0,
};

const memberOf = (state: UploadState): keyof Plan => {
  switch (state) {
    case 'acknowledged':
      return 'acknowledged';
    case 'rejected':
    case 'superseded':
      return 'finished';
    case 'pending':
    case 'uploading':
    case 'unknown':
      return 'underWay';
    case 'parked':
      return 'parked';
  }
};

/** Adds one batch of messages to a plan. Pure: `known` holds the rows that they would meet. */
export function countBatch(plan: Plan, decoded: readonly Decoded[], known: readonly KnownUpload[]): Plan {
  const sum = { ...plan };
  const byEvent = new Map(known.map((row) => [row.eventId, row]));
  const byVersion = new Map(known.map((row) => [versionKey(row), row]));
  const inserted = new Set<string>();
  for (const one of decoded) {
    sum.events += 1;
    if (one.kind === 'dead') {
      sum.dead += 1;
      continue;
    }
    const upload = renderUpload(one);
    const met = byEvent.get(upload.event_id) ?? byVersion.get(versionKey(upload));
    if (met === undefined && inserted.has(versionKey(upload))) sum.underWay += 1;
    else if (met === undefined) {
      inserted.add(versionKey(upload));
      sum.toSend += 1;
    } else if (met.bodyHash !== upload.body_hash || versionKey(met) !== versionKey(upload)) sum.dead += 1;
    else sum[memberOf(met.state)] += 1;
  }
  return sum;
}

const versionKey = (row: { appid: string; payment: string; version: number }): string =>
  `${row.appid}/${row.payment}/${row.version}`;

export function countRows(rows: readonly KnownUpload[]): Plan {
  const sum = { ...emptyPlan };
  for (const row of rows) {
    sum.events += 1;
    sum[memberOf(row.state)] += 1;
  }
  return sum;
}
