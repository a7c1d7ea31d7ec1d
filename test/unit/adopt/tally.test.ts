import { expect, it } from 'vitest';
import type { Plan } from '../../../src/adopt/look.ts';
import type { KeyRow, PaymentRow } from '../../../src/adopt/store.ts';
import { addPlan, newTally } from '../../../src/adopt/tally.ts';

const keyRow = (ref: string, changes: Partial<KeyRow>): KeyRow => ({
  kind: 'order_id',
  ref,
  appid: null,
  payment: null,
  state: 'skipped',
  detail: null,
  nextLookMs: null,
  ...changes,
});
const paymentRow = (payment: string, changes: Partial<PaymentRow>): PaymentRow => ({
  appid: 'wx1',
  payment,
  state: 'held',
  reason: null,
  detail: null,
  said: null,
  version: null,
  corrected: false,
  proposed: null,
  touchedAtMs: 0,
  ...changes,
});
const keys = (...refs: string[]) => refs.map((ref) => ({ kind: 'order_id', ref }));
const plan = (changes: Partial<Plan>): Plan => ({ events: [], payments: [], keys: [], ...changes });

it('a tally counts orders, events and corrections', () => {
  const tally = newTally();
  const event = { eventId: 'e', text: '{}', row: paymentRow('1', { state: 'said' }) };
  addPlan(
    tally,
    keys('1', '2'),
    plan({
      events: [event],
      payments: [paymentRow('2', { state: 'proposed' }), paymentRow('4', { state: 'proposed' })],
    }),
  );
  addPlan(tally, keys('3'), plan({ events: [event, event], payments: [paymentRow('3', { state: 'said' })] }));
  expect(tally).toEqual({ orders: 3, events: 3, proposed: 2, skipped: {}, held: {}, failed: {} });
});

it('a tally counts what is held, skipped and failed, by reason, with examples', () => {
  const tally = newTally();
  addPlan(
    tally,
    keys('1', '2', '3', '4', '5', '6', '7'),
    plan({
      payments: [
        paymentRow('A', { reason: 'no_openid', detail: 'openid is missing' }),
        paymentRow('B', { reason: 'no_openid' }),
        paymentRow('C', {}),
      ],
      keys: [
        keyRow('1', { detail: 'balance' }),
        keyRow('2', { detail: 'balance' }),
        keyRow('3', {}),
        keyRow('4', { state: 'failed', detail: 'no number' }),
        keyRow('5', { state: 'failed' }),
        keyRow('6', { state: 'held', detail: 'no payment' }),
        keyRow('6', { state: 'held' }),
        keyRow('7', { state: 'held', payment: 'A', detail: 'counted by its payment' }),
        keyRow('7', { state: 'nothing' }),
        keyRow('8', { detail: 'of somebody else' }),
      ],
    }),
  );
  expect(tally).toMatchObject({
    orders: 7,
    skipped: {
      balance: { count: 2, examples: ['order_id 1', 'order_id 2'] },
      skipped: { count: 1, examples: ['order_id 3'] },
    },
    failed: {
      'no number': { count: 1, examples: ['order_id 4'] },
      failed: { count: 1, examples: ['order_id 5'] },
    },
    held: {
      no_openid: { count: 2, examples: ['A: openid is missing', 'B: '] },
      held: { count: 1, examples: ['C: '] },
      no_payment: { count: 2, examples: ['order_id 6: no payment', 'order_id 6: '] },
    },
  });
  expect(Object.keys(tally.skipped)).toEqual(['balance', 'skipped']);
  expect(Object.keys(tally.failed)).toEqual(['no number', 'failed']);
});

it('a tally keeps ten examples of a reason, and fifty reasons', () => {
  const tally = newTally();
  const many = Array.from({ length: 60 }, (_, index) => String(index));
  addPlan(tally, keys(...many), plan({ keys: many.map((ref) => keyRow(ref, { detail: 'balance' })) }));
  addPlan(tally, keys(...many), plan({ keys: many.map((ref) => keyRow(ref, { detail: `reason ${ref}` })) }));
  addPlan(tally, keys('1'), plan({ keys: [keyRow('1', { detail: 'reason 1' })] }));
  expect(tally.skipped['balance']).toEqual({
    count: 60,
    examples: many.slice(0, 10).map((ref) => `order_id ${ref}`),
  });
  expect(Object.keys(tally.skipped)).toHaveLength(51);
  expect(tally.skipped['reason 48']).toMatchObject({ count: 1 });
  expect(tally.skipped['reason 49']).toBeUndefined();
  expect(tally.skipped['other reasons']).toMatchObject({ count: 11 });
  expect(tally.skipped['reason 1']).toMatchObject({ count: 2 });
});
