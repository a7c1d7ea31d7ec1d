import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';

/**
 * Tokens at rest are sealed with a key derived from the app's own secret: whoever can read the store but not the
 * secret learns nothing, and a changed secret makes old entries unreadable, which is right.
 */
export type SealContext = { appid: string; secret: string };

const version = 'v1';
const keyOf = (context: SealContext, use: string): Buffer =>
  Buffer.from(hkdfSync('sha256', context.secret, context.appid, `fahuo token ${use} ${version}`, 32));

/** AES-256-GCM under a fresh nonce; the text is `v1.` and base64url of nonce, tag and ciphertext. */
export function sealToken(context: SealContext, token: string): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', keyOf(context, 'seal'), nonce);
  const sealed = Buffer.concat([cipher.update(token, 'utf8'), cipher.final()]);
  return `${version}.${Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url')}`;
}

/** The token, or null when the text was not sealed by this app's present secret. */
export function openToken(context: SealContext, text: string): string | null {
  if (!text.startsWith(`${version}.`)) return null;
  const bytes = Buffer.from(text.slice(version.length + 1), 'base64url');
  try {
    const decipher = createDecipheriv('aes-256-gcm', keyOf(context, 'seal'), bytes.subarray(0, 12), {
      // Without it Node takes a cut tag of four bytes for a whole one.
      authTagLength: 16,
    });
    decipher.setAuthTag(bytes.subarray(12, 28));
    return decipher.update(bytes.subarray(28), undefined, 'utf8') + decipher.final('utf8');
  } catch {
    return null;
  }
}

/** Names a token without showing it, so that a store can compare and delete what is sealed. */
export function tokenFingerprint(context: SealContext, token: string): string {
  return createHmac('sha256', keyOf(context, 'fingerprint')).update(token).digest('base64url');
}
