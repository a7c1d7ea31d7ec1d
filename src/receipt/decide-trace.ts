import { jittered } from '../clock.ts';
import type { Shipment } from '../shipment/events.ts';
import type { Order } from '../wechat/order.ts';
import type { Outcome } from '../wechat/outcome.ts';
import { reasonOf, waitOf, type Now } from './decide.ts';
import type { TraceAdvance, TracedParcel, TraceRow } from './trace-row.ts';

/** Which parcels are followed, for how long, and when all have arrived (wechat.md §10). Pure. */
export type TraceTiming = { queryMinMs: number; queryMaxMs: number; giveUpMs: number };

const hourMs = 3_600_000;
/** A parcel is on its way for days, and a day has 100,000 calls an app. */
export const defaultTraceTiming: TraceTiming = {
  queryMinMs: hourMs / 2,
  queryMaxMs: 12 * hourMs,
  giveUpMs: 45 * 24 * hourMs,
};

export type TraceStep =
  { kind: 'advance'; advance: TraceAdvance } | { kind: 'follow'; shipment: Shipment } | { kind: 'query' };

const express = 1;
const split = 2;
const signed: readonly (number | null)[] = [4, 6];
/** Confirmed, complete, refunded, awaiting settlement: nobody needs to know any more. */
const over: readonly (number | null)[] = [3, 4, 5, 6];

/** What a row needs: its parcels are those that WeChat holds, all of them. */
export function nextStep(row: TraceRow, timing: TraceTiming, now: Now): TraceStep {
  if (now.nowMs - row.createdAtMs > timing.giveUpMs)
    return end(row, 'the parcels were not signed for in time');
  if (row.uploadUnfinished || row.body === null)
    return wait(row, "the payment's upload is not acknowledged yet", now);
  const shipment = JSON.parse(row.body) as Shipment;
  if (shipment.logistics_type !== express) return end(row, 'no carrier brings the goods');
  if (shipment.delivery_mode === split && shipment.is_all_delivered !== true)
    return wait(row, 'more parcels will follow', now);
  if (row.state === 'waiting') return { kind: 'follow', shipment };
  return sameParcels(row.parcels, shipment)
    ? { kind: 'query' }
    : end(row, 'the parcels were changed after the phone was forgotten');
}

const numbersOf = ({ shipping_list: list }: Shipment): string[] =>
  list.map(({ tracking_no: number }) => number ?? '');

function sameParcels(parcels: readonly TracedParcel[], shipment: Shipment): boolean {
  const known = parcels.map((parcel) => parcel.tracking_no).sort();
  return JSON.stringify(known) === JSON.stringify(numbersOf(shipment).sort());
}

/** The parcels of the shipment, with what is known of them already. */
export const parcelsOf = (row: TraceRow, shipment: Shipment): TracedParcel[] =>
  numbersOf(shipment).map(
    (number) =>
      row.parcels.find((parcel) => parcel.tracking_no === number) ?? {
        tracking_no: number,
        token: null,
        status: null,
        signed_at: null,
      },
  );

/** Why the parcels of this order are not followed; null: they are. */
export const notFollowed = ({ orderState, transactionId }: Order): string | null =>
  over.includes(orderState)
    ? `nothing is left to remind of (order state ${orderState})`
    : transactionId === null
      ? 'WeChat does not tell the transaction id'
      : null;

/** What a refusal of trace_waybill means: what data cause ends it; a repeated call is harmless, so all else waits. */
export function afterTraceFailure(
  row: TraceRow,
  parcels: TracedParcel[],
  outcome: Outcome,
  now: Now,
): TraceAdvance {
  if (outcome.kind === 'invalid') return { to: 'ended', detail: reasonOf(outcome), parcels };
  return { to: 'waiting', afterMs: retryMs(row, outcome, now), detail: reasonOf(outcome), parcels };
}

export const retryMs = ({ waits }: TraceRow, outcome: Outcome, now: Now): number =>
  outcome.kind === 'throttled' ? jittered(outcome.retryAfterMs, now.random) : waitOf(waits, now);

/** A parcel with the status that a query gave; the first sign of its arrival keeps its time. */
export const seen = (parcel: TracedParcel, status: number, nowMs: number): TracedParcel => ({
  ...parcel,
  status,
  signed_at: parcel.signed_at ?? (signed.includes(status) ? new Date(nowMs).toISOString() : null),
});

/** After all parcels were asked about. query_trace names no time: the receipt is when the last one was first seen signed. */
export function afterQueries(
  row: TraceRow,
  parcels: TracedParcel[],
  timing: TraceTiming,
  now: Now,
): TraceAdvance {
  const times = parcels.map((parcel) => (parcel.signed_at === null ? null : Date.parse(parcel.signed_at)));
  const detail = `${times.filter((at) => at !== null).length} of ${parcels.length} signed for`;
  if (!times.includes(null))
    return { to: 'signed', receivedAt: new Date(Math.max(...times.map(Number))), detail, parcels };
  const growing = timing.queryMinMs * 1.5 ** Math.min(row.waits, 60);
  const afterMs = jittered(Math.min(timing.queryMaxMs, growing), now.random);
  return { to: 'following', afterMs, detail, parcels };
}

const end = ({ parcels }: TraceRow, detail: string): TraceStep => ({
  kind: 'advance',
  advance: { to: 'ended', detail, parcels },
});

/** In the state that it has. */
const wait = (row: TraceRow, detail: string, now: Now): TraceStep => ({
  kind: 'advance',
  advance: { to: row.state, afterMs: waitOf(row.waits, now), detail, parcels: row.parcels },
});
