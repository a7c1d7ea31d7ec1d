/** What a connector's or a framework's serializer did to an event before it reached Kafka, and the setting that leaves it. */

/** Confluent's serializers put a zero byte and a schema's number, 4 bytes, before what they write. */
const registryBytes = 5;

export const registryHint = (value: Buffer): string | null =>
  value.length > registryBytes && value[0] === 0
    ? `the value begins as a schema registry's serializer writes it (Avro, Protobuf, JSON Schema): the event must be plain JSON text; use org.apache.kafka.common.serialization.StringSerializer, in Kafka Connect value.converter=${stringConverter}`
    : null;

const stringConverter = 'org.apache.kafka.connect.storage.StringConverter';

/** For a value that is JSON: why it is no event, as far as a converter is to blame. */
export function converterHint(value: unknown): string | null {
  if (typeof value === 'string')
    return `the value is a JSON string that holds ${holdsObject(value) ? 'the event' : 'a text'}: a converter quoted it once more; in Kafka Connect set value.converter=${stringConverter}, in Spring use StringSerializer instead of JsonSerializer`;
  if (isEnvelope(value))
    return `the value is wrapped in "schema" and "payload": in Kafka Connect set value.converter.schemas.enable=false, and value.converter=${stringConverter} where the payload is a text`;
  return null;
}

function holdsObject(text: string): boolean {
  try {
    return typeof JSON.parse(text) === 'object';
  } catch {
    return false;
  }
}

const isEnvelope = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'schema' in value && 'payload' in value;
