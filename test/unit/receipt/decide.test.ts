import { describe, expect, it } from 'vitest';
import {
  decideAfterSend,
  decideBeforeSend,
  decideUnknown,
  defaultReceiptTiming,
  waitForUpload,
  waitOf,
} from '../../../src/receipt/decide.ts';
import type { ReceiptRow } from '../../../src/receipt/row.ts';
import { failedAnswer, notSentAnswer, readReply, type Answer } from '../../../src/wechat/answer.ts';
import { parseOrder } from '../../../src/wechat/order.ts';
import { classifyTokenFailure, classifyUpload } from '../../../src/wechat/outcome.ts';
import { outcomeTable } from '../../../src/wechat/outcome-table.ts';
import type { OrderResult } from '../../../src/wechat/replies.ts';

const nowMs = Date.parse('2026-11-30T10:00:00Z');
const now = { nowMs, random: () => 0, timing: defaultReceiptTiming };
const minuteMs = 60_000;
const dayMs = 86_400_000;
const row = (over: Partial<ReceiptRow> = {}): ReceiptRow => ({
  id: 1,
  epoch: 1,
  appid: 'wx1',
  payment: 'p',
  state: 'pending',
  receivedAtMs: nowMs,
  createdAtMs: nowMs,
  sentAtMs: null,
  waits: 0,
  sends: 0,
  uploadUnfinished: false,
  ...over,
});

const answerOf = (body: object, status = 200): Answer =>
  readReply(status, JSON.stringify(body), 1, []).answer;
const read = (order: object): OrderResult => {
  const raw = { transaction_id: 't', ...order };
  const parsed = parseOrder(raw);
  const answer = answerOf({ errcode: 0, order: raw });
  return parsed === null
    ? { kind: 'failed', outcome: { kind: 'unknown', reason: 'odd' }, answer }
    : { kind: 'order', order: parsed, answer };
};
const express = { delivery_mode: 1, logistics_type: 1, finish_shipping: true, shipping_list: [] };
const shipped = read({ order_state: 2, shipping: express });

describe('before a reminder', () => {
  it('a read that shows the payment as shipped by express lets the call out, with its transaction', () => {
    expect(decideBeforeSend(row(), shipped, now)).toEqual({ to: 'send', transactionId: 't' });
  });

  it('of a read without a transaction the row’s own name is it; a merchant’s number lets nothing out', () => {
    const nameless = read({ order_state: 2, shipping: express, transaction_id: null });
    expect(decideBeforeSend(row({ payment: 'p' }), nameless, now)).toEqual({
      to: 'send',
      transactionId: 'p',
    });
    expect(decideBeforeSend(row({ payment: '19:T1' }), nameless, now)).toMatchObject({
      to: 'pending',
      detail: 'the read does not say which transaction it is',
    });
  });

  it.each([
    ['to ship', { order_state: 1, shipping: {} }],
    ['not finished', { order_state: 2, shipping: { ...express, finish_shipping: false } }],
    [
      'finished, and not said to be',
      { order_state: 2, shipping: { ...express, finish_shipping: undefined } },
    ],
    ['to ship, with parcels', { order_state: 1, shipping: express }],
    ['of no type', { order_state: 2, shipping: { ...express, logistics_type: undefined } }],
    ['of no state', { shipping: express }],
    ['shipped, and does not say how', { order_state: 2 }],
  ])('it waits for a payment that is %s', (_claim, order) => {
    expect(decideBeforeSend(row(), read(order), now)).toMatchObject({ to: 'pending', afterMs: minuteMs });
  });

  it.each([3, 4, 6])('it is moot in the order state %i', (state) => {
    expect(decideBeforeSend(row(), read({ order_state: state, shipping: express }), now).to).toBe('moot');
  });

  it('it is refused for a refunded payment, and for one without a carrier', () => {
    expect(decideBeforeSend(row(), read({ order_state: 5, shipping: express }), now).to).toBe('rejected');
    const pickUp = read({ order_state: 2, shipping: { ...express, logistics_type: 4 } });
    expect(decideBeforeSend(row(), pickUp, now).to).toBe('rejected');
  });

  it('it waits where the read brings nothing', () => {
    const failed: OrderResult = {
      kind: 'failed',
      outcome: { kind: 'unknown', reason: 'timeout' },
      answer: failedAnswer('timeout', 1),
    };
    expect(decideBeforeSend(row(), failed, now)).toMatchObject({
      to: 'pending',
      detail: 'no answer to the read: timeout',
    });
    const absent: OrderResult = { kind: 'absent', answer: answerOf({ errcode: 10060001 }) };
    expect(decideBeforeSend(row(), absent, now)).toMatchObject({
      to: 'pending',
      detail: 'WeChat does not know the payment',
    });
  });

  it('it is given up after sixty days, even if it could go out', () => {
    const late = { createdAtMs: nowMs - 60 * dayMs };
    expect(decideBeforeSend(row(late), shipped, now).to).toBe('send');
    expect(decideBeforeSend(row({ createdAtMs: late.createdAtMs - 1 }), shipped, now).to).toBe('rejected');
  });

  it('it waits for an upload that is under way', () => {
    expect(waitForUpload(row({ waits: 2 }), now)).toMatchObject({ to: 'pending', afterMs: 4 * minuteMs });
  });
});

const after = (answer: Answer) =>
  decideAfterSend(row(), { answer, outcome: classifyUpload(answer, new Date(nowMs)) }, now);

describe('after a reminder', () => {
  it.each([0, 10060030])('the code %i says that the buyer was reminded', (errcode) => {
    expect(after(answerOf({ errcode }))).toMatchObject({ to: 'acknowledged', spent: true });
  });

  it.each([10060028, 10060001])('the code %i says that it was too early: it waits for a read', (errcode) => {
    expect(after(answerOf({ errcode }))).toMatchObject({ to: 'pending', spent: true, afterMs: minuteMs });
  });

  it.each([10060029, 10060032, 10060014, 47001])('the code %i ends it', (errcode) => {
    expect(after(answerOf({ errcode }))).toMatchObject({ to: 'rejected', spent: true });
  });

  it.each([
    [45009, 6 * 60 * minuteMs], // it is 18:00 in Beijing
    [45011, minuteMs],
    [44990, minuteMs],
    [40001, minuteMs],
    [48001, minuteMs],
  ])('the code %i was no attempt, and is waited for', (errcode, afterMs) => {
    expect(after(answerOf({ errcode }))).toMatchObject({ to: 'pending', spent: false });
    expect(after(answerOf({ errcode }))).toMatchObject({ afterMs });
  });

  it('what was not sent was no attempt', () => {
    expect(after(notSentAnswer('refused', 1))).toMatchObject({ to: 'pending', spent: false });
    const answer = notSentAnswer('refused', 1);
    const outcome = classifyTokenFailure(answerOf({ errcode: 45011 }));
    expect(decideAfterSend(row(), { answer, outcome }, now)).toMatchObject({
      spent: false,
      afterMs: minuteMs,
    });
  });

  it.each([
    ['a lost answer', failedAnswer('reset', 1)],
    ['a timeout', failedAnswer('timeout', 1)],
    ['a page of a proxy', readReply(502, '<html>', 1, []).answer],
    ['a success with another status', answerOf({ errcode: 0 }, 502)],
    ['a body without a code', answerOf({ errmsg: 'ok' })],
    ['-1', answerOf({ errcode: -1 })],
    ['a code that nobody knows', answerOf({ errcode: -217 })],
    ['10060012', answerOf({ errcode: 10060012 })],
    ['10060004', answerOf({ errcode: 10060004 })],
    ['10060023', answerOf({ errcode: 10060023 })],
  ])('%s leaves it unknown', (_claim, answer) => {
    expect(after(answer)).toMatchObject({ to: 'unknown', spent: true });
  });

  it('no code but those that prove that nothing happened leads back to a call', () => {
    const back = outcomeTable.filter(({ errcode }) => after(answerOf({ errcode })).to === 'pending');
    const harmless = ['throttled', 'token', 'account_stop', 'not_yet_visible'];
    expect(back.filter(({ kind, errcode }) => !harmless.includes(kind) && errcode !== 10060028)).toEqual([]);
  });
});

describe('an unknown outcome', () => {
  const unknown = row({ state: 'unknown', sentAtMs: nowMs - dayMs, sends: 1, waits: 3 });

  it.each([3, 4, 6])('is moot in the order state %i', (state) => {
    expect(decideUnknown(unknown, read({ order_state: state, shipping: express }), now).to).toBe('moot');
  });

  it('is ended by a refund', () => {
    expect(decideUnknown(unknown, read({ order_state: 5 }), now).to).toBe('rejected');
  });

  it('stays unknown while the payment is shipped, read after growing waits', () => {
    expect(decideUnknown(unknown, shipped, now)).toMatchObject({ to: 'unknown', afterMs: 8 * minuteMs });
  });

  it('is read for thirty days, and then waits for a person', () => {
    const old = { ...unknown, sentAtMs: nowMs - 30 * dayMs };
    expect(decideUnknown(old, shipped, now)).toMatchObject({ afterMs: 8 * minuteMs });
    expect(decideUnknown({ ...old, sentAtMs: old.sentAtMs - 1 }, shipped, now)).toMatchObject({
      afterMs: null,
    });
  });

  it('never leads to a call, whatever a read shows', () => {
    const states = [undefined, 1, 2, 3, 4, 5, 6, 7];
    const shippings = [undefined, {}, express, { ...express, logistics_type: 4 }, { finish_shipping: false }];
    const ends = states.flatMap((state) =>
      shippings.map((shipping) => decideUnknown(unknown, read({ order_state: state, shipping }), now).to),
    );
    expect(new Set(ends)).toEqual(new Set(['unknown', 'moot', 'rejected']));
  });
});

it('waits double up to six hours, a fifth longer at most', () => {
  expect([0, 1, 8, 9, 1_000].map((waits) => waitOf(waits, now))).toEqual([
    minuteMs,
    2 * minuteMs,
    256 * minuteMs,
    360 * minuteMs,
    360 * minuteMs,
  ]);
  expect(waitOf(0, { ...now, random: () => 1 })).toBe(1.2 * minuteMs);
});
