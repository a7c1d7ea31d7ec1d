import { describe, expect, it } from 'vitest';
import { parseOrder } from '../../../src/wechat/order.ts';
import { readReply } from '../../../src/wechat/answer.ts';
import { readPage } from '../../../src/wechat/replies.ts';

const pageOf = (body: object) =>
  readPage({
    outcome: { kind: 'accepted' },
    reply: readReply(200, JSON.stringify({ errcode: 0, ...body }), 1, []),
  });

describe('a page of get_order_list', () => {
  it('carries amounts and times, and counts what is no order', () => {
    const order = {
      order_state: 1,
      transaction_id: 'p',
      paid_amount: 8_800,
      pay_time: 9,
      trade_create_time: 8,
    };
    const page = pageOf({ order_list: [order, null, 7, {}], has_more: true, last_index: 'abc' });
    expect(page).toMatchObject({ kind: 'page', unreadable: 3, hasMore: true, lastIndex: 'abc' });
    expect(page).toMatchObject({ orders: [{ paidAmount: 8_800, paidAt: 9, createdAt: 8 }] });
  });

  it('may be empty, and its cursor may be a number, empty or missing', () => {
    expect(pageOf({})).toMatchObject({ kind: 'page', orders: [], hasMore: false, lastIndex: null });
    expect(pageOf({ order_list: null, has_more: null })).toMatchObject({ orders: [], hasMore: false });
    expect(pageOf({ last_index: 40 })).toMatchObject({ lastIndex: '40' });
    expect(pageOf({ last_index: '' })).toMatchObject({ lastIndex: null });
    expect(pageOf({ last_index: {} })).toMatchObject({ lastIndex: null });
  });

  it('is none where the list is no list', () => {
    expect(pageOf({ order_list: 'x' })).toMatchObject({ kind: 'failed', outcome: { kind: 'unknown' } });
  });
});

describe('the money of an order', () => {
  it.each([
    [{ paid_amount: -1 }, { paidAmount: null }],
    [{ paid_amount: 1.5 }, { paidAmount: null }],
    [{ paid_amount: '100' }, { paidAmount: null }],
    [{ paid_amount: 0 }, { paidAmount: 0 }],
    [{ pay_time: 1 }, { paidAt: 1 }],
    [{}, { paidAt: null }],
    [{ pay_time: 0 }, { paidAt: null }],
    [{ pay_time: 1e15 }, { paidAt: null }],
    [{ pay_time: '9' }, { paidAt: null }],
  ])('of %j reads %j', (given, read) => {
    expect(parseOrder({ order_state: 1, ...given })).toMatchObject(read);
  });
});
