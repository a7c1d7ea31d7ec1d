import { describe, expect, it } from 'vitest';
import { checkUpload } from '../../../src/sandbox/check.ts';

type Body = Record<string, unknown> & { shipping_list: Record<string, unknown>[] };

const validBody = (): Body => ({
  order_key: { order_number_type: 2, transaction_id: '4200001234202611230000000001' },
  logistics_type: 1,
  delivery_mode: 1,
  shipping_list: [
    {
      tracking_no: 'SF1234567890',
      express_company: 'SF',
      item_desc: '红富士苹果 5kg*1',
      contact: { receiver_contact: '138****1234' },
    },
  ],
  upload_time: '2026-11-23T10:00:00.120+08:00',
  payer: { openid: 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o' },
});
type Change = (body: Body) => void;

const checked = (change: Change) => {
  const body = validBody();
  change(body);
  return checkUpload(body);
};
const errcodeOf = (change: Change): number | 'upload' => {
  const result = checked(change);
  return result.kind === 'upload' ? 'upload' : result.errcode;
};
const set =
  (name: string, value: unknown): Change =>
  (body) =>
    (body[name] = value);
const inParcel =
  (changes: Record<string, unknown>): Change =>
  (body) =>
    void Object.assign(body.shipping_list[0]!, changes);
const splitOf =
  (count: number): Change =>
  (body) => {
    const [parcel] = body.shipping_list;
    const parcels = Array.from({ length: count }, (_, at) => ({ ...parcel, tracking_no: `SF${at}` }));
    Object.assign(body, { delivery_mode: 2, is_all_delivered: false, shipping_list: parcels });
  };
const merchantKey = (key: Record<string, unknown>): Change =>
  set('order_key', { order_number_type: 1, mchid: '1900000001', out_trade_no: 'T-1', ...key });

const wrongTypes: [claim: string, change: Change][] = [
  ['an order_key in camelCase', (body) => ((body['orderKey'] = body['order_key']), delete body['order_key'])],
  ['order_number_type as a string', merchantKey({ order_number_type: '1' })],
  ['transaction_id as a number', set('order_key', { order_number_type: 2, transaction_id: 42 })],
  ['mchid as a number', merchantKey({ mchid: 1_900_000_001 })],
  ['out_trade_no as a number', merchantKey({ out_trade_no: 7 })],
  ['logistics_type as a string', set('logistics_type', '1')],
  ['logistics_type 0', set('logistics_type', 0)],
  ['no logistics_type', set('logistics_type', undefined)],
  ['is_all_delivered as a string', set('is_all_delivered', 'true')],
  ['is_all_delivered as null', set('is_all_delivered', null)],
  ['shipping_list as an object', set('shipping_list', { tracking_no: 'SF1' })],
  ['an empty shipping_list in split mode', splitOf(0)],
  ['a parcel that is a text', set('shipping_list', ['SF1'])],
  ['tracking_no as a number', inParcel({ tracking_no: 1234567890 })],
  ['express_company as a number', inParcel({ express_company: 1 })],
  ['item_desc as a list', inParcel({ item_desc: ['苹果'] })],
  ['contact as a text', inParcel({ contact: '138****1234' })],
  ['a phone of the contact as a number', inParcel({ contact: { receiver_contact: 1234 } })],
  ['payer as a text', set('payer', 'oUpF8uMuAJO')],
  ['no payer', set('payer', undefined)],
  ['an empty openid', set('payer', { openid: '' })],
  ['an openid as a number', set('payer', { openid: 7 })],
];

const brokenRules: [claim: string, errcode: number, change: Change][] = [
  ['order_number_type 3', 268485194, merchantKey({ order_number_type: 3 })],
  ['an empty transaction_id', 268485195, set('order_key', { order_number_type: 2, transaction_id: '' })],
  ['no transaction_id', 268485195, set('order_key', { order_number_type: 2 })],
  ['an empty mchid', 268485196, merchantKey({ mchid: '' })],
  ['no out_trade_no', 268485197, merchantKey({ out_trade_no: undefined })],
  ['logistics_type 5', 10060005, set('logistics_type', 5)],
  ['logistics_type 1.5', 10060005, set('logistics_type', 1.5)],
  ['delivery_mode by its enum name', 268485224, set('delivery_mode', 'UNIFIED_DELIVERY')],
  ['delivery_mode 3', 268485224, set('delivery_mode', 3)],
  [
    'split delivery of virtual goods',
    10060006,
    (body) => void Object.assign(body, { logistics_type: 3, delivery_mode: 2, is_all_delivered: true }),
  ],
  ['split delivery without is_all_delivered', 10060007, set('delivery_mode', 2)],
  ['sixteen parcels', 10060024, splitOf(16)],
  ['two parcels in unified mode', 268485228, (body) => (splitOf(2)(body), (body['delivery_mode'] = 1))],
  ['no parcel in unified mode', 268485228, set('shipping_list', [])],
  ['no tracking_no for express', 268485226, inParcel({ tracking_no: undefined })],
  ['an empty express_company for express', 268485227, inParcel({ express_company: '' })],
  ['an express_company of 129 bytes', 10060025, inParcel({ express_company: 'x'.repeat(129) })],
  ['a tracking_no of 129 bytes in 43 characters', 10060026, inParcel({ tracking_no: '号'.repeat(43) })],
  ['SF without a contact', 10060014, inParcel({ contact: undefined })],
  ['SF with an empty contact', 10060014, inParcel({ contact: {} })],
  ['SF with an empty phone', 10060014, inParcel({ contact: { receiver_contact: '' } })],
  ['an empty item_desc', 10060008, inParcel({ item_desc: '' })],
  ['no item_desc', 10060008, inParcel({ item_desc: undefined })],
  ['an item_desc of 121 characters', 10060009, inParcel({ item_desc: '果'.repeat(121) })],
  ['no upload_time', 268485216, set('upload_time', undefined)],
  ['a form-encoded upload_time', 268485216, set('upload_time', '2026-11-23T10:00:00.120 08:00')],
  ['an upload_time without a zone', 268485216, set('upload_time', '2026-11-23T10:00:00.120')],
  ['an upload_time as a number', 268485216, set('upload_time', 1_795_399_200)],
  ['an upload_time in a list', 268485216, set('upload_time', ['2026-11-23T10:00:00+08:00'])],
  ['an upload_time in a year of six digits', 268485216, set('upload_time', '+002026-11-23T10:00:00Z')],
  ['more behind its upload_time', 268485216, set('upload_time', '2026-11-23T10:00:00+08:00 (CST)')],
  ['an upload_time in month 13', 268485216, set('upload_time', '2026-13-23T10:00:00+08:00')],
];

describe('an upload', () => {
  it('is read whole from the design’s own example', () => {
    expect(checkUpload(validBody())).toEqual({
      kind: 'upload',
      upload: {
        payment: '4200001234202611230000000001',
        logisticsType: 1,
        deliveryMode: 1,
        allDelivered: true,
        parcels: [
          {
            trackingNo: 'SF1234567890',
            company: 'SF',
            itemDesc: '红富士苹果 5kg*1',
            contact: '{"receiver_contact":"138****1234"}',
          },
        ],
        uploadTimeMs: Date.parse('2026-11-23T02:00:00.120Z'),
        openid: 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o',
      },
    });
  });

  it.each(wrongTypes)('with %s answers 47001', (_claim, change) => {
    expect(errcodeOf(change)).toBe(47001);
  });

  it.each([undefined, null, 'x', 1, [], [{}]])('that is %j answers 47001', (body) => {
    expect(checkUpload(body)).toMatchObject({ kind: 'refused', errcode: 47001 });
  });

  it.each(brokenRules)('with %s answers %i', (_claim, errcode, change) => {
    expect(errcodeOf(change)).toBe(errcode);
  });

  it('is refused for any of its parcels', () => {
    const second: Change = (body) => (splitOf(2)(body), (body.shipping_list[1]!['item_desc'] = ''));
    expect(errcodeOf(second)).toBe(10060008);
  });

  it('names no member where none has a wrong type', () => {
    expect(checked(set('logistics_type', 5))).toStrictEqual({ kind: 'refused', errcode: 10060005 });
  });

  it('names the member of a wrong type', () => {
    expect(checked(set('logistics_type', '1'))).toMatchObject({ hint: 'logistics_type' });
    expect(checked(merchantKey({ mchid: 1 }))).toMatchObject({ hint: 'mchid' });
  });

  it.each<[claim: string, change: Change]>([
    ['fifteen parcels in split mode', splitOf(15)],
    ['one parcel in split mode', splitOf(1)],
    [
      'ids of exactly 128 bytes',
      inParcel({ tracking_no: 'x'.repeat(128), express_company: 'y'.repeat(128) }),
    ],
    ['120 emoji', inParcel({ item_desc: '🍌'.repeat(120) })],
    [
      'the sender’s phone in place of the receiver’s',
      inParcel({ contact: { consignor_contact: '****1234' } }),
    ],
    ['another carrier without a contact', inParcel({ express_company: 'YTO', contact: undefined })],
    ['is_all_delivered in unified mode', set('is_all_delivered', false)],
    ['a time without a fraction', set('upload_time', '2026-11-23T10:00:00+08:00')],
    ['a time with +0800', set('upload_time', '2026-11-23T10:00:00.120+0800')],
    ['a time in Z', set('upload_time', '2026-11-23T02:00:00Z')],
    ['a time with six digits', set('upload_time', '2026-11-23T10:00:00.120456+08:00')],
  ])('may have %s', (_claim, change) => {
    expect(errcodeOf(change)).toBe('upload');
  });

  it.each([2, 3, 4])('of logistics_type %i needs nothing but a text', (logisticsType) => {
    const change: Change = (body) =>
      void Object.assign(body, {
        logistics_type: logisticsType,
        shipping_list: [{ item_desc: '会员 1 年' }],
      });
    expect(checked(change)).toMatchObject({
      upload: { parcels: [{ trackingNo: '', company: '', itemDesc: '会员 1 年', contact: '' }] },
    });
  });

  it('finishes a payment in unified mode always, in split mode when it says so', () => {
    expect(checked(set('is_all_delivered', false))).toMatchObject({ upload: { allDelivered: true } });
    expect(checked(splitOf(2))).toMatchObject({ upload: { allDelivered: false } });
    expect(checked((body) => (splitOf(2)(body), (body['is_all_delivered'] = true)))).toMatchObject({
      upload: { allDelivered: true },
    });
  });

  it('names a payment by merchant and order number too', () => {
    expect(checked(merchantKey({}))).toMatchObject({ upload: { payment: '1900000001:T-1' } });
  });

  it('is refused for the first of several faults: the payment, the type, the mode, the parcels, the time', () => {
    const faults: [Change, number][] = [
      [set('upload_time', 'x'), 268485216],
      [set('payer', null), 47001],
      [inParcel({ item_desc: '' }), 10060008],
      [inParcel({ tracking_no: '' }), 268485226],
      [set('delivery_mode', 9), 268485224],
      [set('logistics_type', 9), 10060005],
      [set('order_key', { order_number_type: 2 }), 268485195],
    ];
    const applied: Change[] = [];
    for (const [change, errcode] of faults) {
      applied.push(change);
      expect(errcodeOf((body) => applied.forEach((fault) => fault(body)))).toBe(errcode);
    }
  });
});
