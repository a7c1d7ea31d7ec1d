import {
  createCipheriv,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import { FahuoError } from '../errors.ts';

/** What a sealed phone is for: opened for another payment it is nothing. */
export type PhoneOwner = { appid: string; payment: string };

export const sealedPhoneVersion = 'p1';
const phone = /^\+?[0-9][0-9 -]{3,30}[0-9]$/;
const publicKeyBytes = 32;

/**
 * Seals a buyer's phone for the app whose public key this is (`fahuo wechat seal-key`): who has the key can seal, and only
 * fahuo, which has the AppSecret, can open. For `fahuo.trace_receipt`. The text is `p1.` and base64url of an X25519 public
 * key made for it (32 bytes), nonce (12), tag (16) and AES-256-GCM ciphertext; the key is HKDF-SHA256 of the shared secret
 * with both public keys as salt and `fahuo phone p1` as info; `appid`, a line feed and `payment` are authenticated.
 * @throws FahuoError EVENT_INVALID where the phone is no number in clear, or the key no such key.
 */
export function sealPhone(publicKey: string, owner: PhoneOwner, clear: string): string {
  if (!phone.test(clear))
    throw new FahuoError('EVENT_INVALID', 'the phone must be one number in clear: digits, blanks, + and -');
  const receiver = readPublicKey(publicKey);
  const own = generateKeyPairSync('x25519');
  const ownPublic = rawPublicKey(own.publicKey);
  const key = phoneKey(diffieHellman({ privateKey: own.privateKey, publicKey: receiver }), {
    own: ownPublic,
    receiver: rawPublicKey(receiver),
  });
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(ownerBytes(owner));
  const sealed = Buffer.concat([cipher.update(clear, 'utf8'), cipher.final()]);
  const bytes = Buffer.concat([ownPublic, nonce, cipher.getAuthTag(), sealed]);
  return `${sealedPhoneVersion}.${bytes.toString('base64url')}`;
}

function readPublicKey(text: string): KeyObject {
  if (Buffer.from(text, 'base64url').length !== publicKeyBytes)
    throw new FahuoError('EVENT_INVALID', 'the key must be what `fahuo wechat seal-key` prints');
  return publicKeyOf(Buffer.from(text, 'base64url'));
}

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

export const ownerBytes = ({ appid, payment }: PhoneOwner): Buffer => Buffer.from(`${appid}\n${payment}`);
