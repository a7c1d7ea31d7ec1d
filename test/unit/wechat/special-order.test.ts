import { describe, expect, it } from 'vitest';
import { jumpPathProblem, specialOrderProblem } from '../../../src/wechat/special-order.ts';

const dayMs = 86_400_000;
const paidAtMs = Date.parse('2026-11-23T10:00:00+08:00');
const problem = (type: number, afterMs: number, paid: number | null = paidAtMs): string | null =>
  specialOrderProblem({ type, delayToMs: paidAtMs + afterMs, paidAtMs: paid });

describe('a special order', () => {
  it.each([
    ['is refused for exactly 15 days', 15 * dayMs, /more than 15 days after the payment of 2026-11-23T02:00/],
    ['is refused for a past time', -dayMs, /more than 15 days/],
    ['is refused beyond 330 days', 330 * dayMs + 1, /at most 330 days/],
  ])('%s', (_claim, afterMs, words) => {
    expect(problem(1, afterMs)).toMatch(words);
  });

  it.each([15 * dayMs + 1, 330 * dayMs])('may be reported for %i ms after the payment', (afterMs) => {
    expect(problem(1, afterMs)).toBeNull();
  });

  it('is left to WeChat where the time of the payment is not known', () => {
    expect(problem(1, dayMs, null)).toBeNull();
  });

  it('of type 2 is refused with the reason, whatever its time', () => {
    expect(problem(2, 20 * dayMs)).toMatch(/gives the buyer the money back/);
    expect(problem(2, 20 * dayMs, null)).toMatch(/gives the buyer the money back/);
  });

  it.each([0, 3, -1])('of type %i is not known', (type) => {
    expect(problem(type, 20 * dayMs)).toMatch(/is not known/);
  });
});

describe('the page of the messages', () => {
  it.each([
    '',
    'merchant_id',
    'pages/order/detail',
    'pages/order/detail?from=wechat',
    'pages/transaction_id',
  ])('may be %j', (path) => {
    expect(jumpPathProblem(path)).toBeNull();
  });

  it.each(['transaction_id', 'merchant_id', 'merchant_trade_no', 'sub_merchant_id'])(
    'has no parameter %s, which WeChat appends',
    (name) => {
      expect(jumpPathProblem(`pages/order?a=1&${name}=2`)).toContain(`parameter ${name},`);
    },
  );

  it.each(['https://shop.example/order', 'weixin://dl/business'])('is no web address: %s', (path) => {
    expect(jumpPathProblem(path)).toContain('is a web address');
  });

  it('may have an address in a parameter', () => {
    expect(jumpPathProblem('pages/order?from=https://shop.example')).toBeNull();
  });

  it("has no placeholder, which is the order centre's", () => {
    expect(jumpPathProblem('pages/order?no=${商品订单号}')).toContain('detail-path');
  });
});
