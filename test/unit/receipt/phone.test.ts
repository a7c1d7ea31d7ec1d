import { describe, expect, it } from 'vitest';
import { openPhone, phoneSealKey } from '../../../src/receipt/phone.ts';
import { sealPhone } from '../../../src/shipment/sealed-phone.ts';

const app = { appid: 'wx1', secret: 'secret' };
const owner = { appid: 'wx1', payment: 'p' };
const seal = (phone = '13800001234'): string => sealPhone(phoneSealKey(app), owner, phone);

describe('a sealed phone', () => {
  it.each(['13800001234', '+86 138-0000-1234', '010-12345'])(
    'is opened by its app for its payment: %s',
    (phone) => {
      expect(openPhone(app, owner, seal(phone))).toBe(phone);
    },
  );

  it('is another text each time, and has no digit of the phone in it', () => {
    expect(seal()).not.toBe(seal());
    expect(seal()).toMatch(/^p1\.[A-Za-z0-9_-]{81,255}$/);
    expect(Buffer.from(seal().slice(3), 'base64url').toString('latin1')).not.toContain('1380000');
  });

  it('is nothing for another payment, another app, or another secret', () => {
    const sealed = seal();
    expect(openPhone(app, { ...owner, payment: 'q' }, sealed)).toBeNull();
    expect(openPhone(app, { ...owner, appid: 'wx2' }, sealed)).toBeNull();
    expect(openPhone({ ...app, secret: 'other' }, owner, sealed)).toBeNull();
    expect(openPhone({ ...app, appid: 'wx2' }, owner, sealed)).toBeNull();
  });

  it('is nothing once a byte of it was changed, or its end was cut', () => {
    const bytes = Buffer.from(seal().slice(3), 'base64url');
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 1;
      expect(openPhone(app, owner, `p1.${changed.toString('base64url')}`)).toBeNull();
      expect(openPhone(app, owner, `p1.${bytes.subarray(0, at).toString('base64url')}`)).toBeNull();
    }
  });

  it('is not what another version sealed', () => {
    expect(openPhone(app, owner, seal().replace('p1.', 'p2.'))).toBeNull();
  });

  it.each(['', 'p1.', 'p1.AAAA', 'p2.AAAA', '13800001234'])('is not %j', (text) => {
    expect(openPhone(app, owner, text)).toBeNull();
  });

  it.each(['', '138****1234', 'phone', '1380000123413800001234138000012341', '1'])(
    'is not made of %j',
    (phone) => {
      expect(() => seal(phone)).toThrow(/one number in clear/);
    },
  );

  it('needs the key of an app', () => {
    expect(() => sealPhone('AAAA', owner, '13800001234')).toThrow(/seal-key/);
  });
});

it('the key of an app is the same each time, and another for another secret', () => {
  expect(phoneSealKey(app)).toBe(phoneSealKey(app));
  expect(phoneSealKey(app)).not.toBe(phoneSealKey({ ...app, secret: 'other' }));
  expect(phoneSealKey(app)).not.toBe(phoneSealKey({ ...app, appid: 'wx2' }));
});
