import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSandbox, type Sandbox, type SandboxOptions } from '../../../src/sandbox/run.ts';
import type { SentPush } from '../../../src/sandbox/push-sender.ts';
import { eventually } from '../../support/eventually.ts';
import { runFahuo, startFahuo } from '../../support/fahuo-process.ts';
import { pushEncodingKey } from '../../support/pushes.ts';

const appid = 'wx0123456789abcdef';

let sandbox: Sandbox;
let receiver: Server;
/** What the receiver saw, and what it answers, in turn; the last answer stays. */
let seen: { url: string; body: string }[];
let answers: [number, string][];

beforeEach(async () => {
  seen = [];
  answers = [[200, 'success']];
  receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (data: Buffer) => (body += String(data)));
    request.on('end', () => {
      seen.push({ url: request.url ?? '', body });
      const [status, text] = answers.length > 1 ? answers.shift()! : answers[0]!;
      response.writeHead(status).end(text);
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  await sandbox.stop();
  receiver.closeAllConnections();
  receiver.close();
});

const target = (more: object = {}) => ({
  appid,
  url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/wechat/push/${appid}`,
  token: 'token',
  aes_key: pushEncodingKey,
  retry_ms: 1,
  ...more,
});
const open = async (more: object = {}, options: SandboxOptions = {}): Promise<void> => {
  sandbox = await createSandbox({ ...options, pushTargets: [target(more)] });
};
const tell = async (path: string, body: unknown): Promise<Record<string, unknown>> => {
  const answer = await fetch(`${sandbox.url}/_sandbox/${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
  });
  return (await answer.json()) as Record<string, unknown>;
};
const pushes = async (): Promise<SentPush[]> =>
  (await (await fetch(`${sandbox.url}/_sandbox/pushes`)).text())
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as SentPush);
const ship = (payment: string) =>
  tell('console-ship', {
    order_key: { order_number_type: 2, transaction_id: payment },
    logistics_type: 4,
    delivery_mode: 1,
    shipping_list: [{ item_desc: '苹果' }],
    upload_time: '2026-11-23T10:00:00.000+08:00',
    payer: { openid: 'o1' },
  });
const controlled = { event: 'wxa_trade_controlled', members: { msg: 'x' } };

describe('a push', () => {
  it('is sent when a shipping is complete, and once where it is taken', async () => {
    await open();
    await tell('payments', { transaction_id: '4200001', appid });
    expect(await ship('4200001')).toMatchObject({ errcode: 0 });
    const [sent] = await eventually(async () => {
      const found = await pushes();
      expect(found).toMatchObject([{ outcome: 'taken' }]);
      return found;
    });
    expect(sent).toMatchObject({ event: 'trade_manage_order_settlement', payment: '4200001', appid });
    expect(seen).toHaveLength(1);
    expect(seen[0]?.body).toMatch(/^\{"ToUserName":"gh_sandbox","Encrypt":"[0-9A-Za-z+/]+=*"\}$/);
  });

  it.each([
    ['an empty answer', [[200, '']], 'taken', 1],
    [
      'a third try',
      [
        [500, 'failed'],
        [403, 'refused'],
        [200, 'success'],
      ],
      'taken',
      3,
    ],
    ['another text', [[200, 'ok']], 'given_up', 3],
    ['500 for good', [[500, '']], 'given_up', 3],
  ] as const)('ends with %s', async (_what, given, outcome, tries) => {
    await open();
    answers = given.map(([status, text]) => [status, text]);
    const sent = (await tell('push', { appid, ...controlled })) as unknown as SentPush;
    expect(sent).toMatchObject({ outcome });
    expect(sent.tries).toHaveLength(tries);
    expect(new Set(seen.map(({ url }) => new URL(url, 'http://x').searchParams.get('nonce'))).size).toBe(
      tries,
    );
  });

  it('is given up where nobody listens', async () => {
    await open({ url: 'http://127.0.0.1:1/wechat/push/x' });
    expect(await tell('push', { appid, ...controlled })).toMatchObject({
      outcome: 'given_up',
      tries: [{ status: null }, { status: null }, { status: null }],
    });
  });

  it('is lost, or sent twice more, as the target says', async () => {
    await open({ loss_rate: 1 });
    expect(await tell('push', { appid, ...controlled })).toMatchObject({ outcome: 'lost', tries: [] });
    expect(seen).toEqual([]);
    await tell('push-target', target({ repeat_rate: 1 }));
    expect(await tell('push', { appid, ...controlled })).toMatchObject({ outcome: 'taken' });
    expect(seen).toHaveLength(3);
  });

  it('comes late, and so in another order, as the target says', async () => {
    await open({ delay_ms: 300, mode: 'plain' }, { seed: 4 });
    const numbers = Array.from({ length: 12 }, (_, at) => at);
    await Promise.all(numbers.map((n) => tell('push', { appid, event: 'debug_demo', members: { n } })));
    const order = seen.map(({ body }) => (JSON.parse(body) as { n: number }).n);
    expect(order).not.toEqual(numbers);
    expect(order.toSorted((a, b) => a - b)).toEqual(numbers);
  });

  it('may be any text, and any payment’s', async () => {
    await open({ mode: 'plain', format: 'xml' });
    await tell('payments', { transaction_id: '4200001', mchid: '19000', out_trade_no: 'A-1' });
    await tell('push', { payment: '19000:A-1', push: 'remind_shipping', members: { pay_time: 7 } });
    await tell('push', { text: 'hello' });
    expect(seen.map(({ body }) => body)).toEqual([
      expect.stringMatching(/^<xml>[^]*<pay_time>7<\/pay_time>[^]*<\/xml>$/),
      'hello',
    ]);
    expect(await tell('push', { payment: '42', push: 'shipped' })).toMatchObject({
      error: expect.stringContaining('no payment 42') as string,
    });
    expect(await tell('push', { appid: 'wx9', ...controlled })).toMatchObject({
      error: expect.stringContaining('no target') as string,
    });
    expect(await tell('push', { appid })).toMatchObject({
      error: expect.stringContaining('must name') as string,
    });
    expect(await tell('push-target', { appid, url: 'x', token: 't' })).toMatchObject({
      error: expect.stringContaining('url is "x"') as string,
    });
  });

  it('is never sent where no target was told', async () => {
    sandbox = await createSandbox({ autoCreatePayments: true });
    expect(await ship('4200001')).toMatchObject({ errcode: 0 });
    expect(await pushes()).toEqual([]);
  });

  it('that is under way does not hold up the end', async () => {
    await open({ delay_ms: 600_000, retry_ms: 60_000 });
    await tell('payments', { transaction_id: '4200001', appid });
    expect(await ship('4200001')).toMatchObject({ errcode: 0 });
    const from = performance.now();
    await sandbox.stop();
    expect(performance.now() - from).toBeLessThan(2_000);
  });
});

describe('fahuo sandbox', () => {
  const port = ['--port', '0'];
  const url = `http://127.0.0.1:9470/wechat/push/${appid}`;

  it.each([
    [['--push-url', url], '--push-token: must be given with --push-url'],
    [['--push-url', 'nowhere', '--push-token', 't'], '--push-url: must be a URL'],
    [['--push-url', url, '--push-token', 't', '--push-aes-key', 'short'], '--push-aes-key: must be an'],
  ])('says what is wrong with %j', async (flags, said) => {
    sandbox = await createSandbox();
    const ended = await runFahuo(['sandbox', ...port, ...flags], {});
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain(said);
  });

  it('pushes where it is told', async () => {
    const { url: to, token, aes_key: key } = target();
    const flags = ['--push-url', to, '--push-token', token, '--push-aes-key', key];
    const started = await startFahuo(['sandbox', ...port, '--auto-create', ...flags], {});
    sandbox = { url: started.url, stop: () => started.stop().then(() => undefined) };
    expect(await ship('4200001')).toMatchObject({ errcode: 0 });
    await eventually(async () => expect(await pushes()).toMatchObject([{ outcome: 'taken' }]));
  });
});
