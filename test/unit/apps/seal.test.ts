import { describe, expect, it } from 'vitest';
import { openToken, sealToken, tokenFingerprint } from '../../../src/apps/seal.ts';

const app = { appid: 'wx0123456789abcdef', secret: 'a-secret-of-the-app' };
const token = `84_${'Zk9-_'.repeat(30)}`;

/** The sealed bytes without the version, and back. */
const bytesOf = (sealed: string): Buffer => Buffer.from(sealed.slice('v1.'.length), 'base64url');
const sealedOf = (bytes: Buffer): string => `v1.${bytes.toString('base64url')}`;

describe('a sealed token', () => {
  it.each([['a token'], [token], ['令牌🍌'], ['x'.repeat(2048)]])('opens to what was sealed', (value) => {
    expect(openToken(app, sealToken(app, value))).toBe(value);
  });

  it('shows neither the token nor the secret', () => {
    const sealed = sealToken(app, token);
    const clear = bytesOf(sealed).toString('latin1') + sealed;
    expect(clear).not.toContain(token.slice(0, 12));
    expect(clear).not.toContain(app.secret);
  });

  it('differs each time, so that equal tokens cannot be told from their seals', () => {
    const seals = Array.from({ length: 20 }, () => sealToken(app, token));
    expect(new Set(seals).size).toBe(20);
  });

  it('stays shut under another secret and under another app', () => {
    const sealed = sealToken(app, token);
    expect(openToken({ ...app, secret: 'the-next-secret' }, sealed)).toBeNull();
    expect(openToken({ ...app, appid: 'wxfedcba9876543210' }, sealed)).toBeNull();
  });

  it('stays shut when any one of its bytes was changed', () => {
    const bytes = bytesOf(sealToken(app, 'short'));
    const opened = Array.from(bytes, (byte, at) => {
      const changed = Buffer.from(bytes);
      changed[at] = byte ^ 1;
      return openToken(app, sealedOf(changed));
    });
    expect(opened).toEqual(Array(bytes.length).fill(null));
  });

  it.each(['short', ''])('of %j stays shut when cut short anywhere, also within its tag', (value) => {
    const bytes = bytesOf(sealToken(app, value));
    const opened = Array.from(bytes, (_byte, length) => openToken(app, sealedOf(bytes.subarray(0, length))));
    expect(opened).toEqual(Array(bytes.length).fill(null));
  });

  it('stays shut under another version, whatever else is right', () => {
    const sealed = sealToken(app, token);
    expect(openToken(app, sealed.replace('v1.', 'v2.'))).toBeNull();
    expect(openToken(app, sealed.replace('v1.', 'v1-'))).toBeNull();
  });

  it.each(['', 'v1.', 'v1', 'v2.AAAA', token, '{"value":"x"}'])('is not what %j is', (text) => {
    expect(openToken(app, text)).toBeNull();
  });
});

describe('a fingerprint', () => {
  it('is the same for the same token and differs for another token, secret or app', () => {
    const prints = [
      tokenFingerprint(app, token),
      tokenFingerprint(app, `${token}x`),
      tokenFingerprint({ ...app, secret: 'the-next-secret' }, token),
      tokenFingerprint({ ...app, appid: 'wxfedcba9876543210' }, token),
    ];
    expect(new Set(prints).size).toBe(4);
    expect(tokenFingerprint({ ...app }, token)).toBe(prints[0]);
  });

  it('does not show the token', () => {
    expect(tokenFingerprint(app, token)).toMatch(/^[\w-]{43}$/);
  });
});
