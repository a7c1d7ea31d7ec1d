import { createPublicKey, hkdfSync, type KeyObject } from 'node:crypto';

/** What sealing and opening a phone have in common; apart from sealing, so that its types need none of Node's. */
export const sealedPhoneVersion = 'p1';

/** The key object of 32 raw bytes. */
export const publicKeyOf = (raw: Buffer): KeyObject =>
  createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: raw.toString('base64url') }, format: 'jwk' });

export const rawPublicKey = (key: KeyObject): Buffer =>
  Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url');

/** `own`: the public key that was made for this phone; `receiver`: the app's. */
export const phoneKey = (shared: Buffer, { own, receiver }: { own: Buffer; receiver: Buffer }): Buffer =>
  Buffer.from(
    hkdfSync('sha256', shared, Buffer.concat([own, receiver]), `fahuo phone ${sealedPhoneVersion}`, 32),
  );

export const ownerBytes = ({ appid, payment }: { appid: string; payment: string }): Buffer =>
  Buffer.from(`${appid}\n${payment}`);
