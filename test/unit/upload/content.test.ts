import { describe, expect, it } from 'vitest';
import {
  compare,
  contentOf,
  finishes,
  isOtherKindThan,
  isSameContent,
  takesBack,
} from '../../../src/upload/content.ts';
import { parseOrder, type Order } from '../../../src/wechat/order.ts';

const parcel = (number: string, text = '苹果') => ({
  tracking_no: number,
  express_company: 'YTO',
  item_desc: text,
});
const content = (parcels: object[], mode = 2, all?: boolean) =>
  contentOf(
    JSON.stringify({
      order_key: { order_number_type: 2, transaction_id: 't' },
      logistics_type: 1,
      delivery_mode: mode,
      ...(all === undefined ? {} : { is_all_delivered: all }),
      shipping_list: parcels,
    }),
  );
const order = (parcels: object[], change: object = {}, state: number | null = 1): Order =>
  parseOrder({
    order_state: state,
    shipping: {
      delivery_mode: 2,
      logistics_type: 1,
      finish_shipping: false,
      finish_shipping_count: 0,
      shipping_list: parcels.map((one) => ({ ...one, goods_desc: (one as { item_desc: string }).item_desc })),
      ...change,
    },
  })!;
const finished = { finish_shipping: true, finish_shipping_count: 1 };

describe('comparing an upload with what WeChat holds', () => {
  it('finds nothing in an unshipped payment, whose shipping is an empty object', () => {
    expect(compare(content([parcel('1')], 1), parseOrder({ order_state: 1, shipping: {} })!)).toEqual({
      kind: 'open',
    });
  });

  it('knows its parcels in any order', () => {
    const held = order([parcel('2'), parcel('1')]);
    expect(compare(content([parcel('1'), parcel('2')], 2, false), held)).toEqual({ kind: 'same', count: 0 });
    expect(compare(content([parcel('1'), parcel('3')], 2, false), held).kind).toBe('open');
  });

  it('finds a parcel too many in an unfinished payment open: an event that takes it back is sent', () => {
    const held = order([parcel('2'), parcel('1')]);
    const earlier = [content([parcel('1'), parcel('2')], 2, false)];
    expect(compare(content([parcel('1')], 2, false), held, earlier).kind).toBe('open');
  });

  it('takes a finished payment for the same only if it holds exactly these parcels', () => {
    const held = order([parcel('1'), parcel('2')], finished, 2);
    expect(compare(content([parcel('1'), parcel('2')], 2, true), held)).toEqual({ kind: 'same', count: 1 });
    expect(compare(content([parcel('1')], 2, true), held)).toEqual({ kind: 'finished', count: 1 });
    const part = order([parcel('1')], finished, 2);
    expect(compare(content([parcel('1'), parcel('2')], 2, true), part).kind).toBe('finished');
  });

  it('allows a finished payment parcels of our own earlier parts, which WeChat merged, and no others', () => {
    const held = order([parcel('1'), parcel('2')], finished, 2);
    const last = content([parcel('2')], 2, true);
    expect(compare(last, held, [content([parcel('1')], 2, false)]).kind).toBe('same');
    expect(compare(last, held, [content([parcel('3')], 2, false)]).kind).toBe('finished');
    expect(
      compare(last, held, [content([parcel('3')], 2, false), content([parcel('1')], 2, false)]).kind,
    ).toBe('same');
    // What finished it was replaced as a whole: that its parcel is still there needs a correction.
    expect(compare(last, held, [content([parcel('1')], 2, true)]).kind).toBe('finished');
  });

  it('tells a changed text, number, carrier or finish from the same content', () => {
    const held = order([parcel('1', '梨')], finished, 2);
    const kindOf = (one: object, all = true) => compare(content([one], 2, all), held).kind;
    expect(kindOf(parcel('1', '梨'))).toBe('same');
    expect(kindOf(parcel('1', '苹果'))).toBe('finished');
    expect(kindOf(parcel('2', '梨'))).toBe('finished');
    expect(kindOf({ ...parcel('1', '梨'), express_company: 'ZTO' })).toBe('finished');
    expect(kindOf(parcel('1', '梨'), false)).toBe('finished');
    expect(compare(content([parcel('1', '梨')], 2, true), order([parcel('1', '梨')])).kind).toBe('open');
  });

  it.each([
    ['mode', { delivery_mode: 1 }],
    ['mode that is not said', { delivery_mode: null }],
    ['type', { logistics_type: 4 }],
    ['type that is not said', { logistics_type: 0 }],
  ])('tells another %s from everything else, finished or not', (_name, change) => {
    const ours = content([parcel('1')], 2, false);
    expect(compare(ours, order([parcel('1')], change))).toEqual({ kind: 'other_kind', count: 0 });
    expect(compare(ours, order([parcel('1')], { ...finished, ...change }))).toEqual({
      kind: 'other_kind',
      count: 1,
    });
    expect(compare(ours, order([parcel('1')], { finish_shipping_count: 2, ...change }))).toEqual({
      kind: 'other_kind',
      count: 2,
    });
  });

  it.each([
    { goods_desc: '' },
    { delivery_mode: 0, logistics_type: 0, shipping_list: [] },
    { shipping_list: [] },
  ])('takes the shell %j of a shipment for an unshipped payment', (shipping) => {
    const ours = content([parcel('1')], 1);
    expect(compare(ours, parseOrder({ order_state: 1, shipping })!).kind).toBe('open');
    expect(compare(ours, parseOrder({ shipping })!).kind).toBe('open');
  });

  it.each([
    [{ delivery_mode: 2 }, 'other_kind'],
    [{ logistics_type: 1 }, 'other_kind'],
    [{ shipping_list: [{}] }, 'other_kind'],
  ])('takes %j for a shipment that shows something', (shipping, kind) => {
    expect(compare(content([parcel('1')], 2, false), parseOrder({ order_state: 1, shipping })!).kind).toBe(
      kind,
    );
  });

  describe('where WeChat does not say how often the payment was finished', () => {
    const silent = { finish_shipping: undefined, finish_shipping_count: undefined };
    const ours = content([parcel('2')], 2, true);
    const at = (state: number | null, change: object = silent) =>
      compare(ours, order([parcel('1')], change, state));

    it('takes it for finished from "shipped" on, and also where no state is said', () => {
      expect(at(1).kind).toBe('open');
      for (const state of [2, 3, 4, 6, null]) expect(at(state)).toEqual({ kind: 'finished', count: 1 });
      expect(compare(ours, parseOrder({ order_state: 2, shipping: {} })!)).toEqual({
        kind: 'finished',
        count: 1,
      });
      expect(compare(content([parcel('1')], 2, true), order([parcel('1')], silent, 2))).toEqual({
        kind: 'same',
        count: 1,
      });
    });

    it('believes either member, and the greater of both', () => {
      expect(at(2, { finish_shipping: false, finish_shipping_count: undefined }).kind).toBe('open');
      expect(at(2, { finish_shipping: undefined, finish_shipping_count: 0 }).kind).toBe('open');
      expect(at(1, { finish_shipping: true, finish_shipping_count: 0 })).toEqual({
        kind: 'finished',
        count: 1,
      });
      expect(at(1, { finish_shipping: true, finish_shipping_count: 2 })).toEqual({
        kind: 'finished',
        count: 2,
      });
      expect(at(1, { finish_shipping: undefined, finish_shipping_count: 2 })).toEqual({
        kind: 'finished',
        count: 2,
      });
      expect(at(1, { finish_shipping: true, finish_shipping_count: undefined })).toEqual({
        kind: 'finished',
        count: 1,
      });
    });
  });

  describe('of goods that are not sent by express', () => {
    const virtual = contentOf(
      JSON.stringify({
        order_key: { order_number_type: 2, transaction_id: 't' },
        logistics_type: 3,
        delivery_mode: 1,
        shipping_list: [{ item_desc: '会员' }],
      }),
    );
    const sameCity = { ...virtual, logistics_type: 2 };
    const shown = (type: number, change: object, state = 2) =>
      parseOrder({
        order_state: state,
        shipping: { delivery_mode: 1, logistics_type: type, ...finished, ...change },
      })!;

    it.each<object>([
      {},
      { shipping_list: null },
      { shipping_list: [] },
      { shipping_list: [], goods_desc: '会员' },
      { shipping_list: [{}] },
      { shipping_list: [{ goods_desc: '会员' }] },
      { shipping_list: [{ goods_desc: '会员' }], goods_desc: '别的' },
    ])('takes virtual goods that are shown as %j for the same', (change) => {
      expect(compare(virtual, shown(3, change))).toEqual({ kind: 'same', count: 1 });
    });

    it('takes a same-city entry of empty strings, or with a company name, for the same', () => {
      for (const company of ['', '达达'])
        expect(
          compare(
            sameCity,
            shown(2, { shipping_list: [{ tracking_no: '', express_company: company, goods_desc: '' }] }),
          ).kind,
        ).toBe('same');
    });

    it('compares the text that is shown', () => {
      expect(compare(virtual, shown(3, { shipping_list: [{ goods_desc: '别的' }] })).kind).toBe('finished');
      expect(compare(virtual, shown(3, { goods_desc: '别的' })).kind).toBe('finished');
    });

    it('takes an express payment without parcels for other content', () => {
      expect(compare(content([parcel('1')], 1), shown(1, { goods_desc: '苹果' })).kind).toBe('finished');
    });

    it('calls a virtual payment settled that WeChat completed itself, and no other', () => {
      const empty = (state: number) => parseOrder({ order_state: state, shipping: {} })!;
      expect(compare(virtual, empty(4))).toEqual({ kind: 'settled' });
      expect(compare(virtual, empty(3))).toEqual({ kind: 'closed', orderState: 3 });
      expect(compare(virtual, empty(1))).toEqual({ kind: 'open' });
      expect(compare(sameCity, empty(4))).toEqual({ kind: 'closed', orderState: 4 });
      expect(compare(virtual, shown(3, { finish_shipping: false, finish_shipping_count: 0 }, 4)).kind).toBe(
        'closed',
      );
    });
  });

  it('calls two uploads of ours the same by kind, finish and parcels, not by key', () => {
    const one = content([parcel('1')], 2, true);
    const other = { ...one, order_key: { order_number_type: 1 as const, mchid: 'm', out_trade_no: 'o' } };
    expect(isSameContent(one, other)).toBe(true);
    expect(isSameContent(one, content([parcel('1')], 2, false))).toBe(false);
    expect(isSameContent(one, content([parcel('2')], 2, true))).toBe(false);
    expect(isSameContent(one, content([parcel('1')], 1))).toBe(false);
    expect(isSameContent(content([parcel('1')], 1), content([parcel('1')], 1, true))).toBe(true);
    expect(isOtherKindThan(one, { ...one, logistics_type: 4 })).toBe(true);
    expect(isOtherKindThan(one, { ...one, delivery_mode: 1 })).toBe(true);
    expect(isOtherKindThan(one, content([parcel('2')], 2, false))).toBe(false);
  });

  it('does not compare texts where WeChat shows none', () => {
    const held = parseOrder({
      order_state: 2,
      shipping: {
        delivery_mode: 2,
        logistics_type: 1,
        ...finished,
        shipping_list: [
          { tracking_no: '1', express_company: 'YTO' },
          { tracking_no: '2', express_company: 'YTO', goods_desc: '' },
        ],
      },
    })!;
    expect(compare(content([parcel('1'), parcel('2')], 2, true), held).kind).toBe('same');
  });

  it('says refunded and closed for payments that take no shipping', () => {
    expect(compare(content([parcel('1')], 1), parseOrder({ order_state: 5, shipping: {} })!).kind).toBe(
      'refunded',
    );
    expect(compare(content([parcel('1')], 2, true), order([parcel('1')], finished, 5)).kind).toBe('refunded');
    expect(compare(content([parcel('1')], 2, false), order([parcel('2')], {}, 3))).toEqual({
      kind: 'closed',
      orderState: 3,
    });
    expect(compare(content([parcel('1')], 1), parseOrder({ order_state: 4, shipping: {} })!)).toEqual({
      kind: 'closed',
      orderState: 4,
    });
  });

  it('finishes a payment with unified mode, or on a positive statement', () => {
    expect([
      finishes(content([], 1)),
      finishes(content([], 2, true)),
      finishes(content([], 2, false)),
    ]).toEqual([true, true, false]);
  });
});

describe('a later upload', () => {
  const listed = (...parcels: object[]) => content(parcels);
  const other = { ...parcel('1'), express_company: 'SF' };
  const untracked = (text: string) => ({ item_desc: text });

  it.each<[claim: string, later: object[], earlier: object[], back: boolean]>([
    ['names every parcel of the earlier', [parcel('1')], [parcel('1')], false],
    [
      'names them in another order, and more',
      [parcel('3'), parcel('2'), parcel('1')],
      [parcel('1'), parcel('2')],
      false,
    ],
    ['changes a text beside a number', [parcel('1', '梨')], [parcel('1')], false],
    ['leaves one out', [parcel('1')], [parcel('1'), parcel('2')], true],
    ['names others alone', [parcel('2'), parcel('3')], [parcel('1')], true],
    ['names the same number of another carrier', [other], [parcel('1')], true],
    ['changes a text without a number', [untracked('梨')], [untracked('苹果')], true],
    ['keeps a text without a number', [untracked('苹果')], [untracked('苹果')], false],
  ])('takes a parcel back, or not, where it %s', (_claim, later, earlier, back) => {
    expect(takesBack(listed(...later), listed(...earlier))).toBe(back);
  });
});
