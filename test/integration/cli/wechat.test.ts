import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { runCommand } from '../../support/command.ts';
import { appid, createStack, tellSandbox, type Stack } from '../../support/stack.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await createStack();
});
afterAll(() => stack.close());
beforeEach(() => tellSandbox(stack.wechat, 'reset', {}));

type Json = Record<string, unknown>;
const run = (...words: string[]) => runCommand(['wechat', ...words], stack.env);
async function ask(...words: string[]): Promise<{ code: number; said: Json }> {
  const { code, stdout } = await run(...words, '--json');
  return { code, said: stdout === '' ? {} : (JSON.parse(stdout) as Json) };
}
const record = async (path: string): Promise<string> =>
  (await fetch(`${stack.wechat}/_sandbox/${path}`)).text();
const afterDays = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString();
const requests = async (): Promise<Record<string, Record<string, number>>> =>
  (
    (await (await fetch(`${stack.wechat}/_sandbox/stats`)).json()) as {
      requests: Record<string, Record<string, number>>;
    }
  ).requests;

describe('fahuo wechat', () => {
  it('sets the page of the messages and that of the order centre, and shows the second', async () => {
    expect(await ask('jump-path', 'pages/order')).toEqual({
      code: 0,
      said: { appid, path: 'pages/order', done: true },
    });
    expect((await run('detail-path')).stdout).toContain('none is set');
    await ask('detail-path', 'pages/order?no=${商品订单号}');
    expect(await ask('detail-path')).toEqual({
      code: 0,
      said: { appid, path: 'pages/order?no=${商品订单号}' },
    });
    expect(JSON.parse(await record('pages'))).toEqual({
      jump: { [appid]: 'pages/order' },
      detail: { [appid]: 'pages/order?no=${商品订单号}' },
    });
  });

  it('refuses a page whose parameter WeChat appends itself, before anything is sent', async () => {
    const { code, stderr } = await run('jump-path', 'pages/order?transaction_id=1');
    expect([code, stderr]).toEqual([2, expect.stringContaining('transaction_id')]);
    expect(await requests()).toEqual({});
  });

  it('says whether the app is under shipping management, and whether its merchant numbers are confirmed', async () => {
    expect((await ask('managed')).said).toEqual({
      appid,
      is_trade_managed: true,
      confirmation_completed: true,
    });
    await tellSandbox(stack.wechat, 'management', { managed: false, completed: false });
    expect((await run('managed')).stdout).toMatch(/not under shipping management: uploads answer 48001/);
  });

  it('reports a late shipment between 15 and 330 days after the payment, and nothing else', async () => {
    await tellSandbox(stack.wechat, 'payments', { transaction_id: 'late', mchid: 'm', out_trade_no: 'o' });
    for (const [days, code] of [
      [14, 2],
      [331, 2],
      [20, 0],
    ] as const)
      expect((await ask('special-order', 'late', '--until', afterDays(days))).code).toBe(code);
    expect((await ask('special-order', 'm:o', '--until', afterDays(30))).code).toBe(0);
    const reported = (await record('special-orders'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Json);
    expect(reported).toMatchObject([
      { payment: 'late', type: 1 },
      { payment: 'late', type: 1 },
    ]);
  });

  it('never reports a test order, which would give the buyer the money back', async () => {
    await tellSandbox(stack.wechat, 'payments', { transaction_id: 'real' });
    const { code, stderr } = await run('special-order', 'real', '--type', '2', '--until', afterDays(20));
    expect([code, stderr]).toEqual([2, expect.stringContaining('gives the buyer the money back')]);
    expect(await requests()).toEqual({});
    expect(await record('special-orders')).toBe('');
  });

  it('says what a refusal means and what to do, with exit code 1', async () => {
    await tellSandbox(stack.wechat, 'payments', { transaction_id: 'shipped', order_state: 2 });
    const { code, said } = await ask('special-order', 'shipped', '--until', afterDays(20));
    expect([code, said]).toEqual([
      1,
      expect.objectContaining({ errcode: 268546002, done: false, meaning: 'no such order awaits shipment' }),
    ]);
    expect(said['remedy']).toMatch(/Check the order/);
  });

  it('answers 3 for a payment that WeChat does not know', async () => {
    await tellSandbox(stack.wechat, 'rules', { auto_create_payments: false });
    expect((await ask('order', 'nobody')).code).toBe(3);
    expect((await ask('special-order', 'nobody', '--until', afterDays(20))).code).toBe(3);
    await tellSandbox(stack.wechat, 'rules', { auto_create_payments: true });
  });

  it('shows the quota of each path that is called, and of those that are named', async () => {
    const { code, said } = await ask('quota');
    expect([code, (said['quotas'] as Json[]).map(({ path }) => path)]).toEqual([
      0,
      expect.arrayContaining([
        '/wxa/sec/order/upload_shipping_info',
        '/wxa/sec/order/notify_confirm_receive',
      ]),
    ]);
    expect((await run('quota', '/wxa/nowhere')).stdout).toContain('76003');
    expect((await run('quota', 'wxa/nowhere')).code).toBe(2);
  });

  it('clears the counters of the day ten times a month, and only when it is told to', async () => {
    expect(await run('clear-quota')).toMatchObject({ code: 2, stdout: '' });
    await ask('quota', '/wxa/sec/order/get_order'); // counts as one
    await ask('order', 'p');
    const used = async (): Promise<unknown> =>
      ((await ask('quota', '/wxa/sec/order/get_order')).said['quotas'] as Json[])[0]?.['used'];
    expect(await used()).not.toBe(0);
    expect((await ask('clear-quota', '--yes')).code).toBe(0);
    expect(await used()).toBe(0);
    for (let more = 0; more < 9; more++) await ask('clear-quota', '--yes');
    expect((await ask('clear-quota', '--yes')).said).toMatchObject({ errcode: 48006, done: false });
  });

  it('shows what WeChat received, by the rid of its answer', async () => {
    const refused = await ask('special-order', 'p', '--until', afterDays(20));
    await tellSandbox(stack.wechat, 'payments', { transaction_id: 'p', order_state: 2 });
    expect(refused.code).toBe(0);
    const { said } = await ask('special-order', 'p', '--until', afterDays(20));
    const shown = await ask('rid', said['rid'] as string);
    expect(shown.said['request']).toMatchObject({
      requestBody: expect.stringContaining('"type":1') as string,
    });
    expect(JSON.stringify(shown)).not.toContain('SANDBOX');
    expect((await ask('rid', '00000000-00000000-00000000')).said).toMatchObject({ errcode: 76003 });
  });

  it('says that it does not know what became of a call without an answer', async () => {
    await tellSandbox(stack.wechat, 'faults', { kind: 'lost_answer', endpoint: 'settings' });
    const { code, said } = await ask('jump-path', 'pages/order');
    expect([code, said['meaning']]).toEqual([
      1,
      expect.stringContaining('whether it took effect is not known'),
    ]);
  });

  it('asks which app is meant where it is not one that is configured', async () => {
    expect(await run('managed', '--app', 'wxOTHER')).toMatchObject({ code: 2 });
  });

  it('asks for the reminder of a payment once, and again only for what is unknown or rejected', async () => {
    const { pool } = stack.database;
    const asked = ['notify-confirm-receive', 'p', '--received-time', '2026-11-26T15:04:00+08:00'];
    expect((await ask(...asked)).said).toMatchObject({
      fresh: true,
      receipt: { state: 'pending', origin: 'person' },
    });
    expect((await ask(...asked)).said).toMatchObject({ fresh: false });
    const again = ['notify-confirm-receive', 'p', '--again', '--reason', 'not shown in the console'];
    expect((await ask(...again)).code).toBe(2);
    expect((await ask(...again, '--yes')).code).toBe(3);
    await pool.query("update fahuo.receipt set state = 'unknown', sends = 1, sent_at = now()");
    expect((await run('receipt', 'p')).stdout).toContain('is unknown');
    expect((await run('receipts')).stdout).toContain(`${appid}  p  2026-11-26T07:04:00.000Z`);
    expect((await ask('receipts', '--state', 'moot')).code).toBe(3);
    expect((await ask('receipts', '--state', 'odd')).code).toBe(2);
    expect((await ask(...again, '--yes')).said).toMatchObject({
      again: true,
      receipt: { state: 'pending', sends: 1, detail: 'asked for again: not shown in the console' },
    });
    expect((await ask('receipt', 'nobody')).code).toBe(3);
  });

  it.each([
    ['no time', ['notify-confirm-receive', 'q']],
    ['a time without a zone', ['notify-confirm-receive', 'q', '--received-time', '2026-11-26 15:04']],
    ['a time before WeChat paid', ['notify-confirm-receive', 'q', '--received-time', '0001-01-01T00:00:00Z']],
    ['no payment', ['notify-confirm-receive', 'a b', '--received-time', '2026-11-26T15:04:00+08:00']],
    ['a time to come', ['notify-confirm-receive', 'q', '--received-time', '2999-01-01T00:00:00Z']],
    ['no reason', ['notify-confirm-receive', 'q', '--again', '--yes']],
  ])('refuses a reminder with %s', async (_claim, words) => {
    expect((await run(...words)).code).toBe(2);
  });

  it('prints the key that seals phones, the same each time, and asks nobody for it', async () => {
    const first = await ask('seal-key');
    expect(first).toMatchObject({
      code: 0,
      said: { key: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/) as string },
    });
    expect(await ask('seal-key')).toEqual(first);
    expect(await requests()).toEqual({});
  });
});
