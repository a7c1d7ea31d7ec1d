import { describe, expect, it } from 'vitest';
import { fingerprintOf, headersOf, keysIn } from '../../../src/webhook/sign.ts';

/** The example of the specification and of its libraries' own tests (standard-webhooks/standard-webhooks). */
const published = {
  secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  timestampS: 1_614_265_330,
  body: '{"test": 2432232314}',
  signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
};

describe('a signature', () => {
  it('is the published one for the published message', () => {
    expect(headersOf(keysIn(published.secret), published)).toEqual({
      'webhook-id': published.id,
      'webhook-timestamp': '1614265330',
      'webhook-signature': published.signature,
    });
  });

  it('is there by each secret while one is changed for another', () => {
    const other = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD';
    const by = (secrets: string): string => headersOf(keysIn(secrets), published)['webhook-signature'];
    expect(by(`${other}  ${published.secret}`)).toBe(`${by(other)} ${published.signature}`);
    expect(by(other)).not.toBe(published.signature);
  });

  it('covers the bytes of a text, not its characters', () => {
    const [one, other] = ['苹', '菓'].map((body) =>
      headersOf(keysIn(published.secret), { ...published, body }),
    );
    expect(one).not.toEqual(other);
  });
});

describe('a fingerprint', () => {
  it('changes with the address and with the first secret, and shows neither', () => {
    const keys = keysIn(published.secret);
    const url = 'https://user:secret@shop/x';
    const own = fingerprintOf(url, keys);
    expect(own).toMatch(/^[0-9a-f]{32}$/);
    expect(fingerprintOf(`${url}?a`, keys)).not.toBe(own);
    expect(fingerprintOf(url, [Buffer.from('x'), ...keys])).not.toBe(own);
    expect(fingerprintOf(url, [...keys, Buffer.from('x')])).toBe(own);
  });
});
