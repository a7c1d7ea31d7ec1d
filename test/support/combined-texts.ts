import {
  anyValue,
  goodEvent,
  isObject,
  mutations,
  pick,
  Raw,
  spellings,
  spoilt,
  textOf,
  whole,
  type Members,
  type Random,
} from './event-texts.ts';

/** A sub-order: what a plain event of a part has for data, good for the most part, or with something changed in it. */
function part(random: Random, type: number): unknown {
  const event = goodEvent(random);
  const data = event['data'] as Members;
  data['order_key'] =
    type === 2
      ? { order_number_type: 2, transaction_id: `4200${whole(random, 1e9)}` }
      : {
          order_number_type: 1,
          mchid: `190000000${whole(random, 10)}`,
          out_trade_no: `O-${whole(random, 1e9)}`,
        };
  if (random() < 0.15) pick(random, spellings)(random, event);
  if (random() < 0.08) pick(random, mutations)(random, event);
  if (!isObject(event['data'])) return event['data'];
  if (random() < 0.98) Reflect.deleteProperty(event['data'], 'payer');
  else if (random() < 0.3) event['data']['payer'] = null;
  return event['data'];
}

const changes: readonly ((random: Random, event: Members, data: Members) => unknown)[] = [
  (random, event) => pick(random, mutations)(random, event),
  (random, _event, data) => (data['sub_orders'] = anyValue(random, 'sub_orders')),
  (random, _event, data) =>
    (data['sub_orders'] = new Raw(pick(random, ['[]', '[null]', '[7]', '[[]]', '{}']))),
  (random, _event, data) => {
    const parts = data['sub_orders'] as unknown[];
    parts.splice(whole(random, parts.length + 1), 0, pick(random, parts));
  },
  (random, _event, data) => {
    const parts = data['sub_orders'] as unknown[];
    parts.push(...Array.from({ length: 49 + whole(random, 3) }, () => part(random, 2)));
  },
  (random, _event, data) => (data['sub_orders'] as unknown[]).push(part(random, 1), part(random, 2)),
  (random, event) => (event['id'] = 'x'.repeat(95 + whole(random, 34))),
  (random, event) => (event['version'] = pick(random, [null, 1, '1'])),
  (random, _event, data) => (data['payer'] = anyValue(random, 'payer')),
  (random, _event, data) => (data['order_key'] = anyValue(random, 'order_key')),
  (_random, _event, data) => (data['upload_time'] = '2026-11-23T10:00:00+08:00'),
];

/** The text of one combined event, good in one case of two, else with something changed in it or in its parts. Seeded. */
export function combinedText(random: Random): string {
  const type = random() < 0.7 ? 2 : 1;
  const data: Members = {
    order_key:
      type === 2
        ? { order_number_type: 2, transaction_id: `4200${whole(random, 1e9)}` }
        : { order_number_type: 1, mchid: '1900000001', out_trade_no: `M-${whole(random, 1e9)}` },
    sub_orders: Array.from({ length: 1 + whole(random, 4) }, () => part(random, type)),
    payer: { openid: 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o' },
  };
  const event: Members = {
    id: `c-${whole(random, 1e9)}`,
    type: 'fahuo.shipment.combined.v1',
    source: '/orders',
    time: random() < 0.9 ? '2026-11-23T10:00:00+08:00' : '2026-11-23 10:00+0800',
    appid: 'wx0123456789abcdef',
    ...(random() < 0.2
      ? { traceparent: pick(random, [`00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, 'none']) }
      : {}),
    data,
  };
  if (random() < 0.4) pick(random, changes)(random, event, data);
  const text = textOf(event, random);
  return random() < 0.98 ? text : spoilt(text, random);
}
