import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { createLog } from '../../../src/log.ts';
import { runApply } from '../../../src/push/apply.ts';
import { createSandbox } from '../../../src/sandbox/run.ts';
import type { SentPush } from '../../../src/sandbox/push-sender.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { eventually } from '../../support/eventually.ts';
import { pushAppid, pushEncodingKey, pushToken } from '../../support/pushes.ts';
import { openReceiver } from '../../support/receiver.ts';
import { tellSandbox } from '../../support/sandbox-client.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database.drop());

type Row = Record<string, unknown>;
const log = createLog({ level: 'silent' });
const payments = Array.from({ length: 40 }, (_, number) => `42000${String(number).padStart(23, '0')}`);
const linesOf = async <T>(url: string): Promise<T[]> =>
  (await (await fetch(url)).text())
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
const second = (ms: unknown): Date | null =>
  typeof ms === 'number' ? new Date(Math.floor(ms / 1_000) * 1_000) : null;

it('what the sandbox pushes, repeated and out of order, by two receivers, ends as the sandbox has it', async () => {
  const options = { clock: systemClock };
  const receivers = [await openReceiver(database.pool, options), await openReceiver(database.pool, options)];
  // A day is 100 ms: T+2 and two minutes are over within the first second.
  const sandbox = await createSandbox({ autoCreatePayments: true, dayMs: 100, seed: 3 });
  const target = (at: number, more: object = {}) => ({
    appid: pushAppid,
    url: `${receivers[at]!.url}/wechat/push/${pushAppid}`,
    token: pushToken,
    aes_key: pushEncodingKey,
    format: at === 0 ? 'json' : 'xml',
    repeat_rate: 0.3,
    delay_ms: 1_500,
    retry_ms: 50,
    ...more,
  });
  const stop = new AbortController();
  const applying = [1, 2].map(() =>
    runApply({ pool: database.pool, log }, { acknowledgements: true }, stop.signal),
  );
  for (const [number, payment] of payments.entries()) {
    if (number % 20 === 0) await tellSandbox(sandbox.url, 'push-target', target((number / 20) % 2));
    await tellSandbox(sandbox.url, 'payments', { transaction_id: payment, appid: pushAppid });
    await tellSandbox(sandbox.url, 'console-ship', {
      order_key: { order_number_type: 2, transaction_id: payment },
      logistics_type: 4,
      delivery_mode: 1,
      shipping_list: [{ item_desc: '苹果' }],
      upload_time: '2026-11-23T10:00:00.000+08:00',
      payer: { openid: 'o1' },
    });
    if (number % 4 === 0) await tellSandbox(sandbox.url, 'confirm', { payment });
  }
  await eventually(async () => {
    const sent = await linesOf<SentPush>(`${sandbox.url}/_sandbox/pushes`);
    expect(sent).toHaveLength(2 * payments.length);
    expect(new Set(sent.map(({ outcome }) => outcome))).toEqual(new Set(['taken']));
  });
  const theirs = await linesOf<Row>(`${sandbox.url}/_sandbox/payments`);
  const wanted = theirs
    .map((one) => ({
      transaction_id: one['transactionId'],
      mchid: one['mchid'],
      out_trade_no: one['outTradeNo'],
      order_state: one['orderState'],
      paid_at: second(one['paidAtMs']),
      shipped_at: second(one['shippedAtMs']),
      expected_settlement_at: second(one['expectedSettlementAtMs']),
      confirm_method: one['confirmMethod'],
      confirmed_at: second(one['confirmedAtMs']),
      settled_at: second(one['settledAtMs']),
    }))
    .sort((a, b) => String(a.transaction_id).localeCompare(String(b.transaction_id)));
  expect(new Set(wanted.map(({ order_state }) => order_state))).toEqual(new Set([4]));
  await eventually(async () => {
    const { rows } = await database.pool.query<Row>(
      `select transaction_id, mchid, out_trade_no, order_state, paid_at, shipped_at, expected_settlement_at, confirm_method,
         confirmed_at, settled_at from fahuo.payment order by 1`,
    );
    expect(rows).toEqual(wanted);
  });
  const { rows: told } = await database.pool.query(
    `select payment from fahuo.outbox where type = 'fahuo.payment.settled.v1'`,
  );
  expect(told).toHaveLength(payments.length);
  stop.abort();
  await Promise.all([...applying, ...receivers.map((receiver) => receiver.close()), sandbox.stop()]);
}, 60_000);
