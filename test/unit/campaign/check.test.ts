import { describe, expect, it } from 'vitest';
import { judge, type Evidence, type Faults } from '../../campaign/check.ts';
import { shippedEvent } from '../../support/events.ts';

const payment = '4200000000000000000000000001';
const at = (ms: number): string => new Date(Date.parse('2026-11-25T00:00:00Z') + ms).toISOString();
const first = shippedEvent({ payment, version: 1 });
const second: typeof first = {
  ...shippedEvent({ payment, version: 2 }),
  type: 'fahuo.shipment.corrected.v1',
};
second.data.shipping_list[0]!['item_desc'] = '改正的商品';

const effect = (event: typeof first, kind: string, ms: number): Evidence['effects'][number] => ({
  payment,
  kind,
  atMs: ms,
  uploadTimeMs: Date.parse(at(ms)),
  bodyHash: '',
  byHand: false,
  body: JSON.stringify({ ...event.data, upload_time: at(ms) }),
});
const request = (ms: number, endMs: number): Evidence['requests'][number] => ({
  payment,
  key: payment,
  uploadTime: at(ms),
  startedAtMs: ms,
  endedAtMs: endMs,
  answer: '0',
});
const row = (version: number): Evidence['rows'][number] => ({
  id: version,
  payment,
  version,
  kind: version === 1 ? 'shipped' : 'corrected',
  state: 'acknowledged',
  reason: null,
});
const attempt = (version: number, ms: number): Evidence['attempts'][number] => ({
  uploadId: version,
  payment,
  atMs: Date.parse(at(ms)),
  outcome: 'accepted',
  errcode: 0,
});

const refused = (version: number, ms: number): Evidence['attempts'][number] => ({
  ...attempt(version, ms),
  outcome: 'token',
  errcode: 40001,
});

/** A request whose token was refused, and the second one of the same call. */
const tokenCall: Evidence['requests'] = [
  { ...request(0, 5), answer: '40001' },
  { ...request(0, 10), startedAtMs: 6 },
];

const heldAs = (event: typeof first, finished = true): Evidence['held'][number] => ({
  key: payment,
  transactionId: payment,
  orderState: finished ? 2 : 1,
  reship_spent: false,
  shipping: {
    deliveryMode: Number(event.data['delivery_mode']),
    logisticsType: Number(event.data['logistics_type']),
    finished,
    parcels: event.data.shipping_list.map((parcel) => ({
      trackingNo: String(parcel['tracking_no']),
      company: String(parcel['express_company']),
      itemDesc: String(parcel['item_desc']),
    })),
  },
});

/** A shipment and its correction, as they must be. */
const good: Evidence = {
  plans: [{ payment, fate: 'applied', events: [first, second], ends: ['acknowledged', 'acknowledged'] }],
  rows: [row(1), row(2)],
  attempts: [attempt(1, 0), attempt(2, 100)],
  outbox: new Map([first['id'], second['id'], 'ack-1', 'ack-2'].map((name) => [String(name), 1])),
  effects: [effect(first, 'ship', 0), effect(second, 'reship', 100)],
  requests: [request(0, 10), request(100, 110)],
  held: [heldAs(second)],
};
const wrongIn = (changed: Partial<Evidence>): Partial<Faults> => {
  const judged = judge({ ...good, ...changed });
  const { acknowledged, superseded, corrections, reships, suspects, ...faults } = judged;
  expect(suspects.length > 0).toBe(
    faults.lost +
      faults.effectsNotOne +
      faults.orderViolations +
      faults.reshipsWithoutCorrection +
      faults.misrecorded >
      0,
  );
  expect([acknowledged, superseded, corrections, reships].every((count) => count >= 0)).toBe(true);
  return Object.fromEntries(Object.entries(faults).filter(([, count]) => count > 0));
};
function heldWith(parcel: object): Evidence['held'][number] {
  const line = heldAs(second);
  return {
    ...line,
    shipping: { ...line.shipping!, parcels: [...line.shipping!.parcels, parcel as never] },
  };
}
const other = shippedEvent({ payment });
other.data.shipping_list[0]!['item_desc'] = '梨';

describe('the checker of the campaign', () => {
  it('finds nothing wrong with one effect an event, in order, on record', () => {
    expect(wrongIn({})).toEqual({});
  });

  it('finds nothing wrong with a refused token and the answer to its call, each on record', () => {
    expect(
      wrongIn({
        attempts: [refused(1, 0), attempt(1, 0), attempt(2, 100)],
        requests: [...tokenCall, request(100, 110)],
      }),
    ).toEqual({});
  });

  it('asks for no attempt a request where the process died before it could record', () => {
    const unanswered = { ...attempt(1, 0), outcome: 'unanswered', errcode: null };
    expect(
      wrongIn({ attempts: [unanswered, attempt(2, 100)], requests: [...tokenCall, request(100, 110)] }),
    ).toEqual({});
  });

  it.each<[string, Partial<Evidence>, Partial<Faults>]>([
    [
      'an upload that is not final',
      { rows: [row(1), { ...row(2), state: 'pending' }] },
      { lost: 1, effectsNotOne: 1, heldOtherwise: 1 },
    ],
    [
      'an event that is not in the outbox',
      {
        outbox: new Map([
          ['ack-1', 1],
          ['ack-2', 1],
          [String(first['id']), 1],
        ]),
      },
      { lost: 1 },
    ],
    [
      'an acknowledgement that was told twice',
      { outbox: new Map([...good.outbox, ['ack-2', 2]]) },
      { unacknowledged: 1 },
    ],
    ['an acknowledged event without an effect', { effects: [good.effects[0]!] }, { effectsNotOne: 1 }],
    [
      'content of no event, which took the chance',
      { effects: [good.effects[0]!, effect(other, 'reship', 100)] },
      { effectsNotOne: 2, orderViolations: 1, reshipsWithoutCorrection: 1 },
    ],
    [
      'a correction that was overtaken by what it corrects',
      { effects: [effect(second, 'ship', 0), effect(first, 'reship', 100)] },
      { orderViolations: 1, reshipsWithoutCorrection: 1 },
    ],
    ['a request that no attempt names', { attempts: [attempt(1, 0)] }, { attemptsWithoutRecord: 1 }],
    [
      'a refused token that no attempt names',
      { requests: [...tokenCall, request(100, 110)] },
      { attemptsWithoutRecord: 1 },
    ],
    [
      'a refused token that stands after the answer',
      {
        attempts: [attempt(1, 0), refused(1, 0), attempt(2, 100)],
        requests: [...tokenCall, request(100, 110)],
      },
      { misrecorded: 2 },
    ],
    [
      'a refused token that stands twice',
      {
        attempts: [refused(1, 0), refused(1, 0), attempt(1, 0), attempt(2, 100)],
        requests: [...tokenCall, request(100, 110)],
      },
      { misrecorded: 2 },
    ],
    ['an attempt that stands twice', { attempts: [...good.attempts, attempt(2, 100)] }, { misrecorded: 1 }],
    [
      'a success on record that WeChat did not answer',
      { requests: [request(0, 10), { ...request(100, 110), answer: '10060012' }] },
      { misrecorded: 1 },
    ],
    ['two uploads on the wire at once', { requests: [request(0, 150), request(100, 110)] }, { overtaken: 1 }],
    [
      'two uploads at once under both names of their payment, each time',
      { requests: [request(0, 150), { ...request(100, 110), key: '1900000001:T' }] },
      { overtaken: 1, bothKeysAtOnce: 1 },
    ],
    [
      'content that WeChat does not hold, though a row says so',
      { held: [heldAs(first)] },
      { heldOtherwise: 1 },
    ],
    ['a payment that WeChat does not hold at all', { held: [] }, { heldOtherwise: 1 }],
    [
      'a payment that is open though its newest event finishes it',
      { held: [heldAs(second, false)] },
      { heldOtherwise: 1 },
    ],
    [
      'a parcel that no event of ours brought',
      { held: [heldWith({ trackingNo: 'X', company: 'YTO', itemDesc: '梨' })] },
      { heldOtherwise: 1 },
    ],
    [
      'a row that is in doubt for good',
      { rows: [row(1), { ...row(2), state: 'unknown' }] },
      { lost: 1, effectsNotOne: 1, heldOtherwise: 1, unrecorded: 1 },
    ],
    [
      'a shipped event that goes out after WeChat said that the chance is used',
      {
        requests: [
          request(0, 10),
          { ...request(50, 55), answer: '10060003' },
          { ...request(100, 110), answer: '10060002' },
        ],
        attempts: [
          attempt(1, 0),
          { ...attempt(1, 50), errcode: 10060003 },
          { ...attempt(1, 100), errcode: 10060002 },
        ],
      },
      { sentThoughFinished: 1 },
    ],
  ])('counts %s', (_what, changed, wrong) => {
    expect(wrongIn(changed)).toEqual(wrong);
  });

  it('wants a conflict parked, and no effect of ours', () => {
    const plans: Evidence['plans'] = [{ payment, fate: 'conflict', events: [first], ends: ['conflict'] }];
    const rows = [{ ...row(1), state: 'parked', reason: 'conflict' }];
    const byHand = { ...effect(other, 'ship', 0), byHand: true };
    expect(wrongIn({ plans, rows, effects: [byHand] })).toEqual({});
    expect(wrongIn({ plans, rows, effects: [byHand, effect(first, 'reship', 5)] })).toMatchObject({
      effectsNotOne: 1,
      reshipsWithoutCorrection: 1,
    });
  });
});

/** A split in two versions, of which the second takes a parcel back. */
describe('of a dropped parcel the checker', () => {
  const splitOf = (version: number, letters: string): typeof first => {
    const event = shippedEvent({ payment, version });
    Object.assign(event.data, { delivery_mode: 2, is_all_delivered: false });
    event.data.shipping_list = Array.from(letters, (letter) => ({
      tracking_no: letter,
      express_company: 'YTO',
      item_desc: '苹果',
    }));
    return event;
  };
  const [both, one] = [splitOf(1, 'ab'), splitOf(2, 'a')];
  const dropped: Partial<Evidence> = {
    plans: [{ payment, fate: 'applied', events: [both, one], ends: ['acknowledged', 'either'] }],
    rows: [row(1), { ...row(2), kind: 'shipped' }],
    effects: [effect(both, 'ship', 0), effect(one, 'add', 100)],
    held: [heldAs(one, false)],
  };

  it('takes an effect of its own, or a parked row without one', () => {
    expect(wrongIn(dropped)).toEqual({});
    const parked = { ...row(2), kind: 'shipped', state: 'parked', reason: 'conflict' };
    expect(
      wrongIn({
        ...dropped,
        rows: [row(1), parked],
        effects: [effect(both, 'ship', 0)],
        held: [heldAs(both, false)],
      }),
    ).toEqual({});
  });

  it('counts an acknowledgement without an effect, and that WeChat still shows the parcel', () => {
    const wrong = { effectsNotOne: 1, heldOtherwise: 1 };
    expect(wrongIn({ ...dropped, effects: [effect(both, 'ship', 0)], held: [heldAs(both, false)] })).toEqual(
      wrong,
    );
  });

  it('lets a parcel of an earlier part stand in a finished payment, where WeChat merges', () => {
    const all = { ...one, data: { ...one.data, is_all_delivered: true } };
    const plans: Evidence['plans'] = [
      { payment, fate: 'applied', events: [both, all], ends: ['acknowledged', 'either'] },
    ];
    const effects = [effect(both, 'ship', 0), effect(all, 'add', 100)];
    expect(wrongIn({ ...dropped, plans, effects, held: [heldAs(both)] })).toEqual({});
  });
});

describe('of a payment with two names the checker', () => {
  const merchant = { mchid: '1900000001', out_trade_no: 'T' };
  const name = '1900000001:T';
  const plans: Evidence['plans'] = [{ ...good.plans[0]!, merchant }];

  it('takes rows and attempts under either', () => {
    const rows = [row(1), { ...row(2), payment: name }];
    const attempts = [attempt(1, 0), { ...attempt(2, 100), payment: name }];
    expect(wrongIn({ plans, rows, attempts })).toEqual({});
    expect(wrongIn({ plans: good.plans, rows })).toMatchObject({ lost: 1 });
  });

  it('takes an older version as superseded only when a newer one is acknowledged', () => {
    const overtaken: Evidence['plans'] = [{ ...plans[0]!, ends: ['overtaken', 'acknowledged'] }];
    const rows = [
      { ...row(1), state: 'superseded' },
      { ...row(2), payment: name },
    ];
    const effects = [effect(second, 'ship', 100)];
    expect(wrongIn({ plans: overtaken, rows, effects })).toEqual({});
    const parked = [rows[0]!, { ...rows[1]!, state: 'parked', reason: 'conflict' }];
    expect(wrongIn({ plans: overtaken, rows: parked, effects: [] })).toMatchObject({ lost: 2 });
  });
});

it('a payment that was edited by hand is not ours to compare, unless a row says that WeChat held its content', () => {
  const byHand = { ...effect(other, 'reship', 200), byHand: true };
  const plans: Evidence['plans'] = [{ payment, fate: 'staged', events: [first], ends: ['acknowledged'] }];
  const evidence: Partial<Evidence> = {
    plans,
    rows: [row(1)],
    effects: [effect(first, 'ship', 0), byHand],
    held: [heldAs(other)],
  };
  expect(wrongIn(evidence)).toEqual({});
  const elsewhere: Evidence['plans'] = [{ ...plans[0]!, ends: ['elsewhere'] }];
  expect(wrongIn({ ...evidence, plans: elsewhere, effects: [byHand] })).toEqual({ heldOtherwise: 1 });
});
