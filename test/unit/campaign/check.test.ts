import { describe, expect, it } from 'vitest';
import { judge, type Evidence, type Faults } from '../../campaign/check.ts';
import { shippedEvent } from '../../support/events.ts';

const payment = '4200000000000000000000000001';
const at = (ms: number): string => new Date(Date.parse('2026-11-25T00:00:00Z') + ms).toISOString();
const first = shippedEvent({ payment, version: 1 });
const second: typeof first = {
  ...shippedEvent({ payment, version: 2 }),
  type: 'fahuo.shipment.corrected.v1',
};
second.data.shipping_list[0]!['item_desc'] = '改正的商品';

const effect = (event: typeof first, kind: string, ms: number): Evidence['effects'][number] => ({
  payment,
  kind,
  atMs: ms,
  uploadTimeMs: Date.parse(at(ms)),
  bodyHash: '',
  byHand: false,
  body: JSON.stringify({ ...event.data, upload_time: at(ms) }),
});
const request = (ms: number, endMs: number): Evidence['requests'][number] => ({
  payment,
  uploadTime: at(ms),
  startedAtMs: ms,
  endedAtMs: endMs,
  answer: '0',
});
const row = (version: number): Evidence['rows'][number] => ({
  id: version,
  payment,
  version,
  kind: version === 1 ? 'shipped' : 'corrected',
  state: 'acknowledged',
  reason: null,
});
const attempt = (version: number, ms: number): Evidence['attempts'][number] => ({
  uploadId: version,
  payment,
  atMs: Date.parse(at(ms)),
  outcome: 'accepted',
  errcode: 0,
});

/** A shipment and its correction, as they must be. */
const good: Evidence = {
  plans: [{ payment, fate: 'applied', events: [first, second] }],
  rows: [row(1), row(2)],
  attempts: [attempt(1, 0), attempt(2, 100)],
  outbox: new Map([first['id'], second['id'], 'ack-1', 'ack-2'].map((name) => [String(name), 1])),
  effects: [effect(first, 'ship', 0), effect(second, 'reship', 100)],
  requests: [request(0, 10), request(100, 110)],
};
const wrongIn = (changed: Partial<Evidence>): Partial<Faults> => {
  const { acknowledged, superseded, corrections, reships, ...faults } = judge({ ...good, ...changed });
  expect([acknowledged, superseded, corrections, reships].every((count) => count >= 0)).toBe(true);
  return Object.fromEntries(Object.entries(faults).filter(([, count]) => count > 0));
};
const other = shippedEvent({ payment });
other.data.shipping_list[0]!['item_desc'] = '梨';

describe('the checker of the campaign', () => {
  it('finds nothing wrong with one effect an event, in order, on record', () => {
    expect(wrongIn({})).toEqual({});
  });

  it.each<[string, Partial<Evidence>, Partial<Faults>]>([
    [
      'an upload that is not final',
      { rows: [row(1), { ...row(2), state: 'pending' }] },
      { lost: 1, effectsNotOne: 1 },
    ],
    [
      'an event that is not in the outbox',
      {
        outbox: new Map([
          ['ack-1', 1],
          ['ack-2', 1],
          [String(first['id']), 1],
        ]),
      },
      { lost: 1 },
    ],
    [
      'an acknowledgement that was told twice',
      { outbox: new Map([...good.outbox, ['ack-2', 2]]) },
      { unacknowledged: 1 },
    ],
    ['an acknowledged event without an effect', { effects: [good.effects[0]!] }, { effectsNotOne: 1 }],
    [
      'content of no event, which took the chance',
      { effects: [good.effects[0]!, effect(other, 'reship', 100)] },
      { effectsNotOne: 2, orderViolations: 1, reshipsWithoutCorrection: 1 },
    ],
    [
      'a correction that was overtaken by what it corrects',
      { effects: [effect(second, 'ship', 0), effect(first, 'reship', 100)] },
      { orderViolations: 1, reshipsWithoutCorrection: 1 },
    ],
    ['a request that no attempt names', { attempts: [attempt(1, 0)] }, { attemptsWithoutRecord: 1 }],
    ['an attempt that stands twice', { attempts: [...good.attempts, attempt(2, 100)] }, { misrecorded: 1 }],
    [
      'a success on record that WeChat did not answer',
      { requests: [request(0, 10), { ...request(100, 110), answer: '10060012' }] },
      { misrecorded: 1 },
    ],
    ['two uploads on the wire at once', { requests: [request(0, 150), request(100, 110)] }, { overtaken: 1 }],
  ])('counts %s', (_what, changed, wrong) => {
    expect(wrongIn(changed)).toEqual(wrong);
  });

  it('wants a conflict parked, and no effect of ours', () => {
    const plans: Evidence['plans'] = [{ payment, fate: 'conflict', events: [first] }];
    const rows = [{ ...row(1), state: 'parked', reason: 'conflict' }];
    const byHand = { ...effect(other, 'ship', 0), byHand: true };
    expect(wrongIn({ plans, rows, effects: [byHand] })).toEqual({});
    expect(wrongIn({ plans, rows, effects: [byHand, effect(first, 'reship', 5)] })).toMatchObject({
      effectsNotOne: 1,
      reshipsWithoutCorrection: 1,
    });
  });
});
