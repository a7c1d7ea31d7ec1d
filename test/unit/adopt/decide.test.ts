import { describe, expect, it } from 'vitest';
import { decide, isFinished, unknownPayment, type Known } from '../../../src/adopt/decide.ts';
import type { Part } from '../../../src/adopt/part.ts';
import { bundledCarriers } from '../../../src/shipment/carriers.ts';
import type { Shipment } from '../../../src/shipment/events.ts';
import { part, second } from '../../support/adopt-parts.ts';

const payment = '4200001234202611230000000001';
const rules = { carriers: bundledCarriers(), own: {} };
const look = (parts: readonly Part[], known: Known = unknownPayment) => decide(payment, parts, known, rules);
const said = (shipment: Shipment, changes: Partial<Known> = {}): Known => ({
  said: shipment,
  stands: true,
  corrected: false,
  ...changes,
});

/** What is said of these parts, which is something. */
function shipmentOf(parts: readonly Part[], known?: Known): Shipment {
  const decided = look(parts, known);
  if (decided.kind !== 'say' && decided.kind !== 'propose') throw new TypeError(JSON.stringify(decided));
  return decided.shipment;
}
const after = (...looks: Part[][]): Known =>
  looks.reduce<Known>((known, parts) => said(shipmentOf(parts, known)), unknownPayment);

describe('what is said of a payment', () => {
  it('is one parcel, unified, for one shipped order', () => {
    expect(look([part()])).toEqual({
      kind: 'say',
      shipment: {
        order_key: { order_number_type: 2, transaction_id: payment },
        logistics_type: 1,
        delivery_mode: 1,
        shipping_list: [{ tracking_no: 'A1', express_company: 'ZTO', item_desc: '保温杯*1' }],
        payer: { openid: 'oFAKE-1' },
      },
    });
  });

  it('names the payment by merchant and order where WeChat’s number is unknown', () => {
    expect(decide('1900000001:T1', [part()], unknownPayment, rules)).toMatchObject({
      shipment: { order_key: { order_number_type: 1, mchid: '1900000001', out_trade_no: 'T1' } },
    });
  });

  it.each(['open', 'void'] as const)('is nothing while the only part is %s', (state) => {
    expect(look([part({ state })])).toEqual({ kind: 'nothing', why: 'nothing_shipped' });
  });

  it('is nothing, with the reason, where WeChat has no part in the payment', () => {
    expect(look([part({ skip: 'paid by wallet' })])).toEqual({ kind: 'skipped', why: 'paid by wallet' });
  });

  it('is nothing where the payment has no parts', () => {
    expect(look([])).toEqual({ kind: 'skipped', why: 'no parts' });
  });

  it('leaves out the parts that WeChat has nothing to do with', () => {
    expect(
      shipmentOf([part({ skip: 'points' }), second()]).shipping_list.map((one) => one.tracking_no),
    ).toEqual(['B2']);
  });

  it('is split and unfinished while another part is open', () => {
    expect(shipmentOf([part(), second({ state: 'open' })])).toMatchObject({
      delivery_mode: 2,
      is_all_delivered: false,
      shipping_list: [{ tracking_no: 'A1' }],
    });
  });

  it('is split and finished when two parts are shipped in two parcels', () => {
    expect(shipmentOf([part(), second()])).toMatchObject({ delivery_mode: 2, is_all_delivered: true });
  });

  it('is unified when two parts are in one parcel, whose texts it joins', () => {
    expect(shipmentOf([part(), second({ trackingNo: 'A1' })])).toMatchObject({
      delivery_mode: 1,
      shipping_list: [{ tracking_no: 'A1', item_desc: '保温杯*1;雨伞*1' }],
    });
  });

  it('tells a text that two parts share once', () => {
    expect(
      shipmentOf([part(), second({ trackingNo: 'A1', itemDesc: '保温杯*1' })]).shipping_list[0]?.item_desc,
    ).toBe('保温杯*1');
  });

  it('joins no text where a part has none', () => {
    const texts = shipmentOf([part({ itemDesc: null }), second({ trackingNo: 'A1' })]).shipping_list;
    expect(texts.map((one) => one.item_desc)).toEqual(['雨伞*1']);
  });

  it('takes one number of two carriers for two parcels', () => {
    expect(shipmentOf([part(), second({ trackingNo: 'A1', carrierKey: 'YTO' })]).shipping_list).toHaveLength(
      2,
    );
  });

  it('does not count a part that is void', () => {
    expect(shipmentOf([part(), second({ state: 'void' })])).toMatchObject({ delivery_mode: 1 });
  });

  it('masks the phone, for SF alone', () => {
    expect(shipmentOf([part({ carrierKey: 'SF' })]).shipping_list[0]?.contact).toEqual({
      receiver_contact: '138****1234',
    });
    expect(shipmentOf([part()]).shipping_list[0]).not.toHaveProperty('contact');
    expect(shipmentOf([part({ carrierKey: 'SF', receiverPhone: null })]).shipping_list[0]).not.toHaveProperty(
      'contact',
    );
  });

  it('masks the first phone that the parts of a parcel name', () => {
    const parts = [part({ carrierKey: 'SF', receiverPhone: null })];
    for (const receiverPhone of ['13900005678', '13700004321'])
      parts.push(second({ carrierKey: 'SF', trackingNo: 'A1', receiverPhone }));
    expect(shipmentOf(parts).shipping_list.map((one) => one.contact)).toEqual([
      { receiver_contact: '139****5678' },
    ]);
  });

  it.each([
    [2, 'same-city'],
    [3, 'virtual'],
    [4, 'pick-up'],
  ])('has one entry without a parcel for type %i, %s', (logisticsType) => {
    expect(shipmentOf([part({ logisticsType }), second({ logisticsType })])).toEqual({
      order_key: { order_number_type: 2, transaction_id: payment },
      logistics_type: logisticsType,
      delivery_mode: 1,
      shipping_list: [{ item_desc: '保温杯*1;雨伞*1' }],
      payer: { openid: 'oFAKE-1' },
    });
  });

  it('waits for every part where nothing can be split', () => {
    expect(look([part({ logisticsType: 3 }), second({ logisticsType: 3, state: 'open' })])).toEqual({
      kind: 'nothing',
      why: 'rest_open',
    });
  });

  it('takes the openid of the first shipped part that has one', () => {
    expect(shipmentOf([part({ openid: null }), second()]).payer.openid).toBe('oFAKE-1');
  });
});

describe('what waits for a person', () => {
  const reasonOf = (parts: readonly Part[], known?: Known) => {
    const decided = look(parts, known);
    return decided.kind === 'held' ? decided.reason : decided;
  };

  it('is a shipment without an openid', () => {
    expect(reasonOf([part({ openid: null })])).toBe('no_openid');
  });

  it('is an express part without a number', () => {
    expect(reasonOf([part(), second({ trackingNo: null })])).toBe('no_tracking_no');
  });

  it('is a carrier that is not on the list, with what it may be', () => {
    expect(look([part({ carrierKey: 'NOBODY' })])).toMatchObject({
      reason: 'unknown_carrier',
      detail: expect.stringContaining('"NOBODY"') as string,
    });
    expect(look([part({ carrierKey: null })])).toMatchObject({
      detail: expect.stringContaining('names no carrier') as string,
    });
  });

  it('is a carrier whose name is that of several, with the ids it may mean', () => {
    const detailOf = (carrierName: string) => {
      const decided = look([part({ carrierKey: null, carrierName })]);
      return decided.kind === 'held' ? decided.detail : decided;
    };
    const unknown = (words: string) => `the carrier "${words}" of part order_id:1 is not on WeChat's list: `;
    const remedy = 'name its id under carriers in the file, or OTHER';
    expect(detailOf('迅达')).toBe(`${unknown('迅达')}it may be XDEXPRESS or ZY_XDKD; ${remedy}`);
    expect(detailOf('顺风耳')).toBe(`${unknown('顺风耳')}${remedy}`);
  });

  it('is a payment that is shipped in two ways', () => {
    expect(reasonOf([part(), second({ logisticsType: 4 })])).toBe('mixed_types');
  });

  it('is more than 15 parcels, and not 15', () => {
    const parcels = (count: number) =>
      Array.from({ length: count }, (_, index) =>
        part({ name: `order_id:${index}`, trackingNo: `T${index}` }),
      );
    expect(look(parcels(15)).kind).toBe('say');
    expect(reasonOf(parcels(16))).toBe('too_many_parcels');
  });
});

describe('a payment that was never looked at', () => {
  it('has nothing in force and its correction ahead of it', () => {
    expect(unknownPayment).toEqual({ said: null, stands: false, corrected: false });
  });
});

describe('a later look', () => {
  const finished = () => after([part()]);
  const unfinished = () => after([part(), second({ state: 'open' })]);

  it('says nothing while nothing changed', () => {
    expect(look([part()], finished())).toEqual({ kind: 'nothing', why: 'same' });
    expect(look([part(), second({ state: 'open' })], unfinished())).toEqual({ kind: 'nothing', why: 'same' });
  });

  it('never rewrites a text, a phone or an openid that was said', () => {
    expect(
      look([part({ itemDesc: '改名*1', openid: 'oFAKE-2', receiverPhone: '13900000000' })], finished()),
    ).toEqual({
      kind: 'nothing',
      why: 'same',
    });
    const next = shipmentOf([part({ itemDesc: '改名*1', openid: 'oFAKE-2' }), second()], unfinished());
    expect(next.shipping_list[0]?.item_desc).toBe('保温杯*1');
    expect(next.payer.openid).toBe('oFAKE-1');
  });

  it('freezes the text of goods without a parcel', () => {
    const known = after([part({ logisticsType: 3 })]);
    expect(look([part({ logisticsType: 3, itemDesc: '改名' })], known)).toEqual({
      kind: 'nothing',
      why: 'same',
    });
  });

  it('restates every parcel when one is added, the former first', () => {
    const next = look([second(), part()], unfinished());
    expect(next).toMatchObject({ kind: 'say', shipment: { is_all_delivered: true } });
    expect(shipmentOf([second(), part()], unfinished()).shipping_list.map((one) => one.tracking_no)).toEqual([
      'A1',
      'B2',
    ]);
  });

  it('closes a split shipment when its last open part is refunded, and stays split with one parcel', () => {
    expect(look([part(), second({ state: 'void' })], unfinished())).toMatchObject({
      kind: 'say',
      shipment: { delivery_mode: 2, is_all_delivered: true, shipping_list: [{ tracking_no: 'A1' }] },
    });
  });

  it('says a waybill that was changed before the end', () => {
    expect(look([part({ trackingNo: 'A9' }), second({ state: 'open' })], unfinished())).toMatchObject({
      kind: 'say',
      shipment: { is_all_delivered: false, shipping_list: [{ tracking_no: 'A9' }] },
    });
  });

  it('holds another way of shipping while what was said is unfinished', () => {
    expect(look([part({ logisticsType: 4 }), second({ state: 'void' })], unfinished())).toMatchObject({
      kind: 'held',
      reason: 'mixed_types',
      detail: expect.stringContaining(
        'parcels of type 1 were said, and now it is shipped by type 4',
      ) as string,
    });
  });

  it('does not take an order of the parcels for a change', () => {
    const known = after([part(), second()]);
    expect(look([second(), part()], known)).toEqual({ kind: 'nothing', why: 'same' });
  });

  it('proposes what changed after the end, and never says it by itself', () => {
    expect(look([part({ trackingNo: 'A9' })], finished())).toMatchObject({
      kind: 'propose',
      why: 'the waybill changed in the shop',
      shipment: { delivery_mode: 1, shipping_list: [{ tracking_no: 'A9', item_desc: '保温杯*1' }] },
    });
    expect(look([part({ logisticsType: 4 })], finished())).toMatchObject({
      kind: 'propose',
      why: 'the way of shipping changed in the shop',
    });
    const pickUp = after([part({ logisticsType: 4 })]);
    expect(look([part({ logisticsType: 3 })], pickUp)).toMatchObject({
      kind: 'propose',
      why: 'the way of shipping changed in the shop',
      shipment: { logistics_type: 3 },
    });
    expect(look([part(), second()], finished())).toMatchObject({
      kind: 'propose',
      why: 'parcels were added in the shop after the shipment was complete',
      shipment: { delivery_mode: 2, is_all_delivered: true },
    });
    expect(look([part()], after([part(), second()]))).toMatchObject({
      kind: 'propose',
      why: 'parcels were removed in the shop after the shipment was complete',
      shipment: { delivery_mode: 2, is_all_delivered: true },
    });
  });

  it('takes a part that is open again for no change of what was finished', () => {
    expect(look([part(), second({ state: 'open' })], finished())).toEqual({ kind: 'nothing', why: 'same' });
    expect(look([part({ trackingNo: 'A9' }), second({ state: 'open' })], finished())).toEqual({
      kind: 'nothing',
      why: 'rest_open',
    });
  });

  it('holds a second change after the one correction', () => {
    const corrected = said(shipmentOf([part()]), { corrected: true });
    expect(look([part({ trackingNo: 'A9' })], corrected)).toMatchObject({
      kind: 'held',
      reason: 'second_correction',
    });
    expect(look([part()], corrected)).toEqual({ kind: 'nothing', why: 'same' });
  });

  it('says anew what WeChat refused, once it is mended', () => {
    const refused = said(shipmentOf([part()]), { stands: false });
    expect(look([part({ openid: 'oFAKE-2' })], refused)).toMatchObject({
      kind: 'say',
      shipment: { payer: { openid: 'oFAKE-2' } },
    });
  });

  it('does not repeat what WeChat refused while nothing is mended', () => {
    expect(look([part()], said(shipmentOf([part()]), { stands: false }))).toEqual({
      kind: 'nothing',
      why: 'same',
    });
    expect(look([part()], said(shipmentOf([part()]), { stands: false, corrected: true }))).toEqual({
      kind: 'nothing',
      why: 'same',
    });
  });

  it('holds what changed after a correction that WeChat refused', () => {
    const refused = said(shipmentOf([part()]), { stands: false, corrected: true });
    expect(look([part({ trackingNo: 'A9' })], refused)).toMatchObject({ reason: 'second_correction' });
  });
});

it('is finished when unified, or split with all', () => {
  const base = shipmentOf([part()]);
  expect(isFinished(base)).toBe(true);
  expect(isFinished({ ...base, delivery_mode: 2, is_all_delivered: false })).toBe(false);
  expect(isFinished({ ...base, delivery_mode: 2, is_all_delivered: true })).toBe(true);
});
