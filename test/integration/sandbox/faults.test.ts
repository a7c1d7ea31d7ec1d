import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { createSandbox, type Sandbox } from '../../../src/sandbox/run.ts';
import { effectsOf, requestsOf, tellSandbox } from '../../support/sandbox-client.ts';

type Json = Record<string, unknown>;
const appid = 'wx0123456789abcdef';

let sandbox: Sandbox;
beforeEach(async () => {
  sandbox = await createSandbox({ autoCreatePayments: true, keepRequests: true }, systemClock);
});
afterEach(() => sandbox.stop());

const post = async (path: string, body: object): Promise<Json> =>
  (await (
    await fetch(`${sandbox.url}${path}`, { method: 'POST', body: JSON.stringify(body) })
  ).json()) as Json;
const askToken = (): Promise<Json> =>
  post('/cgi-bin/stable_token', { grant_type: 'client_credential', appid, secret: 's' });
const tokenOf = async (): Promise<string> => (await askToken())['access_token'] as string;
const upload = (token: string, key: object = { order_number_type: 2, transaction_id: 'p' }): Promise<Json> =>
  post(`/wxa/sec/order/upload_shipping_info?access_token=${token}`, {
    order_key: key,
    logistics_type: 4,
    delivery_mode: 1,
    shipping_list: [{ item_desc: '苹果' }],
    upload_time: new Date().toISOString(),
    payer: { openid: 'o' },
  });

describe('a fault', () => {
  it('about the token meets the token call, in both its forms', async () => {
    await tellSandbox(sandbox.url, 'faults', {
      kind: 'errcode',
      endpoint: 'token',
      errcode: 40125,
      times: 2,
    });
    expect(await askToken()).toMatchObject({ errcode: 40125 });
    const plain = await fetch(
      `${sandbox.url}/cgi-bin/token?grant_type=client_credential&appid=${appid}&secret=s`,
    );
    expect(await plain.json()).toMatchObject({ errcode: 40125 });
    expect(await askToken()).toHaveProperty('access_token');
    await tellSandbox(sandbox.url, 'faults', { kind: 'status', endpoint: 'token', status: 503 });
    expect((await fetch(`${sandbox.url}/cgi-bin/stable_token`, { method: 'POST', body: '{}' })).status).toBe(
      503,
    );
  });

  it('that expires a token is about the one of its call: a newer one stays good', async () => {
    const old = await tokenOf();
    await tellSandbox(sandbox.url, 'faults', { kind: 'expire_token', transaction_id: 'p' });
    expect(await upload(old)).toMatchObject({ errcode: 40001 });
    const fresh = await tokenOf();
    expect(fresh).not.toBe(old);
    expect(await upload(old)).toMatchObject({ errcode: 40001 });
    expect(await upload(fresh, { order_number_type: 2, transaction_id: 'q' })).toMatchObject({ errcode: 0 });
  });

  it('that ships by hand does so in the console of the app whose payment it is', async () => {
    await tellSandbox(sandbox.url, 'payments', { transaction_id: 'p', appid });
    await tellSandbox(sandbox.url, 'faults', { kind: 'shipped_by_hand', item_desc: '梨' });
    await expect(upload(await tokenOf())).rejects.toThrow('fetch failed'); // it is cut off
    expect((await effectsOf(sandbox.url)).map(({ byHand }) => byHand)).toEqual([true]);
  });

  it.each([3_000_000_000, -217])('answers the errcode %i as it is', async (errcode) => {
    await tellSandbox(sandbox.url, 'faults', { kind: 'errcode', errcode });
    expect(await upload(await tokenOf())).toMatchObject({ errcode });
  });

  it('answers an errmsg of any length around the answer that would have come', async () => {
    await tellSandbox(sandbox.url, 'faults', { kind: 'long_errmsg', length: 300_000 });
    const answer = await upload(await tokenOf());
    expect(answer['errcode']).toBe(0);
    expect((answer['errmsg'] as string).length).toBeGreaterThan(300_000);
  });

  it('about a payment meets it under both its names, and requests are listed with both', async () => {
    const merchant = { order_number_type: 1, mchid: '1900000001', out_trade_no: 'T-1' };
    await tellSandbox(sandbox.url, 'payments', {
      transaction_id: 'p',
      mchid: '1900000001',
      out_trade_no: 'T-1',
    });
    await tellSandbox(sandbox.url, 'faults', { kind: 'errcode', errcode: 10060012, transaction_id: 'p' });
    expect(await upload(await tokenOf(), merchant)).toMatchObject({ errcode: 10060012 });
    expect(await requestsOf(sandbox.url)).toMatchObject([{ payment: 'p', key: '1900000001:T-1' }]);
  });

  it.each<[string, unknown, string]>([
    ['a member is missing', { kind: 'errcode' }, 'errcode is missing: must be a number'],
    [
      'the kind is unknown',
      { kind: 'explode' },
      'kind is "explode": must be one of lost_answer, reset_before,',
    ],
    [
      'the kind is missing, in a list',
      [{ kind: 'hang' }, {}],
      '[1].kind is missing: must be one of lost_answer,',
    ],
    [
      'a member is too much',
      { kind: 'hang', paymentt: 'P' },
      'there are kind, endpoint, transaction_id, rate',
    ],
    ['it is no JSON', undefined, 'body is not JSON'],
  ])('is refused by field, value and rule where %s', async (_claim, body, says) => {
    expect(await tellSandbox(sandbox.url, 'faults', body)).toEqual({
      error: expect.stringContaining(says) as unknown,
    });
  });

  it('that stands at the token is met by nothing else', async () => {
    const token = await tokenOf();
    await tellSandbox(sandbox.url, 'faults', { kind: 'status', endpoint: 'token', status: 503 });
    expect(await upload(token)).toMatchObject({ errcode: 0 });
  });
});

it('an edit in the console is seen by the next read', async () => {
  const token = await tokenOf();
  expect(await tellSandbox(sandbox.url, 'console-edit', { payment: 'p' })).toMatchObject({
    errcode: 10060001,
  });
  await upload(token);
  const edited = await tellSandbox(sandbox.url, 'console-edit', {
    payment: 'p',
    shipping_list: [{ item_desc: '梨' }],
  });
  expect(edited).toMatchObject({ errcode: 0 });
  const { order } = (await post(`/wxa/sec/order/get_order?access_token=${token}`, {
    transaction_id: 'p',
  })) as { order: { shipping: Json } };
  expect(order.shipping).toMatchObject({ finish_shipping_count: 2, shipping_list: [{ goods_desc: '梨' }] });
});
