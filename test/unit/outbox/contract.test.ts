import { describe, expect, it } from 'vitest';
import { bundledCarriers } from '../../../src/carriers.ts';
import { checkEvent, describeProblems, paymentOf } from '../../../src/outbox/contract.ts';
import { shippedEvent, type LooseEvent } from '../../support/events.ts';

const options = { carriers: bundledCarriers() };
const refusal = (change: (event: LooseEvent) => void): string => {
  const event = shippedEvent();
  change(event);
  const checked = checkEvent(event, options);
  return checked.kind === 'valid' ? 'valid' : describeProblems(checked.problems);
};
const parcelOf = (event: LooseEvent) => event.data.shipping_list[0]!;

const refused: [claim: string, change: (event: LooseEvent) => void, message: RegExp][] = [
  [
    'logistics_type as a string',
    (e) => (e.data['logistics_type'] = '1'),
    /data\.logistics_type is "1": .*send a number, not a string/,
  ],
  ['logistics_type 0', (e) => (e.data['logistics_type'] = 0), /data\.logistics_type is 0/],
  [
    'delivery_mode by its enum name',
    (e) => (e.data['delivery_mode'] = 'UNIFIED_DELIVERY'),
    /delivery_mode.*not a string/,
  ],
  [
    'is_all_delivered as a string',
    (e) => (e.data['is_all_delivered'] = 'true'),
    /is_all_delivered is "true".*boolean/,
  ],
  ['a time without a zone', (e) => (e['time'] = '2026-11-23T10:00:00'), /time is .*RFC 3339/],
  ['a day that does not exist', (e) => (e['time'] = '2026-02-30T10:00:00Z'), /time is/],
  ['no parcel', (e) => (e.data.shipping_list = []), /shipping_list.*1 to 15/],
  [
    'a carrier in the wrong case',
    (e) => (parcelOf(e)['express_company'] = 'sf'),
    /express_company is "sf": .*case-sensitive/,
  ],
  ['SF without a contact', (e) => delete parcelOf(e)['contact'], /contact is missing: is required for SF/],
  [
    'an unmasked phone number',
    (e) => (parcelOf(e)['contact'] = { receiver_contact: '13812341234' }),
    /masked/,
  ],
  ['an empty item_desc', (e) => (parcelOf(e)['item_desc'] = ' '), /item_desc.*empty/],
  [
    'an item_desc of 101 code points',
    (e) => (parcelOf(e)['item_desc'] = '🍌'.repeat(101)),
    /at most 100 code points/,
  ],
  ['a control character', (e) => (parcelOf(e)['item_desc'] = 'a\u0007b'), /control character/],
  ['a lone surrogate', (e) => (parcelOf(e)['item_desc'] = 'a\ud800'), /lone surrogate/],
  [
    'a transaction_id with a blank',
    (e) => (e.data['order_key'] = { order_number_type: 2, transaction_id: '42 00' }),
    /transaction_id is "42 00"/,
  ],
  [
    'split delivery of virtual goods',
    (e) => Object.assign(e.data, { logistics_type: 3, delivery_mode: 2 }),
    /delivery_mode is 2/,
  ],
  [
    'split delivery without is_all_delivered',
    (e) => (e.data['delivery_mode'] = 2),
    /is_all_delivered is missing/,
  ],
  [
    'two parcels in unified mode',
    (e) => e.data.shipping_list.push({ ...parcelOf(e), tracking_no: 'X2' }),
    /2 parcels.*exactly one/,
  ],
  ['an unknown member', (e) => (e.data['upload_time'] = 'x'), /data\.upload_time is "x": .*remove it/],
  [
    'a correction without approval',
    (e) => (e['type'] = 'fahuo.shipment.corrected.v1'),
    /approved_by is missing/,
  ],
  ['version 0', (e) => (e['version'] = 0), /version is 0/],
];

describe('the event contract', () => {
  it('accepts the design’s own example', () => {
    expect(checkEvent(shippedEvent(), options).kind).toBe('valid');
  });

  it.each(refused)('refuses %s and names field, value and rule', (_claim, change, message) => {
    expect(refusal(change)).toMatch(message);
  });

  it('accepts exactly 100 code points, emoji counted once', () => {
    expect(refusal((e) => (parcelOf(e)['item_desc'] = '🍌'.repeat(100)))).toBe('valid');
  });

  it('accepts fifteen parcels in split mode and refuses sixteen', () => {
    const withParcels = (count: number) =>
      refusal((e) => {
        Object.assign(e.data, { delivery_mode: 2, is_all_delivered: false });
        e.data.shipping_list = Array.from({ length: count }, (_, i) => ({
          ...parcelOf(shippedEvent()),
          tracking_no: `SF${i}`,
        }));
      });
    expect(withParcels(15)).toBe('valid');
    expect(withParcels(16)).toMatch(/1 to 15/);
  });

  it.each([
    '138****1234',
    '021-****1234',
    '****1234',
    '0**2-***1234',
    '0**2-******23-10',
    '****123-8008',
    '+86-123****4321',
  ])('accepts the documented mask %s', (phone) => {
    expect(refusal((e) => (parcelOf(e)['contact'] = { receiver_contact: phone }))).toBe('valid');
  });

  it('keys a payment by transaction_id, or by merchant and order number', () => {
    expect(paymentOf({ order_key: { order_number_type: 2, transaction_id: 'T' } })).toBe('T');
    expect(paymentOf({ order_key: { order_number_type: 1, mchid: 'M', out_trade_no: 'O' } })).toBe('M:O');
  });

  it.each([null, 1, 'x', [], {}])('refuses %j without throwing', (input) => {
    expect(checkEvent(input, options).kind).toBe('invalid');
  });
});
