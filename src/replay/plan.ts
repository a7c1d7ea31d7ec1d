import type { ReceiptState, UploadState } from '../../db/states.ts';
import { isLeftOut, isOutdated, isSame, judgeLeftOut } from '../consumer/batch.ts';
import type { Decoded } from '../consumer/decode.ts';
import { judgeReceipt, type NewReceipt, type ReceiptRivals } from '../consumer/receipt.ts';
import { renderUpload } from '../consumer/render.ts';
import { eventKey, type NewUpload, type Rival } from '../upload/insert-store.ts';
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

/** Of a reminder that a received event asked for. */
const memberOfReceipt = (state: ReceiptState | null): keyof Plan => {
  switch (state) {
    case 'acknowledged':
      return 'acknowledged';
    case 'pending':
    case 'sending':
    case 'unknown':
      return 'underWay';
    case 'rejected':
    case 'moot':
    case 'forgotten':
    case null:
      return 'finished';
  }
};

/** Rows that a dry run would have made; the oldest are forgotten, or a large topic would not fit into memory. */
const maxRemembered = 500_000;

/**
 * Counts what the door would do, without it: the same rules, over the rows that there are and those that the messages
 * before would have become.
 */
export class Planner {
  #plan = emptyPlan;
  readonly #byPayment = new Map<string, Rival[]>();
  readonly #byEvent = new Map<string, Rival>();
  readonly #reminders = new Set<string>();

  get plan(): Plan {
    return this.#plan;
  }

  /** `known` holds the rows of these events and of their payments; received ones are counted by {@link addReceipts}. */
  add(decoded: readonly Decoded[], known: readonly Rival[]): void {
    const knownOf = groupByKey(known);
    const sum = { ...this.#plan };
    for (const one of decoded) {
      if (one.kind === 'received') continue;
      sum.events += 1;
      if (one.kind === 'dead') sum.dead += 1;
      else sum[this.#judge(renderUpload(one), knownOf)] += 1;
    }
    this.#plan = sum;
  }

  addReceipts(receipts: readonly NewReceipt[], known: ReceiptRivals): void {
    const sum = { ...this.#plan };
    for (const receipt of receipts) {
      sum.events += 1;
      sum[this.#judgeReceipt(receipt, known)] += 1;
    }
    this.#plan = sum;
  }

  #judgeReceipt(receipt: NewReceipt, known: ReceiptRivals): keyof Plan {
    const judged = judgeReceipt(receipt, known);
    if (judged.kind === 'conflict') return 'dead';
    if (judged.kind === 'duplicate') return memberOfReceipt(judged.state);
    const key = paymentKey(receipt);
    if (judged.kind === 'second' || this.#reminders.has(key)) return 'finished';
    if (this.#reminders.size < maxRemembered) this.#reminders.add(key);
    return 'toSend';
  }

  /** Events that a tombstone covers. */
  addForgotten(count: number): void {
    this.#plan = {
      ...this.#plan,
      events: this.#plan.events + count,
      finished: this.#plan.finished + count,
    };
  }

  #judge(upload: NewUpload, knownOf: (key: string) => readonly Rival[]): keyof Plan {
    const imagined = this.#byEvent.get(eventKey(upload.event_id, upload.source));
    const rivals = [
      ...knownOf(eventKey(upload.event_id, upload.source)),
      ...knownOf(paymentKey(upload)),
      ...(imagined === undefined ? [] : [imagined]),
      ...(this.#byPayment.get(paymentKey(upload)) ?? []),
    ];
    if (!isLeftOut(upload, rivals)) return this.#imagine(upload, isOutdated(upload, rivals));
    if (judgeLeftOut(upload, rivals).kind === 'dead') return 'dead';
    return memberOf(rivals.find((rival) => isSame(rival, upload))?.state ?? 'pending');
  }

  #imagine(upload: NewUpload, outdated: boolean): keyof Plan {
    const state = outdated ? 'superseded' : 'pending';
    const { appid, payment, version, kind, event_id: eventId, source, body_hash: bodyHash } = upload;
    const row: Rival = { appid, payment, version, kind, eventId, source, bodyHash, state };
    const key = paymentKey(upload);
    this.#byPayment.set(key, [...(this.#byPayment.get(key) ?? []), row]);
    this.#byEvent.set(eventKey(eventId, source), row);
    for (const map of [this.#byPayment, this.#byEvent])
      for (const oldest of map.keys()) {
        if (map.size <= maxRemembered) break;
        map.delete(oldest);
      }
    return outdated ? 'finished' : 'toSend';
  }
}

const paymentKey = (row: { appid: string; payment: string }): string => `${row.appid}/${row.payment}`;

function groupByKey(rows: readonly Rival[]): (key: string) => readonly Rival[] {
  const groups = new Map<string, Rival[]>();
  const put = (key: string, row: Rival): void => void groups.set(key, [...(groups.get(key) ?? []), row]);
  for (const row of rows) {
    put(eventKey(row.eventId, row.source), row);
    put(paymentKey(row), row);
  }
  return (key) => groups.get(key) ?? [];
}

export function countRows(rows: readonly KnownUpload[]): Plan {
  const sum = { ...emptyPlan };
  for (const row of rows) {
    sum.events += 1;
    sum[memberOf(row.state)] += 1;
  }
  return sum;
}
