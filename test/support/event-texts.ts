import { bundledAliases } from '../../src/shipment/carrier-aliases.ts';
import { bundledCarriers } from '../../src/shipment/carriers.ts';
import { appid } from './events.ts';

/** JSON text that no value has: `1e0`, a lone half, a member twice. */
export class Raw {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type Random = () => number;
export type Members = Record<string, unknown>;

const carriers = [...bundledCarriers().keys()];
const aliases = bundledAliases().map(({ alias }) => alias);
export const pick = <T>(random: Random, values: readonly T[]): T =>
  values[Math.floor(random() * values.length)] as T;
export const whole = (random: Random, below: number): number => Math.floor(random() * below);

const contact = (random: Random): Members =>
  pick(random, [
    { receiver_contact: '138****1234' },
    { consignor_contact: '021-****1234' },
    { receiver_contact: '+86-123****4321', consignor_contact: '0**2-******23-10' },
  ]);

const express = (random: Random, at: number): Members => {
  const company = random() < 0.3 ? 'SF' : pick(random, carriers);
  return {
    tracking_no: `T${at}${whole(random, 1e6)}`,
    express_company: company,
    item_desc: pick(random, ['红富士苹果 5kg*1', '🍌*1', 'a', '👨‍👩‍👧‍👦 family']),
    ...(company === 'SF' || random() < 0.2 ? { contact: contact(random) } : {}),
  };
};

// eslint-disable-next-line complexity -- a choice a member
export function goodEvent(random: Random): Members {
  const logistics = random() < 0.6 ? 1 : 2 + whole(random, 3);
  const split = logistics === 1 && random() < 0.4;
  const parcels = split ? 1 + whole(random, random() < 0.1 ? 15 : 4) : 1;
  const corrected = random() < 0.2;
  return {
    id: `e-${whole(random, 1e9)}`,
    type: corrected ? 'fahuo.shipment.corrected.v1' : 'fahuo.shipment.shipped.v1',
    source: '/orders',
    time: '2026-11-23T10:00:00+08:00',
    appid,
    ...(random() < 0.9 ? { version: 1 + whole(random, 1e5) } : {}),
    ...(corrected ? { reason: 'wrong number', approved_by: 'li' } : {}),
    ...(random() < 0.2 ? { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` } : {}),
    data: {
      order_key:
        random() < 0.7
          ? { order_number_type: 2, transaction_id: `4200${whole(random, 1e9)}` }
          : { order_number_type: 1, mchid: '1900000001', out_trade_no: `O-${whole(random, 1e9)}*` },
      logistics_type: logistics,
      delivery_mode: split ? 2 : 1,
      ...(split ? { is_all_delivered: random() < 0.5 } : {}),
      shipping_list: Array.from({ length: parcels }, (_, at) =>
        logistics === 1 ? express(random, at) : { item_desc: '会员月卡' },
      ),
      payer: { openid: 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o' },
    },
  };
}

/** The buyer has the goods. */
function goodReceived(random: Random): Members {
  const { version: _none, reason: _why, approved_by: _who, data, ...event } = goodEvent(random);
  return {
    ...event,
    type: 'fahuo.shipment.received.v1',
    data: {
      order_key: (data as Members)['order_key'],
      received_time: random() < 0.8 ? 1_700_000_000 + whole(random, 1e7) : new Raw(pick(random, seconds)),
    },
  };
}

const seconds = [
  '1356998400',
  '1356998399',
  '1764000000.0',
  '17640000.00e2',
  '1764000000.5',
  '1764000000.00000000000000001',
  '1764000000000',
  '99999999999',
  '100000000000',
  '4102444800',
  '"1764000000"',
  '"2026-11-26T15:04:00+08:00"',
  '-1764000000',
  '1e400',
  '-1e400',
  '1e-400',
  '1356998399.99999999999999999',
];
const inData =
  (change: (random: Random, data: Members) => unknown): Mutation =>
  (random, event) =>
    isObject(event['data']) && change(random, event['data']);
const changesOfReceived: readonly Mutation[] = [
  (random, event) => (event['version'] = pick(random, [1, null, '1', 0])),
  inData((random, data) => (data['received_time'] = anyValue(random, 'received_time'))),
  inData((random, data) => (data['received_time'] = new Raw(pick(random, seconds)))),
  inData((_random, data) => (data['payer'] = { openid: 'o' })),
  (random, event) => (event['data'] = anyValue(random, 'data')),
  (random, event) => Reflect.deleteProperty(event, pick(random, ['data', 'id', 'time', 'appid'])),
];

/** The text of one received event, as {@link eventText}. */
export function receivedText(random: Random): string {
  const event = goodReceived(random);
  if (random() < 0.15) pick(random, spellings.slice(0, 3))(random, event);
  if (random() < 0.15) {
    const key = (event['data'] as Members)['order_key'] as Members;
    key[key['order_number_type'] === 2 ? 'mchid' : 'transaction_id'] = '';
  }
  const changes = random() < 0.5 ? 0 : 1 + whole(random, 2);
  for (let n = 0; n < changes; n++)
    pick(random, [...changesOfReceived, ...mutations.slice(0, 4)])(random, event);
  const text = textOf(event, random);
  return random() < 0.97 ? text : spoilt(text, random);
}

const known = {
  event: ['id', 'type', 'source', 'time', 'appid', 'version', 'reason', 'approved_by', 'traceparent', 'data'],
  data: [
    'order_key',
    'logistics_type',
    'delivery_mode',
    'is_all_delivered',
    'shipping_list',
    'payer',
    'upload_time',
  ],
  orderKey: ['order_number_type', 'transaction_id', 'mchid', 'out_trade_no'],
  parcel: ['tracking_no', 'express_company', 'item_desc', 'contact', '0'],
  contact: ['receiver_contact', 'consignor_contact', 'phone'],
  payer: ['openid', 'name'],
};

/** An object of the event, and the members it may have; a parcel now and then is none. */
// eslint-disable-next-line complexity -- a choice an object
function somewhere(random: Random, event: Members): { target: Members; names: readonly string[] } {
  const data = event['data'];
  if (!isObject(data) || random() < 0.25) return { target: event, names: known.event };
  const [key, payer, list] = [data['order_key'], data['payer'], data['shipping_list']];
  const where = random();
  if (where < 0.2 && isObject(key)) return { target: key, names: known.orderKey };
  if (where < 0.3 && isObject(payer)) return { target: payer, names: known.payer };
  const parcel: unknown = Array.isArray(list) ? list[whole(random, list.length)] : undefined;
  if (where < 0.75 && isObject(parcel)) {
    const phones = parcel['contact'];
    return isObject(phones) && random() < 0.4
      ? { target: phones, names: known.contact }
      : { target: parcel, names: known.parcel };
  }
  return { target: data, names: known.data };
}

export const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Raw);

const lengths = [
  0, 1, 31, 32, 33, 42, 43, 63, 64, 65, 99, 100, 101, 115, 127, 128, 129, 255, 256, 257, 499, 500, 501, 1024,
  1025,
];
const fillers = ['x', '单', '🍌', '1', '*', ' ', 'é', 'e\u0301', '👨‍👩‍👧‍👦', '🇨🇳', '👍🏽', '\u3000'];
const times = [
  '2026-11-27T10:00:00+0800',
  '2026-11-27T10:00+08:00',
  '2026-11-27 10:00:00',
  '2026-11-27 10:00:00+08',
  '2026-11-27t10:00:00z',
  '2026-11-27T10:00:00+08:00[Asia/Shanghai]',
  '2026-11-27T02:00Z[UTC]',
  '2026-02-29T10:00:00Z',
  '2024-02-29T10:00:00Z',
  '2000-02-29T10:00:00.123456789Z',
  '1900-02-29T10:00:00Z',
  '2026-13-01T10:00:00Z',
  '2026-11-27T24:00:00Z',
  '2026-11-27T10:00:60Z',
  '2026-11-27T10:00:00-00:00',
  '2026-11-27T10:00:00+24:00',
  '2026-11-27 10:00:00 +0800',
  '0000-02-29T00:00:00Z',
  '2026-11-27',
  ' 2026-11-27T10:00:00Z',
  '2026-11-27T10:00:00,5Z',
  `2026-11-27T10:00:00.${'1'.repeat(43)}Z`,
  `2026-11-27T10:00:00.${'1'.repeat(44)}Z`,
  '２０２６-11-27T10:00:00Z',
  '2026-11-27T10:00:00Z\n',
];
const phones = [
  '13812341234',
  '138 **** 1234',
  '189****1234, 021-****1234',
  '189****1234，021-****1234',
  '138****1234转5678',
  '138****1234-5678',
  '****123-8008',
  '138****1234 ext.12',
  '138****1234分机：801',
  '****',
  '138****12',
  '*1234',
  '138****1234,',
  '',
  '138****1234#',
  '１３８****1234',
];
const texts = [
  '',
  ' ',
  '\u00a0',
  '\ufeff',
  '\u3000\u2003',
  '\u200b',
  'a\tb',
  'a\r\nb',
  '\n',
  'a\u0000b',
  '\u0000',
  'a\u007fb',
  'a\u009fb',
  'a\u00a0b',
  '\uffff',
  '\ufffe',
  'a\ud800',
  '\udc00b',
  '\ud83d\ude00',
  'sf',
  'SF',
  '中通快递',
  ' 中通 ',
  '顺丰快递公司',
  'shunfeng',
  'fedex',
  '快递',
  'a:b',
  'a*b',
  'a b',
  '"',
  '\\',
  '\\u0000',
  '\\ud800',
  'fahuo.shipment.shipped.v1',
  'fahuo.shipment.corrected.v1',
  'fahuo.shipment.received.v1',
  'FAHUO.SHIPMENT.SHIPPED.V1',
  'true',
  'null',
  '1',
  '00-1',
  `ff-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
  `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`,
  `00-${'A'.repeat(32)}-${'b'.repeat(16)}-01`,
];
const numbers = [
  '0',
  '1',
  '2',
  '3',
  '4',
  '5',
  '1.0',
  '2.00',
  '1e0',
  '20e-1',
  '0.1e1',
  '-0',
  '-1',
  '1.5',
  '0.5',
  '999999999',
  '999999999.0',
  '1000000000',
  '1e9',
  '9007199254740993',
  '123456789012345678901234567890',
  '1e400',
  '-1e400',
  '1e-400',
  '1E+0',
  '0.99999999999999999999',
  '1.00000000000000000000001',
  '999999999.4999999999',
];
const others = [
  'null',
  'true',
  'false',
  '{}',
  '[]',
  '[null]',
  '[{}]',
  '{"a":null}',
  '{"order_number_type":2}',
  '[[[[]]]]',
  '{"":""}',
];

/** Something that may stand anywhere. */
// eslint-disable-next-line complexity -- a choice a kind
export function anyValue(random: Random, name: string): unknown {
  const kind = random();
  if (kind < 0.15) return pick(random, fillers).repeat(pick(random, lengths));
  if (kind < 0.25) return `a${pick(random, fillers).repeat(95 + whole(random, 8))}${pick(random, fillers)}b`;
  if (kind < 0.45) return pick(random, texts);
  if (kind < 0.55) return new Raw(pick(random, numbers));
  if (kind < 0.7) return new Raw(pick(random, others));
  if (kind < 0.8 || name === 'time') return pick(random, times);
  if (kind < 0.9 || name.endsWith('contact')) return pick(random, phones);
  return kind < 0.95 ? pick(random, aliases) : pick(random, carriers);
}

type Mutation = (random: Random, event: Members) => unknown;
export const mutations: readonly Mutation[] = [
  (random, event) => {
    const { target, names } = somewhere(random, event);
    const name = pick(random, names);
    target[name] = anyValue(random, name);
  },
  (random, event) => {
    const { target, names } = somewhere(random, event);
    target[pick(random, names)] = null;
  },
  (random, event) => {
    const { target, names } = somewhere(random, event);
    Reflect.deleteProperty(target, pick(random, names));
  },
  (random, event) => {
    const { target } = somewhere(random, event);
    const name = pick(random, [
      'note',
      '__proto__',
      'constructor',
      '',
      'a.b',
      '数',
      'a\u0000',
      '\ud800',
      'Id',
      'receiver_phone',
    ]);
    Object.defineProperty(target, name, {
      value: anyValue(random, name),
      enumerable: true,
      configurable: true,
    });
  },
  (random, event) => {
    const { data } = event;
    const list = isObject(data) ? data['shipping_list'] : undefined;
    if (!Array.isArray(list)) return;
    const more = random() < 0.5 ? 1 : 14 + whole(random, 3);
    for (let at = 0; at < more; at++) list.push(random() < 0.7 ? express(random, 100 + at) : list[0]);
  },
];

/** What means the same, as other systems write it. */
export const spellings: readonly Mutation[] = [
  (random, event) => (event['time'] = pick(random, times)),
  (random, event) => (event['traceparent'] = anyValue(random, 'traceparent')),
  (random, event) => (event[pick(random, ['version', 'traceparent', 'extra', 'reason'])] = null),
  (random, event) => {
    const { target, names } = somewhere(random, event);
    target[pick(random, [...names.filter((name) => !(name in target)), 'none'])] = null;
  },
  (random, event) => {
    const key = (event['data'] as Members)['order_key'] as Members;
    key[key['order_number_type'] === 2 ? pick(random, ['mchid', 'out_trade_no']) : 'transaction_id'] =
      random() < 0.5 ? '' : anyValue(random, 'mchid');
  },
  (random, event) =>
    eachParcel(event, (parcel) => (parcel['contact'] = new Raw(pick(random, ['{}', '[]', 'null', '""'])))),
  (random, event) =>
    eachParcel(event, (parcel) => (parcel['contact'] = { receiver_contact: pick(random, phones) })),
  (random, event) =>
    eachParcel(event, (parcel) => {
      const filler = pick(random, fillers);
      parcel['item_desc'] =
        `${'a'.repeat(whole(random, 100))}${filler.repeat(whole(random, 30))}${pick(random, texts)}`;
    }),
  (random, event) =>
    eachParcel(event, (parcel) => {
      parcel['tracking_no'] ??= pick(random, ['', null, '自提', 7]);
      parcel['express_company'] ??= pick(random, ['', null, 'SF', '骑手']);
    }),
];

function eachParcel(event: Members, change: (parcel: Members) => unknown): void {
  for (const parcel of (event['data'] as { shipping_list: Members[] }).shipping_list) change(parcel);
}

/** The text of one event, good in one case of three, else with one to three things changed in it. Seeded. */
export function eventText(random: Random): string {
  const event = goodEvent(random);
  if (random() < 0.3) pick(random, spellings)(random, event);
  const changes = random() < 0.5 ? 0 : 1 + whole(random, 3);
  for (let n = 0; n < changes; n++) pick(random, mutations)(random, event);
  const text = textOf(event, random);
  return random() < 0.97 ? text : spoilt(text, random);
}

/** A text that is none of an event at all, or of one with a member twice. */
export const spoilt = (text: string, random: Random): string =>
  pick(random, [
    text.slice(0, whole(random, text.length)),
    `${text}x`,
    `[${text}]`,
    'null',
    '"text"',
    '',
    ' ',
    '5',
    text.replace('"data":', `"deep":${'['.repeat(40)}${']'.repeat(40)},"data":`),
    text.replace('"data":', `"deep":${'['.repeat(20_000)}${']'.repeat(20_000)},"data":`),
    text.replace('{', `{${' '.repeat(262_144)}`),
    text.replace('"data":', '"data":7,"data":'),
    text.replace('"id":', '"id":"\\u0000","id":'),
    text.replace('"id":"', '"id":"\u00010041'),
    text.replace('"id":"', '"id":"\\u0000\u00020041'),
    text.replace('{', '{"id":1,"time":null,'),
  ]);

/** JSON as others write it: with blanks, or with every foreign character escaped, as PHP does. */
export function textOf(value: unknown, random: Random): string {
  const style = random();
  const blank = style < 0.1 ? ' ' : '';
  const quoted = (text: string): string =>
    style > 0.8
      ? JSON.stringify(text).replace(
          /[\u007f-\uffff]/g,
          (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
        )
      : JSON.stringify(text);
  const write = (one: unknown): string => {
    if (one instanceof Raw) return one.text;
    if (typeof one === 'string') return quoted(one);
    if (Array.isArray(one)) return `[${blank}${one.map(write).join(`,${blank}`)}]`;
    if (!isObject(one)) return JSON.stringify(one);
    return `{${Object.entries(one)
      .map(([name, member]) => `${quoted(name)}:${blank}${write(member)}`)
      .join(`,${blank}`)}}`;
  };
  return write(value);
}
