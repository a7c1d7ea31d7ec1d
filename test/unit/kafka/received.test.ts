import type { KafkaMessage } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { received } from '../../../src/kafka/received.ts';

const message = (change: object): KafkaMessage =>
  ({
    offset: '7',
    key: null,
    value: null,
    attributes: 0,
    timestamp: '1700000000000',
    ...change,
  }) as KafkaMessage;

describe('a message of another producer', () => {
  it('has no header where the value is null', () => {
    const headers = { ce_id: Buffer.from('1'), trace: null, twice: [Buffer.from('a'), null] };
    expect(Object.keys(received('t', 0, message({ headers })).headers)).toEqual(['ce_id']);
  });

  it.each(['-1', '9223372036854775807'])('has no time where it says %s', (timestamp) => {
    expect(received('t', 0, message({ timestamp })).timestampMs).toBeUndefined();
  });

  it('has the time that it says else', () => {
    expect(received('t', 0, message({})).timestampMs).toBe(1_700_000_000_000);
  });
});
