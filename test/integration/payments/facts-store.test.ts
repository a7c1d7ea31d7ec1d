import { afterAll, beforeAll, expect, it } from 'vitest';
import { recordFacts, type Facts } from '../../../src/payments/facts-store.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { createRandom } from '../../support/random.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

const at = (minutes: number): Date => new Date(Date.UTC(2026, 10, 23) + minutes * 60_000);
/** What reads and pushes tell of one payment in the course of its life. */
const told: Omit<Facts, 'appid' | 'transactionId'>[] = [
  { orderState: 1, amountFen: 4_990, paidAt: at(0), finishCount: 0, inComplaint: false, readAt: at(5) },
  { orderState: 2, shippedAt: at(60), expectedSettlementAt: at(14_400) }, // a push: no readAt
  { orderState: 2, finishCount: 1, inComplaint: true, readAt: at(70) },
  {
    orderState: 2,
    finishCount: 1,
    inComplaint: false,
    readAt: at(80),
    mchid: '1900000001',
    outTradeNo: 'T1',
  },
  { orderState: 3, confirmMethod: 1, confirmedAt: at(90) },
  { orderState: 6, inComplaint: false, readAt: at(95) },
  { orderState: 4, confirmMethod: 1, confirmedAt: at(90), settledAt: at(100) },
];

it('a payment ends the same in whatever order WeChat tells its facts, and however often', async () => {
  const random = createRandom(7);
  const { pool } = database;
  const shuffled = Array.from({ length: 40 }, () => [...told, ...told].sort(() => random() - 0.5));
  for (const [number, order] of shuffled.entries())
    for (const facts of order)
      await recordFacts(pool, [
        { appid: 'wx1', transactionId: `42000000000000000000000000${number}`, ...facts },
      ]);
  const { rows } = await pool.query<object>(
    `select distinct mchid, out_trade_no, amount_fen::int, paid_at, order_state, in_complaint, finish_count, shipped_at,
       expected_settlement_at, confirm_method, confirmed_at, settled_at, read_at from fahuo.payment`,
  );
  expect(rows).toEqual([
    {
      mchid: '1900000001',
      out_trade_no: 'T1',
      amount_fen: 4_990,
      paid_at: at(0),
      order_state: 4,
      in_complaint: false,
      finish_count: 1,
      shipped_at: at(60),
      expected_settlement_at: at(14_400),
      confirm_method: 1,
      confirmed_at: at(90),
      settled_at: at(100),
      read_at: at(95),
    },
  ]);
});

it('what is known already changes nothing', async () => {
  const facts = { appid: 'wx2', transactionId: '4200000000000000000000000099', orderState: 2, readAt: at(1) };
  expect(await recordFacts(database.pool, [facts])).toBe(1);
  expect(await recordFacts(database.pool, [facts])).toBe(0);
});
