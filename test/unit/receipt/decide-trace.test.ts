import { describe, expect, it } from 'vitest';
import { defaultReceiptTiming } from '../../../src/receipt/decide.ts';
import {
  afterQueries,
  afterTraceFailure,
  defaultTraceTiming,
  nextStep,
  notFollowed,
  parcelsOf,
  seen,
} from '../../../src/receipt/decide-trace.ts';
import type { TracedParcel, TraceRow } from '../../../src/receipt/trace-row.ts';
import { parseOrder } from '../../../src/wechat/order.ts';
import { shippedEvent } from '../../support/events.ts';

const nowMs = Date.parse('2026-11-30T10:00:00Z');
const now = { nowMs, random: () => 0, timing: defaultReceiptTiming };
const timing = defaultTraceTiming;
const hourMs = 3_600_000;
const number = 'SF4200001234202611230000000001';
const bodyWith = (change: object = {}): string => JSON.stringify({ ...shippedEvent().data, ...change });
const parcel = (over: Partial<TracedParcel> = {}): TracedParcel => ({
  tracking_no: number,
  token: 'w',
  status: null,
  signed_at: null,
  ...over,
});
const row = (over: Partial<TraceRow> = {}): TraceRow => ({
  id: 1,
  epoch: 1,
  appid: 'wx1',
  payment: 'p',
  state: 'waiting',
  sealedPhone: 'p1.x',
  parcels: [],
  createdAtMs: nowMs,
  waits: 0,
  body: bodyWith(),
  uploadUnfinished: false,
  ...over,
});

describe('the parcels of a payment', () => {
  it('are followed once its upload is acknowledged', () => {
    expect(nextStep(row(), timing, now)).toMatchObject({ kind: 'follow' });
    for (const over of [{ body: null }, { uploadUnfinished: true }])
      expect(nextStep(row(over), timing, now)).toMatchObject({ advance: { to: 'waiting', afterMs: 60_000 } });
  });

  it('are followed when all of them are shipped', () => {
    const split = { delivery_mode: 2, is_all_delivered: false };
    expect(nextStep(row({ body: bodyWith(split) }), timing, now)).toMatchObject({
      advance: { to: 'waiting' },
    });
    const all = { ...split, is_all_delivered: true };
    expect(nextStep(row({ body: bodyWith(all) }), timing, now)).toMatchObject({ kind: 'follow' });
  });

  it('are not followed where there is no carrier', () => {
    expect(nextStep(row({ body: bodyWith({ logistics_type: 4 }) }), timing, now)).toMatchObject({
      advance: { to: 'ended' },
    });
  });

  it('are asked about while they are those that WeChat holds, and left when they are not', () => {
    const following = { state: 'following', sealedPhone: null } as const;
    expect(nextStep(row({ ...following, parcels: [parcel()] }), timing, now)).toEqual({ kind: 'query' });
    const [one] = shippedEvent().data.shipping_list;
    const two = bodyWith({
      shipping_list: [
        { ...one, tracking_no: 'SF2' },
        { ...one, tracking_no: 'SF1' },
      ],
    });
    for (const order of [
      ['SF1', 'SF2'],
      ['SF2', 'SF1'],
    ]) {
      const parcels = order.map((tracking_no) => parcel({ tracking_no }));
      expect(nextStep(row({ ...following, body: two, parcels }), timing, now)).toEqual({ kind: 'query' });
    }
    const changed = row({ ...following, parcels: [parcel({ tracking_no: 'OTHER' })] });
    expect(nextStep(changed, timing, now)).toMatchObject({ advance: { to: 'ended' } });
  });

  it('are left after 45 days', () => {
    const createdAtMs = nowMs - 45 * 24 * hourMs;
    expect(nextStep(row({ createdAtMs }), timing, now)).toMatchObject({ kind: 'follow' });
    expect(nextStep(row({ createdAtMs: createdAtMs - 1 }), timing, now)).toMatchObject({
      advance: { to: 'ended' },
    });
  });

  it('keep the tokens that they were given already', () => {
    const shipment = JSON.parse(bodyWith()) as Parameters<typeof parcelsOf>[1];
    expect(parcelsOf(row(), shipment)).toEqual([parcel({ token: null })]);
    expect(parcelsOf(row({ parcels: [parcel()] }), shipment)).toEqual([parcel()]);
    const other = parcel({ tracking_no: 'OTHER', token: 'o' });
    expect(parcelsOf(row({ parcels: [other] }), shipment), 'not another one’s').toEqual([
      parcel({ token: null }),
    ]);
  });

  it.each([
    [1, null],
    [2, null],
    [3, 'nothing is left'],
    [4, 'nothing is left'],
    [5, 'nothing is left'],
    [6, 'nothing is left'],
  ])('of an order in state %i: %s', (state, why) => {
    const order = parseOrder({ transaction_id: 't', order_state: state })!;
    if (why === null) expect(notFollowed(order)).toBeNull();
    else expect(notFollowed(order)).toContain(why);
    expect(notFollowed(parseOrder({ order_state: 2 })!)).toContain('transaction id');
  });
});

describe('a refusal to follow', () => {
  it('ends it where the data are wrong, and waits otherwise', () => {
    const parcels = [parcel()];
    expect(afterTraceFailure(row(), parcels, { kind: 'invalid', reason: 'no' }, now)).toMatchObject({
      to: 'ended',
    });
    expect(afterTraceFailure(row({ waits: 1 }), parcels, { kind: 'unknown', reason: '-1' }, now)).toEqual({
      to: 'waiting',
      afterMs: 120_000,
      detail: '-1',
      parcels,
    });
    const throttled = { kind: 'throttled', scope: 'day', retryAfterMs: 7_000 } as const;
    expect(afterTraceFailure(row(), parcels, throttled, now)).toMatchObject({ afterMs: 7_000 });
  });
});

describe('what the carrier says', () => {
  it.each([4, 6])('is an arrival with the status %i, at the time when it was first seen', (status) => {
    const first = seen(parcel(), status, nowMs);
    expect(first).toMatchObject({ status, signed_at: '2026-11-30T10:00:00.000Z' });
    expect(seen(first, status, nowMs + 1)).toEqual(first);
  });

  it.each([0, 1, 2, 3, 5, 7])('is none with the status %i', (status) => {
    expect(seen(parcel(), status, nowMs)).toMatchObject({ status, signed_at: null });
  });

  it('is a receipt when the last parcel has arrived, at its time', () => {
    const early = parcel({ signed_at: '2026-11-29T10:00:00.000Z' });
    const late = parcel({ signed_at: '2026-11-30T09:00:00.000Z' });
    expect(afterQueries(row(), [late, early], timing, now)).toMatchObject({
      to: 'signed',
      receivedAt: new Date('2026-11-30T09:00:00.000Z'),
      detail: '2 of 2 signed for',
    });
    expect(afterQueries(row(), [early, parcel()], timing, now)).toMatchObject({
      to: 'following',
      detail: '1 of 2 signed for',
    });
  });

  it('is asked for again after waits that grow by half, up to half a day', () => {
    const waits = [0, 1, 2, 7, 8, 1_000].map((count) =>
      afterQueries(row({ waits: count }), [parcel()], timing, now),
    );
    expect(waits.map((advance) => ('afterMs' in advance ? advance.afterMs / hourMs : null))).toEqual([
      0.5,
      0.75,
      1.125,
      expect.closeTo(8.543, 3),
      12,
      12,
    ]);
  });
});
