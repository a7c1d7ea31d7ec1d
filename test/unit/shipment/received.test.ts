import { describe, expect, it } from 'vitest';
import {
  checkEvent,
  checkReceived,
  RECEIVED,
  SHIPPED,
  type Problem,
} from '../../../src/shipment/contract.ts';
import { checkEnqueued, checkEnqueuedText } from '../../../src/shipment/offer.ts';
import { receivedTimeProblem } from '../../../src/shipment/received-time.ts';
import { options } from '../../support/contract.ts';
import { receivedEvent, shippedEvent } from '../../support/events.ts';

const now = new Date('2026-11-26T08:00:00Z');
const seconds = now.getTime() / 1000;
type Loose = ReturnType<typeof receivedEvent>;

const problemsAfter = (change: (event: Loose) => unknown): Problem[] => {
  const event = receivedEvent({ seconds: seconds - 10 });
  change(event);
  const checked = checkReceived(event, { now });
  return checked.kind === 'valid' ? [] : checked.problems;
};

describe('the event that the buyer has the goods', () => {
  it('is taken with the time of the receipt in seconds, and without a version', () => {
    const event = receivedEvent({ seconds: 1_764_140_640 });
    expect(checkReceived(event, { now })).toEqual({ kind: 'valid', event, notes: [] });
    const key = { order_number_type: 1, mchid: '1900000001', out_trade_no: 'O-1' };
    expect(problemsAfter(({ data }) => (data['order_key'] = key))).toEqual([]);
  });

  it.each<[string, (event: Loose) => unknown, string, string]>([
    [
      'a version',
      (event) => (event['version'] = 1),
      'version',
      'belongs to a shipment: remove it, a payment has one reminder',
    ],
    [
      'milliseconds',
      ({ data }) => (data['received_time'] = 1_764_140_640_000),
      'data.received_time',
      'must be seconds since 1970, and is too many: divide milliseconds by 1000',
    ],
    [
      'a text',
      ({ data }) => (data['received_time'] = '1764140640'),
      'data.received_time',
      'must be when the buyer had the goods, in whole seconds since 1970: send a number, not a string',
    ],
    [
      'no time',
      ({ data }) => Reflect.deleteProperty(data, 'received_time'),
      'data.received_time',
      'must be when the buyer had the goods, in whole seconds since 1970',
    ],
    [
      'a time in the future',
      ({ data }) => (data['received_time'] = seconds + 301),
      'data.received_time',
      'must not be in the future: send the event when the buyer has the goods',
    ],
    [
      'no data',
      (event) => Reflect.deleteProperty(event, 'data'),
      'data',
      'must be an object with order_key and received_time',
    ],
    [
      'a list for data',
      (event) => Object.assign(event, { data: [] }),
      'data',
      'must be an object with order_key and received_time',
    ],
    [
      'parcels',
      ({ data }) => (data['shipping_list'] = []),
      'data.shipping_list',
      'is not a member that WeChat knows: remove it',
    ],
    [
      'the members of a correction',
      (event) => (event['approved_by'] = 'li'),
      'approved_by',
      'belongs to fahuo.shipment.corrected.v1 alone: remove it',
    ],
    [
      'a key of no payment',
      ({ data }) => (data['order_key'] = { order_number_type: 2 }),
      'data.order_key.transaction_id',
      'must be a text: take it from the payment notification',
    ],
    [
      'the type of a shipment',
      (event) => (event['type'] = SHIPPED),
      'type',
      'must be fahuo.shipment.received.v1',
    ],
  ])('is refused with %s, and says what to send', (_what, change, field, rule) => {
    expect(problemsAfter(change)).toMatchObject([{ field, rule }]);
  });

  it('is refused with every problem at once', () => {
    const broken = problemsAfter((event) => Object.assign(event, { id: '', version: 1, data: {} }));
    expect(broken.map(({ field }) => field)).toEqual([
      'id',
      'version',
      'data.order_key',
      'data.received_time',
    ]);
  });

  it('is taken in what means the same, which is noted', () => {
    const event = {
      ...receivedEvent({ seconds: seconds - 10 }),
      time: '2026-11-26T15:04:00+0800',
      version: null,
      data: {
        order_key: { order_number_type: 2, transaction_id: 'p', mchid: null },
        received_time: seconds - 10,
      },
    };
    expect(checkReceived(event, { now })).toMatchObject({
      kind: 'valid',
      event: { time: '2026-11-26T15:04:00+08:00', data: { order_key: { transaction_id: 'p' } } },
      notes: ['time: read as 2026-11-26T15:04:00+08:00', 'data.order_key.mchid: null is left out'],
    });
  });

  it('throws over nothing', () => {
    for (const input of [
      null,
      undefined,
      7,
      'text',
      [],
      {},
      { type: RECEIVED },
      { type: RECEIVED, data: null },
    ])
      expect(checkReceived(input, { now }).kind).toBe('invalid');
  });

  it('is no version of a shipment: checkEvent names the other check', () => {
    expect(checkEvent(receivedEvent(), options)).toMatchObject({
      problems: [{ field: 'type', rule: 'says that the buyer has the goods: check it with checkReceived' }],
    });
  });

  it('is what a door of plain events takes beside shipments, by the clock that it is given', () => {
    const clock = () => now;
    const late = receivedEvent({ seconds: seconds + 301 });
    expect(checkEnqueued(late, { ...options, clock }).kind).toBe('invalid');
    expect(checkEnqueued(receivedEvent({ seconds }), { ...options, clock }).kind).toBe('valid');
    expect(checkEnqueuedText(JSON.stringify(receivedEvent()), options).kind).toBe('valid');
    const { version: _drawn, ...shipped } = shippedEvent();
    expect(checkEnqueued(shipped, options).kind).toBe('valid');
  });
});

describe('the time of a receipt', () => {
  it.each([
    [1_356_998_400, null],
    [1_356_998_399, 'after 2012'],
    [-1, 'after 2012'],
    [seconds + 300, null],
    [seconds + 300.5, 'future'],
    [seconds - 0.5, 'whole seconds'],
    [99_999_999_999, 'future'],
    [100_000_000_000, 'divide milliseconds'],
    [Infinity, 'divide milliseconds'],
    [-Infinity, 'after 2012'],
    [NaN, 'whole seconds'],
    [true, 'whole seconds'],
    [null, 'whole seconds'],
  ])('%s is judged at its bounds', (value, said) => {
    const problem = receivedTimeProblem(value, now);
    if (said === null) expect(problem).toBeNull();
    else expect(problem).toContain(said);
  });

  it('is not asked about the future where nobody says what time it is', () => {
    expect(receivedTimeProblem(99_999_999_999, undefined)).toBeNull();
  });
});
