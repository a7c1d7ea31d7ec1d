import {
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';
import {
  ownerBytes,
  phoneKey,
  publicKeyOf,
  rawPublicKey,
  sealedPhoneVersion,
} from '../shipment/phone-key.ts';
import type { PhoneOwner } from '../shipment/sealed-phone.ts';

/** The app's side of src/shipment/sealed-phone.ts: its private key comes from its secret, and is stored nowhere. */
export type PhoneContext = { appid: string; secret: string };

/** What precedes the 32 bytes of an X25519 private key in PKCS #8. */
const pkcs8 = Buffer.from('302e020100300506032b656e04220420', 'hex');

function privateKeyOf({ appid, secret }: PhoneContext): KeyObject {
  const seed = Buffer.from(hkdfSync('sha256', secret, appid, `fahuo phone key ${sealedPhoneVersion}`, 32));
  return createPrivateKey({ key: Buffer.concat([pkcs8, seed]), format: 'der', type: 'pkcs8' });
}

/** For who seals; it may be known to everybody, and changes with the AppSecret. */
export const phoneSealKey = (context: PhoneContext): string =>
  rawPublicKey(createPublicKey(privateKeyOf(context))).toString('base64url');

/** The phone in clear; null when it was not sealed for this payment and this app's present secret. */
export function openPhone(context: PhoneContext, owner: PhoneOwner, text: string): string | null {
  if (!text.startsWith(`${sealedPhoneVersion}.`)) return null;
  const bytes = Buffer.from(text.slice(sealedPhoneVersion.length + 1), 'base64url');
  const [own, nonce, tag] = [bytes.subarray(0, 32), bytes.subarray(32, 44), bytes.subarray(44, 60)];
  try {
    const privateKey = privateKeyOf(context);
    const shared = diffieHellman({ privateKey, publicKey: publicKeyOf(own) });
    const key = phoneKey(shared, { own, receiver: rawPublicKey(createPublicKey(privateKey)) });
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 });
    decipher.setAAD(ownerBytes(owner)).setAuthTag(tag);
    return decipher.update(bytes.subarray(60), undefined, 'utf8') + decipher.final('utf8');
  } catch {
    return null;
  }
}
