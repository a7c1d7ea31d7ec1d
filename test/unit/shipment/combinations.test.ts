import { describe, expect, it } from 'vitest';
import { fields, parcelOf, problemsAfter, split } from '../../support/contract.ts';
import type { LooseEvent } from '../../support/events.ts';

describe('what an express parcel needs', () => {
  const express = (change: object) => problemsAfter((e) => Object.assign(parcelOf(e), change));

  it('is a number and a listed carrier, each missing on its own', () => {
    expect(express({ tracking_no: undefined }).map(({ field }) => field)).toEqual([
      'data.shipping_list[0].tracking_no',
    ]);
    expect(express({ express_company: undefined })).toMatchObject([
      { field: 'data.shipping_list[0].express_company', value: 'missing' },
    ]);
    expect(express({ express_company: 'NONE' })).toMatchObject([
      { field: 'data.shipping_list[0].express_company', value: '"NONE"' },
    ]);
  });

  it('is one phone number for SF, of either side, and none for other carriers', () => {
    const phone = '138****1234';
    const contacts = [{ receiver_contact: phone }, { consignor_contact: phone }];
    for (const contact of contacts) expect(express({ contact })).toEqual([]);
    expect(express({ contact: { receiver_contact: '', consignor_contact: phone } })).toEqual([]);
    for (const contact of [
      undefined,
      {},
      { receiver_contact: '' },
      { receiver_contact: '', consignor_contact: '' },
    ])
      expect(express({ contact })).toMatchObject([{ field: 'data.shipping_list[0].contact' }]);
    expect(express({ contact: undefined, express_company: 'YTO' })).toEqual([]);
  });

  it.each([2, 3, 4])('is passed over for goods of logistics_type %i, whatever it holds', (logistics_type) => {
    const goods = (change: object) =>
      fields((e) =>
        Object.assign(e.data, { logistics_type, shipping_list: [{ item_desc: '会员', ...change }] }),
      );
    for (const change of [{}, { tracking_no: '' }, { express_company: 'YTO' }, { contact: [] }])
      expect(goods(change)).toEqual([]);
  });

  it('stands once in the list: the same number of two carriers is two parcels', () => {
    const yto = { express_company: 'YTO', tracking_no: '1' };
    expect(fields(split(yto, { ...yto, tracking_no: '2' }, { ...yto, express_company: 'ZTO' }))).toEqual([]);
    expect(problemsAfter(split(yto, yto, yto))).toMatchObject([
      {
        field: 'data.shipping_list[1].tracking_no',
        value: '"1"',
        rule: expect.stringContaining('twice') as string,
      },
      { field: 'data.shipping_list[2].tracking_no' },
    ]);
    const unnumbered = { ...yto, tracking_no: undefined };
    expect(problemsAfter(split(unnumbered, unnumbered)).map(({ rule }) => rule)).toEqual(
      Array(2).fill('is required for logistics_type 1: give the number of the parcel'),
    );
  });
});

describe('the modes of delivery', () => {
  it('are split for express alone, with one parcel or more and a word on the rest', () => {
    for (const is_all_delivered of [true, false])
      expect(fields((e) => Object.assign(e.data, { delivery_mode: 2, is_all_delivered }))).toEqual([]);
    expect(fields((e) => (e.data['delivery_mode'] = 2))).toEqual(['data.is_all_delivered']);
    expect(
      fields((e) =>
        Object.assign(e.data, {
          delivery_mode: 2,
          is_all_delivered: true,
          logistics_type: 3,
          shipping_list: [{ item_desc: '会员' }],
        }),
      ),
    ).toEqual(['data.delivery_mode']);
  });

  it('are unified with exactly one parcel', () => {
    const two = (e: LooseEvent) => {
      split({ tracking_no: '1' }, { tracking_no: '2' })(e);
      e.data['delivery_mode'] = 1;
    };
    expect(problemsAfter(two)).toMatchObject([{ field: 'data.shipping_list', value: '2 parcels' }]);
  });
});
