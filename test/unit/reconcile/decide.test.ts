import { describe, expect, it } from 'vitest';
import { uploadStates, type UploadState } from '../../../db/states.ts';
import {
  contradictionOf,
  judge,
  standingOf,
  type EventPlace,
  type Finding,
  type HeldUpload,
} from '../../../src/reconcile/decide.ts';
import { parseOrder, type Order } from '../../../src/wechat/order.ts';

const parcel = (tracking_no: string) => ({ tracking_no, express_company: 'SF', item_desc: '苹果' });
const bodyOf = (...numbers: string[]): string =>
  JSON.stringify({
    order_key: { order_number_type: 2, transaction_id: 'p' },
    logistics_type: 1,
    delivery_mode: 1,
    shipping_list: numbers.map(parcel),
  });
const upload = (change: Partial<HeldUpload> = {}): HeldUpload => ({
  ...{ id: 1, version: 1, kind: 'shipped', state: 'acknowledged', resolved: false, body: bodyOf('A') },
  uploadedAt: null,
  ...change,
});
const order = (state: number, shipping: object = {}): Order => parseOrder({ order_state: state, shipping })!;
const shown = (number: string, count = 1): object => ({
  ...{ delivery_mode: 1, logistics_type: 1, finish_shipping: count > 0, finish_shipping_count: count },
  shipping_list: [{ tracking_no: number, express_company: 'SF', goods_desc: '苹果' }],
});
const holding = (uploads: HeldUpload[], event: EventPlace = 'none') => ({ uploads, event });

describe('what WeChat waits for', () => {
  it('and was acknowledged here is not held there', () => {
    expect(contradictionOf(order(1), holding([upload()]))).toEqual({ kind: 'not_held', uploadId: 1 });
  });

  it.each<[UploadState]>(uploadStates.filter((state) => state !== 'acknowledged').map((state) => [state]))(
    'and is %s here is the state machine’s, or was ended',
    (state) => {
      const one = upload({ id: 2, version: 2, state, body: null });
      expect(contradictionOf(order(1), holding([one]))).toBeNull();
      const both = contradictionOf(order(1), holding([upload(), one]));
      expect(both === null).toBe(!['rejected', 'superseded'].includes(state));
    },
  );

  it('and a person resolved is left to that person', () => {
    expect(contradictionOf(order(1), holding([upload({ resolved: true })]))).toBeNull();
  });

  it.each<[EventPlace, boolean]>([
    ['none', false],
    ['under_way', false],
    ['ended', false],
    ['lost', true],
  ])('and has no upload is offered where its event is %s: %s', (event, offered) => {
    expect(contradictionOf(order(1), holding([], event))).toEqual(
      offered ? { kind: 'lost', uploadId: null } : null,
    );
    expect(contradictionOf(order(2, shown('A')), holding([], event))).toBeNull();
  });

  it('is compared with the newest of what was acknowledged', () => {
    const [older, newer] = [upload(), upload({ id: 2, version: 2, body: bodyOf('B') })];
    expect(contradictionOf(order(1), holding([newer, older]))).toEqual({ kind: 'not_held', uploadId: 2 });
    expect(contradictionOf(order(2, shown('B')), holding([newer, older]))).toBeNull();
    expect(contradictionOf(order(2, shown('A')), holding([newer, older]))).toEqual({
      kind: 'console_edit',
      uploadId: 2,
    });
  });

  it('is compared with the row that came last, of two with one version under two names', () => {
    const [first, second] = [upload({ id: 7 }), upload({ id: 9, body: bodyOf('B') })];
    for (const uploads of [
      [first, second],
      [second, first],
    ])
      expect(contradictionOf(order(1), holding(uploads))).toEqual({ kind: 'not_held', uploadId: 9 });
  });

  it('and whose content is not known any more is not compared', () => {
    expect(contradictionOf(order(1), holding([upload({ body: null })]))).toBeNull();
    const newer = upload({ id: 2, version: 2, body: bodyOf('B') });
    expect(contradictionOf(order(2, shown('B')), holding([upload({ body: null }), newer]))).toBeNull();
  });

  it('and has no upload is not offered where WeChat has counted it as shipped', () => {
    expect(contradictionOf(order(1, shown('A', 1)), holding([], 'lost'))).toBeNull();
    expect(contradictionOf(order(2, shown('A', 0)), holding([], 'lost'))).toBeNull();
    expect(contradictionOf(order(1, shown('A', 0)), holding([], 'lost'))).toEqual({
      kind: 'lost',
      uploadId: null,
    });
  });

  it('although a part of it is shipped is held where it shows our part', () => {
    const part = JSON.stringify({ ...JSON.parse(bodyOf('A')), delivery_mode: 2, is_all_delivered: false });
    const there = { ...shown('A', 0), delivery_mode: 2 };
    expect(contradictionOf(order(1, there), holding([upload({ body: part })]))).toBeNull();
    expect(
      contradictionOf(order(1, { ...there, shipping_list: [] }), holding([upload({ body: part })])),
    ).toEqual({
      kind: 'not_held',
      uploadId: 1,
    });
  });
});

describe('what WeChat shows as shipped', () => {
  it.each([2, 3, 4, 6])('in state %i with other parcels was edited', (state) => {
    expect(contradictionOf(order(state, shown('B')), holding([upload()]))?.kind).toBe('console_edit');
    expect(contradictionOf(order(state, shown('A')), holding([upload()]))).toBeNull();
  });

  it('may show parcels of our earlier parts beside the newest: WeChat merges lists', () => {
    const part = (...numbers: string[]): string =>
      JSON.stringify({
        ...JSON.parse(bodyOf(...numbers)),
        delivery_mode: 2,
        is_all_delivered: numbers.includes('B'),
      });
    const uploads = [upload({ body: part('A') }), upload({ id: 2, version: 2, body: part('B') })];
    const merged = { ...shown('A'), delivery_mode: 2 };
    const both = {
      ...merged,
      shipping_list: ['A', 'B'].map((number) => ({ ...parcel(number), goods_desc: '苹果' })),
    };
    expect(contradictionOf(order(2, both), holding(uploads))).toBeNull();
    expect(contradictionOf(order(2, both), holding(uploads.slice(1)))?.kind).toBe('console_edit');
    const open = { ...both, finish_shipping: false, finish_shipping_count: 0 };
    expect(contradictionOf(order(2, open), holding(uploads)), 'it is shipped in its state').toBeNull();
    expect(contradictionOf(order(1, open), holding(uploads))?.kind).toBe('not_held');
  });

  it('was edited where its kind is another one', () => {
    const other = { ...shown('A'), logistics_type: 4 };
    expect(contradictionOf(order(2, other), holding([upload()]))?.kind).toBe('console_edit');
  });

  it('and does not show is not compared', () => {
    expect(contradictionOf(order(2), holding([upload()]))).toBeNull();
    expect(contradictionOf(order(4), holding([upload()]))).toBeNull();
  });

  it('and refunded is nobody’s any more', () => {
    expect(contradictionOf(order(5, shown('B')), holding([upload()]))).toBeNull();
    expect(contradictionOf(order(5), holding([], 'lost'))).toBeNull();
  });
});

describe('one read', () => {
  const at = new Date('2026-11-30T12:00:00Z');
  const after = (ms: number): Date => new Date(at.getTime() + ms);
  const found = { kind: 'not_held', uploadId: 1 } as const;
  const before: Finding = { ...found, firstSeenAt: at, confirmedAt: null, offers: 0, ended: false };
  const judged = (change: Partial<Finding>, ms: number) =>
    judge(found, { ...before, ...change }, { readAt: after(ms), apartMs: 1_000 });

  it('proves nothing, and a second one only when it is apart', () => {
    expect(judge(found, undefined, { readAt: at, apartMs: 0 })).toBe('note');
    expect(judged({}, 999)).toBe('wait');
    expect(judged({}, 1_000)).toBe('believe');
  });

  it('of a clock that was set back is too early', () => {
    expect(judged({}, -5_000)).toBe('wait');
  });

  it('of another upload, or after the end of the first, begins anew', () => {
    expect(judged({ uploadId: 2 }, 5_000)).toBe('note');
    expect(judged({ ended: true }, 5_000)).toBe('note');
  });

  it('of what was offered in vain waits twice as long each time, up to a thousandfold', () => {
    expect(judged({ offers: 3 }, 7_999)).toBe('wait');
    expect(judged({ offers: 3 }, 8_000)).toBe('believe');
    expect(judged({ offers: 50 }, 1_024_000)).toBe('believe');
  });

  it('of what was believed and offered before is believed again after its wait', () => {
    expect(judged({ confirmedAt: at, offers: 1 }, 1_999)).toBe('wait');
    expect(judged({ confirmedAt: at, offers: 1 }, 2_000)).toBe('believe');
  });

  it('of an edit that is on record says nothing new', () => {
    const edit = { kind: 'console_edit', uploadId: 1 } as const;
    const known = { ...before, ...edit, confirmedAt: at };
    expect(judge(edit, known, { readAt: after(5_000), apartMs: 1 })).toBe('known');
    expect(judge(edit, { ...known, confirmedAt: null }, { readAt: after(5_000), apartMs: 1 })).toBe(
      'believe',
    );
  });
});

describe('a payment', () => {
  it.each([
    [1, [upload()], 'none', 'to_ship'],
    [1, [], 'under_way', 'to_ship'],
    [1, [], 'none', 'unknown_here'],
    [2, [], 'none', 'shipped'],
    [3, [], 'none', 'confirmed'],
    [6, [], 'none', 'confirmed'],
    [4, [], 'none', 'settled'],
    [5, [], 'none', 'refunded'],
  ] as const)('in state %i with %j and its event %s is %s', (state, uploads, event, standing) => {
    expect(standingOf(order(state), { uploads, event })).toBe(standing);
  });
});
