import type { IHeaders, KafkaMessage } from 'kafkajs';
import type { Received, RecordHeader } from './message.ts';
import type { FetchedRecord } from './record-set.ts';

/** A message as kafkajs gives it, or as our own decoder does, as ours. */
export function received(topic: string, partition: number, message: KafkaMessage | FetchedRecord): Received {
  const rawHeaders = listed(message.headers ?? {});
  return withinBounds({
    topic,
    partition,
    offset: Number(message.offset),
    key: message.key,
    value: message.value,
    headers: lastOfEach(rawHeaders),
    rawHeaders,
    ...timestampOf(message),
    ...('unreadable' in message ? { unreadable: message.unreadable } : {}),
  });
}

/** What one message may take here: a topic can be made to hold hundreds of megabytes in one. */
const maxMessageBytes = 16_777_216;
const keptBytes = { key: 65_536, value: 1_048_576, headers: 262_144 };

/** A message that is larger keeps its beginnings: it is no event, and its dead letter says where the whole of it lies. */
function withinBounds(message: Received): Received {
  const { key, value, rawHeaders = [], topic, partition, offset } = message;
  const bytes = (key?.length ?? 0) + (value?.length ?? 0) + sizeOf(rawHeaders);
  if (bytes <= maxMessageBytes) return message;
  let left = keptBytes.headers;
  const kept = rawHeaders.filter((header) => (left -= sizeOf([header])) >= 0);
  const where = `the whole of it lies at ${topic}/${partition}@${offset} until Kafka forgets it`;
  return {
    ...message,
    key: beginning(key, keptBytes.key),
    value: beginning(value, keptBytes.value),
    headers: lastOfEach(kept),
    rawHeaders: kept,
    unreadable: `${message.unreadable ?? `the message has ${bytes} bytes`}: its beginning is kept, and ${where}`,
  };
}

/** A copy, or the whole would stay in memory. */
const beginning = (bytes: Buffer | null, length: number): Buffer | null =>
  bytes === null ? null : Buffer.from(bytes.subarray(0, length));

const sizeOf = (headers: readonly RecordHeader[]): number =>
  headers.reduce((sum, { name, value }) => sum + name.length + (value?.length ?? 0), 0);

/** Producers of old formats send none: -1. What no Date can be is none either: a broker takes any 64 bits. */
function timestampOf({ timestamp }: Pick<KafkaMessage, 'timestamp'>): { timestampMs?: number } {
  const timestampMs = Number(timestamp);
  return timestampMs >= 0 && timestampMs <= lastInstantMs ? { timestampMs } : {};
}
const lastInstantMs = 8.64e15;

/** kafkajs gives null for a value of length -1, whatever its types say. */
const listed = (headers: IHeaders | RecordHeader[]): RecordHeader[] =>
  Array.isArray(headers)
    ? headers
    : Object.entries(headers).flatMap(([name, value]) =>
        (Array.isArray(value) ? value : [value ?? null]).map((one: string | Buffer | null) => ({
          name,
          value: typeof one === 'string' ? Buffer.from(one) : one,
        })),
      );

/** A header may stand twice; the last one counts, as in CloudEvents' bindings. One without a value is not there. */
export function lastOfEach(headers: readonly RecordHeader[]): Record<string, Buffer> {
  const own = Object.create(null) as Record<string, Buffer>; // a header may be called __proto__
  const missing = new Set<string>();
  for (const { name, value } of headers) {
    if (value !== null) {
      own[name] = value;
      missing.delete(name);
    } else if (name in own) missing.add(name);
  }
  for (const name of missing) Reflect.deleteProperty(own, name);
  return own;
}
