import { createHash } from 'node:crypto';
import type { Received } from '../kafka/message.ts';
import { utf8Text } from '../text.ts';

/** What one message of the ack topic becomes. */
export type NewDelivery = {
  webhookId: string;
  type: string;
  eventTime: string;
  appid: string;
  payment: string;
  /** The message's value, byte for byte. */
  data: string;
};
export type ReadMessage = { kind: 'answer'; answer: NewDelivery } | { kind: 'passed_over'; why: string };

const maxBytes = 1_048_576;
const maxNameBytes = 512;
/** Of our own making, and a line of HTTP. */
const plain = /^[\x21-\x7e]{1,256}$/;

/**
 * Reads a message of the ack topic. Its type does not matter: the shop looks at it. What the relay cannot have written is
 * passed over. Pure.
 */
export function readMessage({ headers, key, value }: Received): ReadMessage {
  const [id, type, eventTime] = ['ce_id', 'ce_type', 'ce_time'].map((header) =>
    headers[header]?.toString('latin1'),
  );
  if (!isPlain(id) || !isPlain(type) || !isPlain(eventTime))
    return passedOver('it has not the headers ce_id, ce_type and ce_time');
  const appid = nameIn(headers['ce_appid'] ?? null);
  const names = nameIn(key);
  if (appid === null || names?.startsWith(`${appid}/`) !== true)
    return passedOver('its key is not ce_appid/payment');
  const data = jsonIn(value);
  if (data === null) return passedOver('its value is no JSON object of a megabyte at most');
  const payment = names.slice(appid.length + 1);
  const webhookId = webhookIdOf(id, eventTime, data);
  return { kind: 'answer', answer: { webhookId, type, eventTime, appid, payment, data } };
}

const passedOver = (why: string): ReadMessage => ({ kind: 'passed_over', why });

const isPlain = (text: string | undefined): text is string => text !== undefined && plain.test(text);

/** A dead letter's answer has the names that its message had, whatever they are. */
const nameIn = (bytes: Buffer | null): string | null =>
  bytes === null || bytes.length > maxNameBytes ? null : utf8Text(bytes);

function jsonIn(value: Buffer | null): string | null {
  const text = value === null || value.length > maxBytes ? null : utf8Text(value);
  if (text === null) return null;
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? text : null;
  } catch {
    return null;
  }
}

/**
 * A message that Kafka holds twice has one id. Another deployment on the topic counts its answers as we do, so `ce_id` alone
 * does not tell one from another: who leaves out what has come before must hear of both.
 */
const webhookIdOf = (id: string, eventTime: string, data: string): string =>
  `${id}-${createHash('sha256').update(`${eventTime}\n${data}`).digest('hex').slice(0, 16)}`;

/** What is posted; the same bytes at every try. */
export const bodyOf = ({ type, eventTime, data }: Pick<NewDelivery, 'type' | 'eventTime' | 'data'>): string =>
  `{"type":${JSON.stringify(type)},"timestamp":${JSON.stringify(eventTime)},"data":${data}}`;
