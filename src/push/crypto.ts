import { createCipheriv, createDecipheriv, createHash, timingSafeEqual } from 'node:crypto';
import { utf8Text } from '../text.ts';

/** How WeChat signs and encrypts what it pushes (wechat.md §3). */
export type PushKey = { appid: string; aesKey: Buffer };

export type Decrypted =
  | { kind: 'message'; text: string }
  /** `wrong_appid`: it was encrypted with this key, and for another app. */
  | { kind: 'refused'; reason: 'undecryptable' | 'wrong_appid' };

const keyShape = /^[0-9A-Za-z+/]{43}$/;
const base64Shape = /^(?:[0-9A-Za-z+/]{4})+(?:[0-9A-Za-z+/]{2}==|[0-9A-Za-z+/]{3}=)?$/;
const randomBytes = 16;
const lengthBytes = 4;
/** Of the padding: a library's own unpadding knows blocks of 16 alone, and fails at two pads of three. */
const blockBytes = 32;

/** The 32 bytes that an EncodingAESKey stands for; null where it is none. */
export function aesKeyOf(encodingAesKey: string): Buffer | null {
  return keyShape.test(encodingAesKey) ? Buffer.from(`${encodingAesKey}=`, 'base64') : null;
}

/** Lower-case hex. Of token, timestamp and nonce it is `signature`; with `Encrypt` as the fourth it is `msg_signature`. */
export const signatureOf = (...parts: string[]): string =>
  createHash('sha1').update(parts.sort().join('')).digest('hex');

/** In a time that tells nothing of where the two differ. */
export function isSame(signature: string, given: string): boolean {
  const [ours, theirs] = [Buffer.from(signature), Buffer.from(given)];
  return ours.length === theirs.length && timingSafeEqual(ours, theirs);
}

/**
 * `Encrypt` → the message. AES-256-CBC, the key's first half as IV, PKCS#7 with blocks of 32:
 * random(16) | length(4, big-endian, in bytes) | message(UTF-8) | appid.
 */
export function decrypt(encrypted: string, { appid, aesKey }: PushKey): Decrypted {
  const plain = withoutPadding(decryptBytes(encrypted, aesKey));
  const from = randomBytes + lengthBytes;
  if (plain.length < from) return undecryptable;
  const to = from + plain.readUInt32BE(randomBytes);
  const text = to > plain.length ? null : utf8Text(plain.subarray(from, to));
  if (text === null) return undecryptable;
  return plain.subarray(to).equals(Buffer.from(appid))
    ? { kind: 'message', text }
    : { kind: 'refused', reason: 'wrong_appid' };
}

const undecryptable: Decrypted = { kind: 'refused', reason: 'undecryptable' };

const nothing = Buffer.alloc(0);

/** Nothing where it is no base64, or no whole blocks: Node takes a text that was cut for a shorter one. */
function decryptBytes(encrypted: string, aesKey: Buffer): Buffer {
  const bytes = base64Shape.test(encrypted) ? Buffer.from(encrypted, 'base64') : nothing;
  if (bytes.length % blockBytes !== 0) return nothing;
  const decipher = createDecipheriv('aes-256-cbc', aesKey, aesKey.subarray(0, 16)).setAutoPadding(false);
  return Buffer.concat([decipher.update(bytes), decipher.final()]);
}

/** Nothing where the padding is none: 1 to 32 bytes, each of which says how many they are. */
function withoutPadding(bytes: Buffer): Buffer {
  const padding = bytes.at(-1) ?? 0;
  const isPadded = padding >= 1 && padding <= blockBytes;
  return isPadded && bytes.subarray(-padding).every((byte) => byte === padding)
    ? bytes.subarray(0, -padding)
    : nothing;
}

/** What {@link decrypt} reads. `random`: 16 bytes that nobody can guess. */
export function encrypt(message: string, { appid, aesKey }: PushKey, random: Buffer): string {
  const text = Buffer.from(message);
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt32BE(text.length);
  const plain = Buffer.concat([random, length, text, Buffer.from(appid)]);
  const padding = blockBytes - (plain.length % blockBytes);
  const cipher = createCipheriv('aes-256-cbc', aesKey, aesKey.subarray(0, 16)).setAutoPadding(false);
  const whole = Buffer.concat([plain, Buffer.alloc(padding, padding)]);
  return Buffer.concat([cipher.update(whole), cipher.final()]).toString('base64');
}
