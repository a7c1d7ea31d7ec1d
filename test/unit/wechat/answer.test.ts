import { describe, expect, it } from 'vitest';
import { readReply, ridOf } from '../../../src/wechat/answer.ts';
import { classifyUpload } from '../../../src/wechat/outcome.ts';

const read = (body: string, hide: string[] = []) => readReply(200, body, 7, hide);

describe('the body of an answer', () => {
  it('gives code, text and request id', () => {
    const body = '{"errcode":10060014,"errmsg":"参数错误 rid: 6740f0a1-1b2c3d4e-5f607182"}';
    expect(read(body).answer).toEqual({
      httpStatus: 200,
      errcode: 10060014,
      errmsg: '参数错误 rid: 6740f0a1-1b2c3d4e-5f607182',
      rid: '6740f0a1-1b2c3d4e-5f607182',
      bodyText: body,
      failure: null,
      durationMs: 7,
    });
  });

  it.each(['', 'null', '0', '"ok"', '[]', '<html>', '{"errcode":0', '\u0000'])(
    'is unreadable and without a code when it is %j',
    (body) => {
      const { answer, json } = read(body);
      expect([answer.failure, answer.errcode, json]).toEqual(['unreadable', null, null]);
    },
  );

  it.each([
    '{}',
    '{"errcode":"0"}',
    '{"errcode":null}',
    '{"errcode":0.5}',
    '{"errcode":true}',
    '{"errcode":1e99}',
  ])('has no code when it is %s', (body) => {
    expect(read(body).answer).toMatchObject({ errcode: null, failure: null });
  });

  it.each(['{}', '{"errcode":null}', '{"errcode":-1}'])('has no odd code when it is %s', (body) => {
    expect(read(body).answer).not.toHaveProperty('oddErrcode');
  });

  it('is kept without the token and the secret, wherever they stand', () => {
    const { answer } = read('{"errcode":40001,"errmsg":"bad tok-en; s3cret","again":"tok-en"}', [
      'tok-en',
      's3cret',
      '',
    ]);
    expect(JSON.stringify(answer)).not.toMatch(/tok-en|s3cret/);
    expect(answer.errmsg).toBe('bad [hidden]; [hidden]');
  });

  it('is kept up to 4096 characters, and hidden before it is cut', () => {
    const { answer } = read(`${'x'.repeat(4090)}tok-en`, ['tok-en']);
    expect(answer.bodyText).toBe(`${'x'.repeat(4090)}[hidde… (4098 characters)`);
  });

  it('is kept with its text and its request id cut, and their lengths noted', () => {
    const { answer } = read(`{"errcode":1,"errmsg":"${'苹'.repeat(300_000)} rid: ${'a'.repeat(1_000)}"}`);
    expect(answer.errmsg).toBe(`${'苹'.repeat(2_000)}… (301006 characters)`);
    expect(answer.rid).toBe(`${'a'.repeat(128)}… (1000 characters)`);
  });

  it.each([
    ['3000000000', 3_000_000_000],
    ['-9007199254740991', Number.MIN_SAFE_INTEGER],
  ])('gives the code %s, whatever column once held it', (text, errcode) => {
    expect(read(`{"errcode":${text}}`).answer).toMatchObject({ errcode });
  });

  it('is kept without the secret also where a text stands in place of the code, which is cut', () => {
    const { answer } = read(`{"errcode":"s3cret${'x'.repeat(100)}"}`, ['s3cret']);
    expect(answer.oddErrcode).toBe(`"[hidden]${'x'.repeat(31)}… (110 characters)`);
  });

  it.each([
    ['1e99', '1e+99'],
    ['"0"', '"0"'],
    ['0.5', '0.5'],
    ['[7]', '[7]'],
  ])('says what stood in place of the code when it was %s', (text, said) => {
    const { answer } = read(`{"errcode":${text}}`);
    expect(answer).toMatchObject({ errcode: null, oddErrcode: said });
    expect(classifyUpload(answer)).toEqual({
      kind: 'unknown',
      reason: `answer with the errcode ${said} (HTTP 200)`,
    });
  });
});

describe('the request id', () => {
  it.each([
    ['ok rid: 6740f0a1-1b2c3d4e-5f607182', '6740f0a1-1b2c3d4e-5f607182'],
    ['invalid hint: [a1-b2] rid: 6740f0a1-1b2c3d4e-5f607182', '6740f0a1-1b2c3d4e-5f607182'],
    ['ok rid:6740f0a1', '6740f0a1'],
    ['ok', null],
    ['grid: 12', null],
    [null, null],
  ])('of %j is %j', (errmsg, rid) => {
    expect(ridOf(errmsg)).toBe(rid);
  });
});
