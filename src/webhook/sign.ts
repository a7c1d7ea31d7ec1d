import { createHmac } from 'node:crypto';

/** Standard Webhooks 1.0: how a request says who sent it and when. Pure. */
export type Signed = { id: string; timestampS: number; body: string };

/** The keys of FAHUO_ACK_WEBHOOK_SECRET, the present one first. */
export const keysIn = (secrets: string): Buffer[] =>
  secrets.split(/ +/).map((one) => Buffer.from(one.replace(/^whsec_/, ''), 'base64'));

/** A signature by each key, so that whoever verifies may have the old one or the new one. */
export const headersOf = (keys: readonly Buffer[], { id, timestampS, body }: Signed) => ({
  'webhook-id': id,
  'webhook-timestamp': String(timestampS),
  'webhook-signature': keys
    .map((key) => `v1,${createHmac('sha256', key).update(`${id}.${timestampS}.${body}`).digest('base64')}`)
    .join(' '),
});

/** Tells one address and secret from others without telling what they are. */
export const fingerprintOf = (url: string, keys: readonly Buffer[]): string =>
  createHmac('sha256', keys[0] ?? '')
    .update(url)
    .digest('hex')
    .slice(0, 32);
