import { describe, expect, it } from 'vitest';
import { readTokenText } from '../../../src/wechat/token-answer.ts';

const token = '75_kGTo-x_9AbCdEfGhIjKlMnOpQrStUvWxYz0123456789';
const nowMs = Date.parse('2026-11-30T10:00:00+08:00');
const read = (body: unknown) => readTokenText(typeof body === 'string' ? body : JSON.stringify(body), nowMs);
const tokenWith = (ttlMs: number | null) => ({ kind: 'token', value: token, ttlMs });

describe('the answer of a token server', () => {
  it.each([
    ['WeChat’s own shape', { access_token: token, expires_in: 7200 }, 7_200_000],
    ['a third-party platform’s', { authorizer_access_token: token, expires_in: 7200 }, 7_200_000],
    ['camel case', { accessToken: token, expiresIn: 60 }, 60_000],
    ['a number as text', { access_token: token, expires_in: '7200' }, 7_200_000],
    ['one object around it', { code: 0, data: { access_token: token, expires_in: 100 } }, 100_000],
    ['an end in unix seconds', { access_token: token, expires_at: nowMs / 1_000 + 90 }, 90_000],
    ['an end in milliseconds', { access_token: token, expiresAt: nowMs + 90_000 }, 90_000],
    ['an end as a date', { access_token: token, expires_at: '2026-11-30T10:01:30+08:00' }, 90_000],
    ['a life of a day', { access_token: token, expires_in: 86_400 }, 86_400_000],
  ])('is read in %s', (_name, body, ttlMs) => {
    expect(read(body)).toEqual(tokenWith(ttlMs));
  });

  it.each([
    ['nobody says', { access_token: token }],
    ['it is over already', { access_token: token, expires_in: 0 }],
    ['it ended before', { access_token: token, expires_at: nowMs / 1_000 - 1 }],
    ['it is no number', { access_token: token, expires_in: 'soon' }],
    ['it is longer than a day', { access_token: token, expires_in: 86_401 }],
    ['it is a text', token],
  ])('leaves the end open where %s', (_name, body) => {
    expect(read(body)).toEqual(tokenWith(null));
  });

  it('may be the token alone, with a line’s end, a byte order mark, or in quotes', () => {
    for (const text of [`${token}\n`, ` ${token}\r\n`, `\ufeff${token}`, JSON.stringify(token)])
      expect(read(text)).toEqual(tokenWith(null));
    expect(read('a'.repeat(30))).toMatchObject({ kind: 'token' });
    expect(read('a'.repeat(4_096))).toMatchObject({ kind: 'token' });
  });

  it.each([
    ['', 'an empty answer'],
    [' \n', 'an empty answer'],
    ['null', 'a text that is no token'],
    ['a'.repeat(29), 'a text that is no token'],
    ['a'.repeat(4_097), 'a text that is no token'],
    ['the token server is not available at the moment', 'a text that is no token'],
    ['<html><body>502 Bad Gateway, nginx</body></html>', 'a text that is no token'],
    ['"half a text that is not closed at all', 'a text that is no token'],
    ['{"access_token":', 'JSON that cannot be parsed'],
    ['{}', 'JSON without access_token'],
    ['{"access_token":null}', 'JSON without access_token'],
    [`{"code":500,"data":"${token}"}`, 'JSON without access_token'],
    ['{"data":null}', 'JSON without access_token'],
    ['{"access_token":"short"}', 'an access_token that is no token'],
    ['{"access_token":12345678901234567890}', 'an access_token that is no token'],
    [`{"access_token":"${token} ${token}"}`, 'an access_token that is no token'],
    [`{"access_token":"${'a'.repeat(15)}"}`, 'an access_token that is no token'],
  ])('%j is none: %s', (text, why) => {
    expect(readTokenText(text, nowMs)).toEqual({ kind: 'none', why });
  });

  it('takes what stands outside of `data` before what stands in it', () => {
    const other = `${token}other`;
    expect(read({ access_token: token, data: { access_token: other, expires_in: 5 } })).toEqual(
      tokenWith(null),
    );
    expect(read({ access_token: 'a'.repeat(16), expires_in: 0.5 })).toMatchObject({ ttlMs: 500 });
  });
});
