import { afterEach, beforeEach, expect, inject, it } from 'vitest';
import { createSandbox, type Sandbox } from '../../../src/sandbox/run.ts';
import { runCommand, type Answered } from '../../support/command.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { insertPending } from '../../support/uploader.ts';
import { tellSandbox } from '../../support/sandbox-client.ts';

let database: TestDatabase;
let sandbox: Sandbox;
beforeEach(async () => {
  database = await createDatabase();
  sandbox = await createSandbox();
});
afterEach(async () => {
  await sandbox.stop();
  await database.drop();
});

const run = (...words: string[]): Promise<Answered> =>
  runCommand(['reconcile', ...words], {
    DATABASE_URL: database.url,
    KAFKA_BROKERS: inject('kafkaBrokers'),
    WECHAT_BASE_URL: sandbox.url,
    WECHAT_APPID: 'wx0123456789abcdef',
    WECHAT_SECRET: 'secret',
    FAHUO_RECONCILE_APART_MS: '1',
    FAHUO_RECONCILE_PAGE_SIZE: '2',
  });
const from = '2026-11-23T00:00:00+08:00';
const count = async (table: string): Promise<number> =>
  (await database.pool.query<{ n: number }>(`select count(*)::int as n from fahuo.${table}`)).rows[0]!.n;

it('a dry run says what it would do and writes nothing; executed twice it offers again', async () => {
  const payments = ['p1', 'p2', 'p3', 'q1', 'q2'].map((transaction_id, at) => ({
    transaction_id,
    paid_amount: 123_450,
    pay_time: Date.parse('2026-11-23T00:00:00+08:00') / 1000 + at,
    order_state: transaction_id === 'q2' ? 5 : 1,
  }));
  await tellSandbox(sandbox.url, 'payments', payments);
  await tellSandbox(sandbox.url, 'payments', {
    transaction_id: 'early',
    pay_time: payments[0]!.pay_time - 1,
  });
  await insertPending(database.pool, { count: 3 });
  await database.pool.query(
    `update fahuo.upload set state = 'acknowledged', finished_at = now(), attempts = 1`,
  );

  const dry = await run('--from', from);
  expect(dry).toMatchObject({ code: 0, stderr: '' });
  expect(dry.stdout).toContain('Dry run: nothing was changed.');
  expect(dry.stdout).toMatch(/no event here +1\n/);
  expect(dry.stdout).toMatch(/acknowledged here +3, 0 of them by two reads/);
  expect(dry.stdout).toMatch(/q1 +1,234\.50/);
  expect([await count('payment'), await count('reconcile_finding')]).toEqual([0, 0]);

  await run('--from', from, '--execute');
  expect([await count('payment'), await count('reconcile_finding')]).toEqual([5, 3]);
  const again = await run('--from', from, '--execute', '--json');
  expect(JSON.parse(again.stdout)).toMatchObject({
    dry_run: false,
    apps: [{ listed: 5, offered: 3, standings: { unknown_here: 1, refunded: 1 }, incomplete: null }],
  });
  const { rows } = await database.pool.query('select distinct state from fahuo.upload');
  expect(rows).toEqual([{ state: 'unknown' }]);
});

it('is half-open, says when nothing matched, and when it could not read all', async () => {
  const pay_time = Date.parse(from) / 1000;
  await tellSandbox(sandbox.url, 'payments', { transaction_id: 'p', pay_time });
  expect(await run('--from', '2026-11-22T00:00:00+08:00', '--to', from)).toMatchObject({ code: 3 });
  expect(await run('--from', from, '--to', '2026-11-23T00:00:01+08:00')).toMatchObject({ code: 0 });
  await tellSandbox(sandbox.url, 'faults', [{ kind: 'status', endpoint: 'get_order_list' }]);
  const failed = await run('--from', from);
  expect(failed).toMatchObject({ code: 1 });
  expect(failed.stdout).toContain('incomplete from 2026-11-22T16:00:00.000Z on: WeChat does not answer');
});

it.each([
  [[], 'give --from'],
  [['--from', '2026-11-23'], 'the zone is required'],
  [['--from', from, '--to', from], 'is not before --to'],
  [['--from', '2999-01-01T00:00:00Z'], 'is not before now'],
  [['--from', from, '--app', 'wx0123456789abcdee'], 'Did you mean wx0123456789abcdef?'],
])('refuses %j', async (words, why) => {
  const answered = await run(...words);
  expect(answered.code).toBe(2);
  expect(answered.stderr).toContain(why);
});
