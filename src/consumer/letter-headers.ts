import type { Received, RecordHeader } from '../kafka/message.ts';

/** As fahuo.dead_letter keeps them: a JSON list of name and base64, in their order; null is Kafka's null. */
export const headersText = ({ headers, rawHeaders }: Received): string => {
  const all = rawHeaders ?? Object.entries(headers).map(([name, value]) => ({ name, value }));
  return JSON.stringify(all.map(({ name, value }) => [name, value?.toString('base64') ?? null]));
};

/** The headers of a letter, byte for byte. */
export const headersIn = (text: string): RecordHeader[] =>
  (JSON.parse(text) as [string, string | null][]).map(([name, value]) => ({
    name,
    value: value === null ? null : Buffer.from(value, 'base64'),
  }));
