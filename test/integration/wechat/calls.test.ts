import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { createSandbox, type Sandbox } from '../../../src/sandbox/run.ts';
import { createWechatClient, type WechatClient } from '../../../src/wechat/client.ts';
import { createHttp, type Http } from '../../../src/wechat/http.ts';
import { appid, shippedEvent } from '../../support/events.ts';
import { effectsOf, tellSandbox } from '../../support/sandbox-client.ts';
import { createTokens } from '../../support/tokens.ts';

let sandbox: Sandbox;
let http: Http;
let wechat: WechatClient;
beforeAll(async () => {
  sandbox = await createSandbox({ autoCreatePayments: true }, systemClock);
  http = createHttp({ baseUrl: sandbox.url, totalTimeoutMs: 2_000 });
  wechat = createWechatClient({ http, tokens: createTokens(http), clock: systemClock });
});
afterEach(() => tellSandbox(sandbox.url, 'reset', {}));
afterAll(async () => {
  await wechat.close();
  await sandbox.stop();
});

/** A combined payment's request without upload_time, as the client takes it. */
function combined(...payments: string[]): string {
  const parts = payments.map((payment) => shippedEvent({ payment }).data);
  const { payer } = parts[0]!;
  const subOrders = parts.map(({ payer: _payer, ...part }) => part);
  return JSON.stringify({ order_key: parts[0]!['order_key'], sub_orders: subOrders, payer });
}

describe('the combined upload', () => {
  it('ships every part of it by one call', async () => {
    const { outcome } = await wechat.uploadCombined({
      appid,
      body: combined('a', 'b'),
      uploadTime: new Date(),
    });
    expect(outcome).toEqual({ kind: 'accepted' });
    expect((await effectsOf(sandbox.url)).map(({ payment, kind }) => [payment, kind])).toEqual([
      ['a', 'ship'],
      ['b', 'ship'],
    ]);
  });

  it('says nothing of the other parts where one is refused', async () => {
    await wechat.upload({
      appid,
      body: JSON.stringify(shippedEvent({ payment: 'b' }).data),
      uploadTime: new Date(),
    });
    const body = combined('a', 'b');
    const { outcome } = await wechat.uploadCombined({
      appid,
      body,
      uploadTime: new Date(Date.now() + 1_000),
    });
    expect(outcome.kind).toBe('unchanged');
    const shipped = (await effectsOf(sandbox.url)).map(({ payment }) => payment);
    expect(shipped.toSorted()).toEqual(['a', 'b']);
  });

  it('has an unknown outcome after a lost answer', async () => {
    await tellSandbox(sandbox.url, 'faults', { kind: 'lost_answer', endpoint: 'combined' });
    const { outcome } = await wechat.uploadCombined({ appid, body: combined('a'), uploadTime: new Date() });
    expect(outcome.kind).toBe('unknown');
  });
});

describe('the calls about a parcel', () => {
  const request = {
    appid,
    openid: 'o',
    receiverPhone: '13800001234',
    trackingNo: 'YT1',
    expressCompany: 'YTO',
    transactionId: 'p',
    goods: [{ name: '苹果', imageUrl: 'https://shop.example/a.png' }],
    detailPath: '',
  };

  it('tell where it is, and nothing where the answer is no status', async () => {
    const followed = await wechat.traceWaybill(request);
    expect(followed).toMatchObject({ kind: 'token', token: expect.stringMatching(/./) as string });
    const token = followed.kind === 'token' ? followed.token : '';
    expect(await wechat.queryTrace(appid, token)).toMatchObject({ kind: 'parcel', status: 1 });
    expect(await wechat.queryTrace(appid, 'nobody')).toMatchObject({ kind: 'failed' });
    await tellSandbox(sandbox.url, 'faults', { kind: 'garbage', endpoint: 'query_trace' });
    expect(await wechat.queryTrace(appid, token)).toMatchObject({ kind: 'failed' });
  });

  it('keep the phone out of the answer, wherever WeChat repeats it', async () => {
    await tellSandbox(sandbox.url, 'faults', {
      kind: 'errcode',
      endpoint: 'trace_waybill',
      errcode: 40097,
      errmsg: 'bad phone 13800001234',
    });
    const failed = await wechat.traceWaybill(request);
    expect(failed.answer.errmsg).toContain('bad phone [hidden]');
    expect(JSON.stringify(failed)).not.toContain('13800001234');
  });
});
