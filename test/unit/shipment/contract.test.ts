import { describe, expect, it } from 'vitest';
import { checkEvent } from '../../../src/shipment/contract.ts';
import { describeProblems } from '../../../src/shipment/problems.ts';
import {
  correction,
  fields,
  merchant,
  options,
  parcelOf,
  problemsAfter,
  transaction,
} from '../../support/contract.ts';
import { shippedEvent, type LooseEvent } from '../../support/events.ts';

const refusal = (change: (event: LooseEvent) => void): string => {
  const event = shippedEvent();
  change(event);
  const checked = checkEvent(event, options);
  return checked.kind === 'valid' ? 'valid' : describeProblems(checked.problems);
};

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
  ['a control character', (e) => (parcelOf(e)['tracking_no'] = 'a\u0007b'), /control character/],
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

  it.each([null, 1, 'x', [], {}])('refuses %j without throwing', (input) => {
    expect(checkEvent(input, options).kind).toBe('invalid');
  });
});

describe('the limits of the contract', () => {
  type Limit = [member: string, longest: number, set: (event: LooseEvent, text: string) => unknown];
  it.each<Limit>([
    ['id', 128, (e, text) => (e['id'] = text)],
    ['source', 256, (e, text) => (e['source'] = text)],
    ['appid', 64, (e, text) => (e['appid'] = text)],
    ['reason', 500, (e, text) => correction({ reason: text })(e)],
    ['approved_by', 128, (e, text) => correction({ approved_by: text })(e)],
    ['data.order_key.transaction_id', 64, (e, text) => transaction(text)(e)],
    ['data.order_key.mchid', 32, (e, text) => merchant({ mchid: text })(e)],
    ['data.order_key.out_trade_no', 64, (e, text) => merchant({ out_trade_no: text })(e)],
    ['data.payer.openid', 128, (e, text) => (e.data['payer'] = { openid: text })],
    ['data.shipping_list[0].tracking_no', 128, (e, text) => (parcelOf(e)['tracking_no'] = text)],
  ])('take %s of one character and of %i, and refuse none and one more', (member, longest, set) => {
    const refusedAt = (length: number) => fields((event) => set(event, 'x'.repeat(length)));
    expect([refusedAt(1), refusedAt(longest)]).toEqual([[], []]);
    expect(refusedAt(0)).toEqual([member]);
    expect(refusedAt(longest + 1)).toEqual([member]);
  });

  it('count bytes where WeChat limits an id, and characters in texts of ours', () => {
    const number = (tracking_no: string) => fields((e) => (parcelOf(e)['tracking_no'] = tracking_no));
    expect(number('单'.repeat(42))).toEqual([]);
    expect(number('单'.repeat(43))).toEqual(['data.shipping_list[0].tracking_no']);
    expect(fields(correction({ reason: '错'.repeat(500) }))).toEqual([]);
  });

  it.each<[member: string, first: number, last: number, set: (event: LooseEvent, value: number) => unknown]>([
    ['version', 1, 999_999_999, (e, value) => (e['version'] = value)],
    [
      'data.logistics_type',
      1,
      4,
      (e, value) =>
        Object.assign(e.data, {
          logistics_type: value,
          shipping_list: value === 1 ? e.data.shipping_list : [{ item_desc: '会员' }],
        }),
    ],
    [
      'data.delivery_mode',
      1,
      2,
      (e, value) => Object.assign(e.data, { delivery_mode: value, is_all_delivered: true }),
    ],
  ])('take whole numbers as %s, from %i to %i', (member, first, last, set) => {
    const refusedAt = (value: number) => fields((event) => set(event, value));
    expect([refusedAt(first), refusedAt(last)]).toEqual([[], []]);
    for (const value of [first - 1, last + 1, first + 0.5]) expect(refusedAt(value)).toEqual([member]);
  });

  it('take a phone of 1,024 characters and no longer one', () => {
    const phone = (length: number) =>
      fields((e) => (parcelOf(e)['contact'] = { receiver_contact: `${'*'.repeat(length - 4)}1234` }));
    expect(phone(1_024)).toEqual([]);
    expect(phone(1_025)).toEqual(['data.shipping_list[0].contact.receiver_contact']);
  });
});

describe('what is said of a broken rule', () => {
  const parcelWith = (change: object) => (event: LooseEvent) => Object.assign(parcelOf(event), change);
  it.each<[claim: string, change: (event: LooseEvent) => unknown, rules: string[]]>([
    ['a source that is empty', (e) => (e['source'] = ''), ['must not be empty: give 1 character at least']],
    ['a reason that is empty', correction({ reason: '' }), ['must say why WeChat holds the wrong content']],
    [
      'an approver that is empty',
      correction({ approved_by: '' }),
      ['must name who approved spending the only re-ship chance'],
    ],
    [
      'a source that is too long',
      (e) => (e['source'] = 's'.repeat(257)),
      ['must have at most 256 characters: shorten it'],
    ],
    [
      'a time that is none',
      (e) => (e['time'] = 'today'),
      ['must be RFC 3339 with a zone, like 2026-11-23T10:00:00+08:00'],
    ],
    [
      'a phone that is too long',
      parcelWith({ contact: { receiver_contact: `${'*'.repeat(1_024)}1234` } }),
      ['must have at most 1024 characters: give one phone number'],
    ],
    [
      'a text for the buyer that is broken, whatever else it is',
      parcelWith({ item_desc: `\ud800\u0007${'x'.repeat(100)}` }),
      ['holds a lone surrogate: cut texts between whole characters'],
    ],
  ])('is that rule, with its remedy: %s', (_claim, change, rules) => {
    expect(problemsAfter(change as () => void).map(({ rule }) => rule)).toEqual(rules);
  });

  it('is the problems alone where what means the same does not make the event right', () => {
    const event = shippedEvent();
    Object.assign(event, { version: 0, reason: null });
    const checked = checkEvent(event, options);
    expect(Object.keys(checked).sort()).toEqual(['kind', 'problems']);
  });
});

describe('texts that WeChat, Kafka or Postgres would not take', () => {
  it.each<[string, (event: LooseEvent, text: string) => unknown]>([
    ['id', (e, text) => (e['id'] = text)],
    ['data.shipping_list[0].tracking_no', (e, text) => (parcelOf(e)['tracking_no'] = text)],
    ['data.payer.openid', (e, text) => (e.data['payer'] = { openid: text })],
  ])(
    'are refused in %s: control characters from the first to the last, and halves of characters',
    (at, set) => {
      const problems = (text: string) => problemsAfter((event) => set(event, text));
      for (const code of [0, 0x1f, 0x7f, 0x9f])
        expect(problems(`a${String.fromCharCode(code)}b`)).toEqual([
          expect.objectContaining({
            field: at,
            rule: expect.stringMatching(/control character.*remove it/) as string,
          }),
        ]);
      for (const code of [0x20, 0x7e, 0xa0]) expect(problems(`a${String.fromCharCode(code)}b`)).toEqual([]);
      expect(problems('a\ud800')).toEqual([
        expect.objectContaining({ field: at, rule: expect.stringContaining('lone surrogate') as string }),
      ]);
    },
  );

  it.each<[string, (text: string) => (event: LooseEvent) => unknown]>([
    ['appid', (text) => (e) => (e['appid'] = text)],
    ['data.order_key.transaction_id', transaction],
    ['data.order_key.mchid', (mchid) => merchant({ mchid })],
    ['data.order_key.out_trade_no', (out_trade_no) => merchant({ out_trade_no })],
  ])('are refused as %s wherever a foreign character stands', (member, set) => {
    for (const text of [' a', 'a b', 'a ', 'a:b', '单'])
      expect(fields(set(text) as () => void)).toEqual([member]);
    expect(fields(set('Az09_-') as () => void)).toEqual([]);
  });

  it('are no stars, except in an order number of the merchant', () => {
    expect(fields(merchant({ out_trade_no: 'a*b' }))).toEqual([]);
    expect(fields(transaction('a*b'))).toEqual(['data.order_key.transaction_id']);
  });
});

describe('a phone number of the contract', () => {
  const phone = (text: unknown) =>
    problemsAfter((e) => (parcelOf(e)['contact'] = { receiver_contact: text }));

  it('is masked by a single star at least, and ends in four clear digits', () => {
    expect(phone('138*1234')).toEqual([]);
    for (const text of [
      '1381234',
      '****123',
      '****12-3',
      '**1-234',
      'x138****1234',
      '138****1234x',
      '138****1234,13812341234',
      '138****1234,',
    ])
      expect(phone(text)).toMatchObject([
        { rule: expect.stringMatching(/masked.*FAHUO_MASK_CONTACTS/) as string },
      ]);
  });

  it.each([
    ['13812341234', '"*******1234"'],
    ['021-5678-12-34', '"***-****-12-34"'],
    ['1234', '"1234"'],
  ])('is shown with its last four digits alone when it is refused: %s', (text, shown) => {
    expect(phone(text)).toMatchObject([{ value: shown }]);
  });

  it('is hidden as well where it stands in the place of the whole contact; other numbers are shown', () => {
    expect(problemsAfter((e) => (parcelOf(e)['contact'] = '13812341234'))).toMatchObject([
      { value: '"*******1234"' },
    ]);
    expect(problemsAfter((e) => (e['version'] = 1_234_567_890))).toMatchObject([{ value: '1234567890' }]);
  });
});
