import { describe, expect, it } from 'vitest';
import {
  checkCombined,
  checkEvent,
  isCombined,
  partsOf,
  SHIPPED,
  type CombinedEvent,
  type Problem,
} from '../../../src/shipment/contract.ts';
import { options } from '../../support/contract.ts';
import { combinedEvent, shippedEvent } from '../../support/events.ts';

type Loose = ReturnType<typeof combinedEvent>;

const problemsAfter = (change: (event: Loose) => unknown): Problem[] => {
  const event = combinedEvent(['P1', 'P2', 'P3']);
  change(event);
  const checked = checkCombined(event, options);
  return checked.kind === 'valid' ? [] : checked.problems;
};
const merchant = (out_trade_no: string) => ({ order_number_type: 1, mchid: '1900000001', out_trade_no });
const keyOf = (event: Loose, at: number, key: object) => (event.data.sub_orders[at]!['order_key'] = key);

describe('the parts of a combined event', () => {
  it('are the plain shipped events of its payments, each with the payer, and without a version', () => {
    const event = combinedEvent(['P1', 'P2'], { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` });
    const plain = (payment: string) => {
      const { version: _drawn, ...shipped } = shippedEvent({ payment, id: `combined-1#${payment}` });
      return { ...shipped, traceparent: event['traceparent'] };
    };
    expect(partsOf(event as unknown as CombinedEvent)).toEqual([plain('P1'), plain('P2')]);
    for (const part of partsOf(event as unknown as CombinedEvent))
      expect(checkEvent({ ...part, version: 1 }, options).kind).toBe('valid');
  });

  it('are the same events when they stand in another order', () => {
    const byId = (payments: string[]) =>
      new Map(partsOf(combinedEvent(payments) as unknown as CombinedEvent).map((part) => [part.id, part]));
    expect(byId(['P3', 'P1', 'P2'])).toEqual(byId(['P1', 'P2', 'P3']));
  });

  it('of several merchants are named by merchant and order number', () => {
    const event = combinedEvent(['P1', 'P2']);
    event.data['order_key'] = merchant('main');
    keyOf(event, 0, merchant('A'));
    keyOf(event, 1, { ...merchant('A'), mchid: '1900000002' });
    const checked = checkCombined(event, options);
    expect(checked.kind === 'valid' && checked.parts.map((part) => part.event.id)).toEqual([
      'combined-1#1900000001:A',
      'combined-1#1900000002:A',
    ]);
  });
});

describe('a combined event', () => {
  it('may name its main order as a part, or not', () => {
    expect(
      problemsAfter((event) => (event.data['order_key'] = event.data.sub_orders[1]!['order_key'])),
    ).toEqual([]);
    expect(problemsAfter(() => undefined)).toEqual([]);
  });

  it('is told where a problem of a part stands, and that of each part', () => {
    const problems = problemsAfter((event) => {
      event.data.sub_orders[0]!['logistics_type'] = '1';
      event.data.sub_orders[2]!.shipping_list[0]!['tracking_no'] = 7;
    });
    expect(problems).toEqual([
      {
        field: 'data.sub_orders[0].logistics_type',
        value: '"1"',
        rule: expect.stringContaining('send a number') as string,
      },
      {
        field: 'data.sub_orders[2].shipping_list[0].tracking_no',
        value: '7',
        rule: "must be the parcel's number as a text",
      },
    ]);
  });

  const broken: [name: string, change: (event: Loose) => unknown, problem: Partial<Problem>][] = [
    [
      'a part of another order_number_type',
      (event) => keyOf(event, 1, merchant('A')),
      {
        field: 'data.sub_orders[1].order_key.order_number_type',
        value: '1',
        rule: 'must be that of data.order_key: name all payments in one way',
      },
    ],
    [
      'a payment that stands twice',
      (event) => keyOf(event, 2, { order_number_type: 2, transaction_id: 'P1' }),
      { field: 'data.sub_orders[2].order_key', rule: 'stands twice: list each payment once' },
    ],
    [
      'no parts',
      (event) => (event.data.sub_orders = []),
      {
        field: 'data.sub_orders',
        value: '[]',
        rule: 'must hold 1 to 50 orders: send one event more for others',
      },
    ],
    [
      'more than fifty parts',
      (event) =>
        (event.data.sub_orders = combinedEvent(
          Array.from({ length: 51 }, (_, n) => `P${n}`),
        ).data.sub_orders),
      { field: 'data.sub_orders', rule: 'must hold 1 to 50 orders: send one event more for others' },
    ],
    [
      'parts that are missing',
      (event) => Reflect.deleteProperty(event.data, 'sub_orders'),
      {
        field: 'data.sub_orders',
        value: 'missing',
        rule: 'must be an array of 1 to 50 orders, each with its order_key and shipping_list',
      },
    ],
    [
      'a part that is none',
      (event) => (event.data.sub_orders[1] = 7 as never),
      {
        field: 'data.sub_orders[1]',
        value: '7',
        rule: 'must be an object with order_key, logistics_type, delivery_mode and shipping_list',
      },
    ],
    [
      'a payer within a part',
      (event) => (event.data.sub_orders[1]!['payer'] = { openid: 'o' }),
      { field: 'data.sub_orders[1].payer', rule: 'belongs into data, once: remove it' },
    ],
    [
      'a version',
      (event) => (event['version'] = 1),
      {
        field: 'version',
        value: '1',
        rule: 'belongs to one payment: remove it, each part is given its next one',
      },
    ],
    [
      'an id without room for a payment',
      (event) => (event['id'] = 'x'.repeat(126)),
      { field: 'id', rule: 'must have at most 128 characters with # and each payment: shorten it' },
    ],
    [
      'an upload_time',
      (event) => (event.data['upload_time'] = 'now'),
      { field: 'data.upload_time', value: '"now"', rule: 'is not a member that WeChat knows: remove it' },
    ],
    [
      'no data',
      (event) => Reflect.deleteProperty(event, 'data'),
      {
        field: 'data',
        value: 'missing',
        rule: 'must be an object: the body of upload_combined_shipping_info without upload_time',
      },
    ],
    [
      'another type',
      (event) => (event['type'] = SHIPPED),
      { field: 'type', rule: 'must be fahuo.shipment.combined.v1: write other events with fahuo.enqueue' },
    ],
  ];
  it.each(broken)('with %s is refused, with field, value, rule and remedy', (_name, change, problem) => {
    expect(problemsAfter(change)).toEqual([expect.objectContaining(problem)]);
  });

  it.each([[50], [1]])('takes %d parts', (count) => {
    const event = combinedEvent(Array.from({ length: count }, (_, n) => `P${n}`));
    expect(checkCombined(event, options).kind).toBe('valid');
  });

  it('takes an id that fills what is left beside a payment, and no more', () => {
    expect(problemsAfter((event) => (event['id'] = 'x'.repeat(125)))).toEqual([]);
  });

  it('takes what means the same, and notes it at the part', () => {
    const event = combinedEvent(['P1', 'P2'], { time: '2026-11-23 10:00+0800' });
    event.data.sub_orders[1]!['order_key'] = { order_number_type: 2, transaction_id: 'P2', mchid: '19' };
    const checked = checkCombined(event, options);
    expect(checked.kind === 'valid' && checked.parts.map(({ notes }) => notes)).toEqual([
      ['time: read as 2026-11-23T10:00:00+08:00'],
      [
        'time: read as 2026-11-23T10:00:00+08:00',
        'data.order_key.mchid: WeChat ignores it for order_number_type 2; left out',
      ],
    ]);
  });

  it.each([[null], [7], ['text'], [[]]])('is no %j', (value) => {
    expect(checkCombined(value, options)).toMatchObject({ kind: 'invalid', problems: [{ field: 'event' }] });
    expect(isCombined(value)).toBe(false);
  });

  it('is refused by the contract of plain events, which says where it belongs', () => {
    expect(checkEvent(combinedEvent(['P1']), options)).toEqual({
      kind: 'invalid',
      problems: [
        {
          field: 'type',
          value: '"fahuo.shipment.combined.v1"',
          rule: 'names several payments: write it with fahuo.enqueue_combined, in TypeScript with enqueueCombined',
        },
      ],
    });
  });
});
