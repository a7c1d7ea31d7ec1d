import type { IHeaders, KafkaMessage } from 'kafkajs';
import type { Received } from './message.ts';

/** A message as kafkajs gives it, as ours. */
export function received(topic: string, partition: number, message: KafkaMessage): Received {
  return {
    topic,
    partition,
    offset: Number(message.offset),
    key: message.key,
    value: message.value,
    headers: headersOf(message.headers ?? {}),
    ...timestampOf(message),
  };
}

/** Producers of old formats send none: -1. What no Date can be is none either: a broker takes any 64 bits. */
function timestampOf({ timestamp }: KafkaMessage): { timestampMs?: number } {
  const timestampMs = Number(timestamp);
  return timestampMs >= 0 && timestampMs <= lastInstantMs ? { timestampMs } : {};
}
const lastInstantMs = 8.64e15;

/** A header may stand twice; the last one counts, as in CloudEvents' bindings. One without a value is not there. */
function headersOf(headers: IHeaders): Record<string, Buffer> {
  const own = Object.create(null) as Record<string, Buffer>; // a header may be called __proto__
  for (const name in headers) {
    const value = headers[name];
    const last = Array.isArray(value) ? value.at(-1) : value;
    // kafkajs gives null for a value of length -1, whatever its types say.
    if (last !== undefined && last !== (null as unknown))
      own[name] = typeof last === 'string' ? Buffer.from(last) : last;
  }
  return own;
}
