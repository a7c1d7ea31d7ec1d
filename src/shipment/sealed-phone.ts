import { createCipheriv, diffieHellman, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import { FahuoError } from '../errors.ts';
import { ownerBytes, phoneKey, publicKeyOf, rawPublicKey, sealedPhoneVersion } from './phone-key.ts';

/** What a sealed phone is for: opened for another payment it is nothing. */
export type PhoneOwner = { appid: string; payment: string };

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
