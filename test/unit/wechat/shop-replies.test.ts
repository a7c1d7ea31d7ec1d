import { describe, expect, it } from 'vitest';
import { readReply } from '../../../src/wechat/answer.ts';
import { classifyUpload } from '../../../src/wechat/outcome.ts';
import { readDone, readFlag, readPath, readRid } from '../../../src/wechat/shop-replies.ts';

const called = (body: object, status = 200) => {
  const reply = readReply(status, JSON.stringify(body), 1, []);
  return { reply, outcome: classifyUpload(reply.answer) };
};

describe('the answer to a setting', () => {
  it('is done for errcode 0 with a 2xx status alone', () => {
    expect(readDone(called({ errcode: 0 })).kind).toBe('done');
    expect(readDone(called({ errcode: 0 }, 502)).kind).toBe('failed');
    expect(readDone(called({ errcode: 268546001 })).kind).toBe('failed');
    expect(readDone(called({ errmsg: 'ok' })).kind).toBe('failed');
  });

  it('has a path, which may be empty or missing', () => {
    expect(readPath(called({ errcode: 0, path: 'pages/a' }))).toMatchObject({
      kind: 'path',
      path: 'pages/a',
    });
    expect(readPath(called({ errcode: 0 }))).toMatchObject({ kind: 'path', path: '' });
    expect(readPath(called({ errcode: 0, path: 7 })).kind).toBe('failed');
  });

  it('is true or false, and nothing that merely looks like it', () => {
    expect(readFlag(called({ errcode: 0, completed: false }), 'completed')).toMatchObject({ value: false });
    expect(readFlag(called({ errcode: 0, completed: true }), 'completed')).toMatchObject({ value: true });
    expect(readFlag(called({ errcode: 0, completed: 'true' }), 'completed').kind).toBe('failed');
    expect(readFlag(called({ errcode: 0 }), 'completed').kind).toBe('failed');
    expect(readFlag(called({ errcode: 40013, completed: true }), 'completed').kind).toBe('failed');
  });
});

describe('a request that WeChat shows', () => {
  const request = {
    invoke_time: 1_764_000_000,
    cost_in_ms: 12,
    request_url: '/cgi-bin/stable_token?access_token=TOKEN&secret=SECRET',
    request_body: '{"appid":"wx1","secret":"SECRET"}',
    response_body: '{"access_token": "TOKEN","expires_in":7200}',
    client_ip: '203.0.113.7',
  };

  it('has neither token nor secret in what a person is shown', () => {
    const read = readRid(called({ errcode: 0, request }));
    expect(read).toMatchObject({ kind: 'request', request: { clientIp: '203.0.113.7', costInMs: 12 } });
    expect(JSON.stringify(read.kind === 'request' && read.request)).not.toMatch(/TOKEN|SECRET/);
    expect(read.kind === 'request' && read.request.requestUrl).toBe(
      '/cgi-bin/stable_token?access_token=[hidden]&secret=[hidden]',
    );
    expect(read.kind === 'request' && read.request.responseBody).toBe(
      '{"access_token": "[hidden]","expires_in":7200}',
    );
  });

  it.each([
    [
      'a buyer’s phone',
      '{"openid":"o","receiver_phone":"13812345678"}',
      '{"openid":"o","receiver_phone":"[hidden]"}',
    ],
    ['a parcel’s token', '{"waybill_token": "TOKEN"}', '{"waybill_token": "[hidden]"}'],
    [
      'a platform’s token',
      '/cgi-bin/x?component_access_token=TOKEN',
      '/cgi-bin/x?component_access_token=[hidden]',
    ],
    ['a platform’s answer', '{"authorizer_access_token":"TOKEN"}', '{"authorizer_access_token":"[hidden]"}'],
  ])('has not %s', (_what, given, shown) => {
    const read = readRid(called({ errcode: 0, request: { ...request, request_body: given } }));
    expect(read.kind === 'request' && read.request.requestBody).toBe(shown);
  });

  it('keeps what it has where members are missing or odd', () => {
    expect(readRid(called({ errcode: 0, request: { client_ip: 7 } }))).toMatchObject({
      kind: 'request',
      request: { invokeTime: null, costInMs: null, requestUrl: null, clientIp: null },
    });
    expect(readRid(called({ errcode: 0 })).kind).toBe('failed');
  });
});
