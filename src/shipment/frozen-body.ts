import { hash } from 'node:crypto';
import type { Shipment } from './events.ts';

/** What every attempt of an upload sends, `upload_time` apart. */
export type FrozenBody = {
  /** The text of a JSON object. */
  body: string;
  /** Its SHA-256, 64 hexadecimal digits: two events of a payment with the same hash say the same. */
  bodyHash: string;
};

/**
 * Renders the body once: an attempt that is repeated sends the same characters, so WeChat sees the same content
 * (wechat.md §6.2).
 */
export function freezeBody(data: Shipment): FrozenBody {
  const body = JSON.stringify(data);
  return { body, bodyHash: hash('sha256', body) };
}
