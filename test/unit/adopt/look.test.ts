import { describe, expect, it } from 'vitest';
import type { AdoptFile } from '../../../src/adopt/file.ts';
import {
  correctedEvent,
  groupByPayment,
  namesOf,
  outcomeOf,
  planLook,
  retryMs,
  type PlanContext,
} from '../../../src/adopt/look.ts';
import type { Looked } from '../../../src/adopt/read-parts.ts';
import type { Key } from '../../../src/adopt/shop.ts';
import type { KnownPayment } from '../../../src/adopt/store.ts';
import { bundledCarriers } from '../../../src/shipment/carriers.ts';
import { SHIPPED, type Shipment } from '../../../src/shipment/events.ts';
import { part, second } from '../../support/adopt-parts.ts';

const appid = 'wx0123456789abcdef';
const payment = '4200001234202611230000000001';
const key = (ref: string, kind = 'order_id'): Key => ({ kind, ref });
const shipment: Shipment = {
  order_key: { order_number_type: 2, transaction_id: payment },
  logistics_type: 1,
  delivery_mode: 1,
  shipping_list: [{ tracking_no: 'A1', express_company: 'ZTO', item_desc: '保温杯*1' }],
  payer: { openid: 'oFAKE-1' },
};
const known = (changes: Partial<KnownPayment> = {}): KnownPayment => ({
  appid,
  payment,
  state: 'said',
  said: shipment,
  stands: true,
  corrected: false,
  proposed: null,
  dismissed: null,
  version: 1,
  ...changes,
});
const context = (changes: Partial<PlanContext> = {}): PlanContext => ({
  file: { name: 'shop', carriers: {} } as unknown as AdoptFile,
  carriers: bundledCarriers(),
  known: [],
  before: [],
  touchedAtMs: ({ ref }) => Number(ref) * 1_000,
  backfill: false,
  newId: () => 'id-1',
  random: () => 0.5,
  ...changes,
});
const looked = (parts: Looked['parts'], failures: Looked['failures'] = []): Looked => ({ parts, failures });
const plan = (parts: Looked['parts'], changes: Partial<PlanContext> = {}) =>
  planLook([key('1')], looked(parts), context(changes));
const keyOf = (ref: string, changes: object) => ({
  kind: 'order_id',
  ref,
  appid: null,
  payment: null,
  detail: null,
  nextLookMs: null,
  ...changes,
});
const row = {
  appid,
  payment,
  touchedAtMs: 1_000,
  version: null,
  corrected: false,
  proposed: null,
  reason: null,
};

describe('parts', () => {
  it('are grouped by appid and payment, in the order of their names and waybills', () => {
    const [a, b, c] = [
      part({ name: 'o:10', trackingNo: 'B' }),
      part({ name: 'o:9' }),
      part({ name: 'o:10', trackingNo: 'A' }),
    ];
    const none = part({ name: 'o:10', trackingNo: null });
    expect(groupByPayment([a, b, c, none], [])).toEqual([{ appid, payment, parts: [b, none, c, a] }]);
    const other = part({ appid: 'wx2' });
    expect(
      groupByPayment([a, other, part({ payment: 'P2' })], []).map((group) => group.parts.length),
    ).toEqual([1, 1, 1]);
  });

  it('belong to the payment under the name by which it was said', () => {
    const both = part({ otherPayment: '1900000001:T1' });
    const nameOf = (list: { appid: string; payment: string }[]) =>
      groupByPayment([both], list).map((group) => group.payment);
    expect(nameOf([])).toEqual([payment]);
    expect(nameOf([{ appid, payment: '1900000001:T1' }])).toEqual(['1900000001:T1']);
    expect(nameOf([{ appid: 'wx2', payment: '1900000001:T1' }])).toEqual([payment]);
    expect(
      nameOf([
        { appid, payment: 'P2' },
        { appid, payment: '1900000001:T1' },
      ]),
    ).toEqual(['1900000001:T1']);
    expect(
      nameOf([
        { appid, payment: '1900000001:T1' },
        { appid, payment },
      ]),
    ).toEqual([payment]);
    expect(groupByPayment([part({ payment: null, otherPayment: null })], [])).toEqual([]);
  });

  it('may be known by either name', () => {
    expect(namesOf([part({ otherPayment: 'B' }), part({ payment: null, appid: 'wx2' })])).toEqual([
      { appid, payment },
      { appid, payment: 'B' },
    ]);
  });
});

describe('a look at keys', () => {
  it('writes an event, with the time of the last touch, and marks its keys as said', () => {
    const planned = planLook([key('1'), key('2')], looked([part(), second({ trackingNo: 'A1' })]), context());
    expect(planned.payments).toEqual([]);
    expect(planned.events).toHaveLength(1);
    const [event] = planned.events;
    expect(event?.eventId).toBe('adopt-id-1');
    const data = {
      ...shipment,
      shipping_list: [{ ...shipment.shipping_list[0], item_desc: '保温杯*1;雨伞*1' }],
    };
    expect(JSON.parse(event?.text ?? '')).toEqual({
      id: 'adopt-id-1',
      type: SHIPPED,
      source: '/adopt/shop',
      time: '1970-01-01T00:00:02.000Z',
      appid,
      data,
    });
    expect(event?.row).toEqual({
      ...row,
      touchedAtMs: 2_000,
      state: 'said',
      detail: null,
      said: JSON.stringify(data),
    });
    expect(planned.keys).toEqual(['1', '2'].map((ref) => keyOf(ref, { appid, payment, state: 'said' })));
  });

  it('takes the file’s source and carriers', () => {
    const file = { name: 'shop', source: '/mine', carriers: { zt: 'YTO' } } as unknown as AdoptFile;
    const text = plan([part({ carrierKey: 'zt' })], { file }).events[0]?.text ?? '';
    expect(JSON.parse(text)).toMatchObject({
      source: '/mine',
      data: { shipping_list: [{ express_company: 'YTO' }] },
    });
  });

  it('says nothing of what was said', () => {
    expect(plan([part()], { known: [known()] })).toEqual({
      events: [],
      payments: [{ ...row, state: 'said', said: null, detail: null }],
      keys: [keyOf('1', { appid, payment, state: 'said' })],
    });
  });

  it('does not repeat what WeChat refused, though the contract had cut a text of it', () => {
    const long = [part({ itemDesc: '长'.repeat(150) })];
    const said = JSON.parse(plan(long).events[0]!.row.said!) as Shipment;
    expect(said.shipping_list[0]?.item_desc).toHaveLength(100);
    expect(plan(long, { known: [known({ said, stands: false })] }).events).toEqual([]);
  });

  it('is not led by what is known of another payment or another app', () => {
    expect(
      plan([part()], { known: [known({ appid: 'wx2' }), known({ payment: 'P2' })] }).events,
    ).toHaveLength(1);
  });

  it('skips with the reason', () => {
    expect(plan([part({ skip: 'points' })])).toEqual({
      events: [],
      payments: [{ ...row, state: 'skipped', said: null, detail: 'points' }],
      keys: [keyOf('1', { appid, payment, state: 'skipped', detail: 'points' })],
    });
  });

  it('holds what the contract would refuse, in its words', () => {
    const [held] = plan([part({ itemDesc: null })]).payments;
    expect(held).toMatchObject({ state: 'held', reason: 'contract', said: null });
    expect(held?.detail).toContain('item_desc');
  });

  it('holds a correction that the contract would refuse', () => {
    const [held] = plan([part({ trackingNo: 'B', itemDesc: null })], { known: [known()] }).payments;
    expect(held).toMatchObject({ state: 'held', reason: 'contract', proposed: null });
  });

  it('proposes a change after the end', () => {
    const [proposed] = plan([part({ trackingNo: 'B' })], { known: [known()] }).payments;
    expect(proposed).toMatchObject({
      state: 'proposed',
      detail: 'the waybill changed in the shop',
      said: null,
    });
    expect(JSON.parse(proposed?.proposed ?? '')).toMatchObject({ shipping_list: [{ tracking_no: 'B' }] });
  });

  it('knows nothing of a key without parts, unless something was known before', () => {
    const before = (state: 'said' | 'nothing', ref = '1') => [{ ...key(ref), state, failures: 0 }];
    expect(plan([]).keys).toEqual([keyOf('1', { state: 'nothing' })]);
    expect(plan([], { before: before('nothing') }).keys).toEqual([keyOf('1', { state: 'nothing' })]);
    expect(plan([], { before: before('said', '2') }).keys).toEqual([keyOf('1', { state: 'nothing' })]);
    expect(plan([], { before: before('said') }).keys).toEqual([
      keyOf('1', { state: 'gone', detail: 'the shop has no parts of it any more; it was said' }),
    ]);
  });

  it('tells of a key whose part names no payment', () => {
    const of = (changes: object) => plan([part({ payment: null, ...changes })]);
    expect(of({ state: 'open' })).toEqual({
      events: [],
      payments: [],
      keys: [keyOf('1', { state: 'nothing' })],
    });
    expect(of({ skip: 'points' }).keys).toEqual([keyOf('1', { state: 'skipped', detail: 'points' })]);
    expect(of({}).keys).toMatchObject([
      { state: 'held', payment: null, detail: expect.stringContaining('names no payment') as unknown },
    ]);
  });

  it('says nothing of a payment of which a part cannot be read', () => {
    const both = [key('1'), key('2')];
    const failures = [{ key: key('2'), problem: 'no number' }];
    const planned = planLook(both, looked([part(), second()], failures), context());
    expect(planned.events).toEqual([]);
    expect(planned.payments).toEqual([]);
    expect(planned.keys).toEqual([
      keyOf('2', { state: 'failed', detail: 'no number', nextLookMs: 5_000 }),
      keyOf('1', { state: 'nothing' }),
    ]);
    const other = planLook(both, looked([part(), second({ payment: 'P2' })], failures), context());
    expect(other.events).toHaveLength(1);
  });

  it('does not call deleted what waits for another part of its payment', () => {
    const both = [key('1'), key('2')];
    const failures = [{ key: key('2'), problem: 'no number' }];
    const before = [{ ...key('1'), state: 'said' as const, failures: 0 }];
    expect(planLook(both, looked([part(), second()], failures), context({ before })).keys[1]).toMatchObject({
      ref: '1',
      state: 'failed',
      detail: 'another part of its payment cannot be read',
      nextLookMs: 5_000,
    });
  });

  it('looks again within the hour at what is held: the file and the list of carriers touch nothing', () => {
    expect(plan([part({ carrierKey: 'NOBODY' })]).keys).toMatchObject([
      { state: 'held', nextLookMs: 3_600_000 },
    ]);
  });

  it('says nothing of a payment one of whose keys fails, though the part has another', () => {
    const two = part({ keys: [key('1'), key('9', 'pay_id')] });
    const planned = planLook(
      [key('1')],
      looked([two], [{ key: key('9', 'pay_id'), problem: 'x' }]),
      context(),
    );
    expect(planned.events).toEqual([]);
  });

  it('looks again at a key that fails, later each time', () => {
    const failing = (failures: number) =>
      planLook([key('1')], looked([], [{ key: key('1'), problem: 'x' }]), {
        ...context(),
        before: [
          { ...key('2'), state: 'failed', failures: 7 },
          { ...key('1'), state: 'failed', failures },
        ],
      }).keys;
    expect(failing(3)).toEqual([keyOf('1', { state: 'failed', detail: 'x', nextLookMs: 40_000 })]);
  });

  it('writes one row a key, the last', () => {
    const planned = plan([part(), part({ name: 'x', payment: 'P2', skip: 'points' })]);
    expect(planned.keys).toEqual([keyOf('1', { appid, payment: 'P2', state: 'skipped', detail: 'points' })]);
  });
});

describe('a backfill', () => {
  const backfilled = (parts: Looked['parts'], changes: Partial<PlanContext> = {}) => {
    const { events, payments } = plan(parts, { backfill: true, ...changes });
    return events.length > 0
      ? 'said'
      : payments.map(({ state, detail }) => `${state} ${detail ?? ''}`.trim()).join();
  };

  it('leaves out a payment with a part that names why, and the role does not', () => {
    expect(backfilled([part({ noBackfill: 'refunded' })])).toBe('skipped refunded');
    expect(backfilled([part(), second({ noBackfill: 'refunded' })])).toBe('skipped refunded');
    expect(plan([part({ noBackfill: 'refunded' })]).events).toHaveLength(1);
  });

  it('goes on with what was said here before', () => {
    const before = [known({ said: { ...shipment, delivery_mode: 2, is_all_delivered: false } })];
    expect(backfilled([part({ noBackfill: 'refunded' })], { known: before })).toBe('said');
    expect(backfilled([part({ noBackfill: 'refunded' })], { known: [known({ said: null })] })).toBe(
      'skipped refunded',
    );
  });

  it('is not kept back by a part that was refunded unshipped, or that WeChat has no part in', () => {
    expect(backfilled([part(), second({ state: 'void', noBackfill: 'refunded' })])).toBe('said');
    expect(backfilled([part(), second({ skip: 'points', noBackfill: 'refunded' })])).toBe('said');
  });

  it('names why nothing of a payment is left', () => {
    expect(backfilled([part({ state: 'void', noBackfill: 'refunded' })])).toBe('skipped refunded');
    expect(backfilled([part({ skip: 'points', noBackfill: 'refunded' })])).toBe('skipped points');
  });
});

describe('the row of a payment', () => {
  const said = known();
  const never = known({ said: null });
  const none = { said: null, version: null, corrected: false, proposed: null, reason: null, detail: null };

  it.each([
    [{ kind: 'nothing', why: 'same' }, said, { state: 'said' }],
    [{ kind: 'nothing', why: 'nothing_shipped' }, never, { state: 'nothing' }],
    [{ kind: 'nothing', why: 'nothing_shipped' }, undefined, { state: 'nothing' }],
    [{ kind: 'skipped', why: 'points' }, said, { state: 'said', detail: 'points' }],
    [{ kind: 'skipped', why: 'points' }, undefined, { state: 'skipped', detail: 'points' }],
    [
      { kind: 'held', reason: 'no_openid', detail: 'x' },
      said,
      { state: 'held', reason: 'no_openid', detail: 'x' },
    ],
    [{ kind: 'say', shipment }, undefined, { state: 'said', said: JSON.stringify(shipment) }],
    [
      { kind: 'propose', shipment, why: 'w' },
      said,
      { state: 'proposed', detail: 'w', proposed: JSON.stringify(shipment) },
    ],
    [
      { kind: 'propose', shipment, why: 'w' },
      known({ dismissed: JSON.stringify(shipment) }),
      { state: 'said' },
    ],
    [
      { kind: 'propose', shipment, why: 'w' },
      undefined,
      { state: 'proposed', detail: 'w', proposed: JSON.stringify(shipment) },
    ],
  ] as const)('after %j', (decision, before, changes) => {
    expect(outcomeOf(decision, before)).toEqual({ ...none, ...changes });
  });
});

it.each([
  [0, 0.5, 5_000],
  [0, 0, 3_750],
  [1, 0.5, 10_000],
  [1, 1, 12_500],
  [9, 0.5, 2_560_000],
  [10, 0.5, 3_600_000],
  [2_000, 0.5, 3_600_000],
])('after %i failures and chance %d a key is looked at again in %i ms', (failures, chance, ms) => {
  expect(retryMs(failures, () => chance)).toBe(ms);
});

it('a correction names who approved it, and why', () => {
  const draft = { appid, touchedAtMs: 0, eventId: 'e', source: '/s', reason: 'r', approvedBy: 'Li Lei' };
  expect(correctedEvent(shipment, draft)).toEqual({
    id: 'e',
    type: 'fahuo.shipment.corrected.v1',
    source: '/s',
    time: '1970-01-01T00:00:00.000Z',
    appid,
    data: shipment,
    reason: 'r',
    approved_by: 'Li Lei',
  });
});
