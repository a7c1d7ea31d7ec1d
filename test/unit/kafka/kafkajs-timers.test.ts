import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { calmKafkajs } from '../../../src/kafka/kafkajs-timers.ts';

type Queue = {
  pending: unknown[];
  throttleCheckTimeoutId: unknown;
  checkPendingRequests: () => void;
  scheduleCheckPendingRequests: () => void;
  destroy: () => void;
};

describe('the request queue of kafkajs', () => {
  it('arms no timer while nothing waits, and one while something does', () => {
    calmKafkajs();
    const require = createRequire(import.meta.url);
    const Queue = require('kafkajs/src/network/requestQueue') as new (options: object) => Queue;
    const logger = { namespace: () => ({ debug: () => undefined }) };
    const queue = new Queue({ logger, maxInFlightRequests: 0, requestTimeout: 1_000 });
    queue.checkPendingRequests();
    expect(queue.throttleCheckTimeoutId).toBeNull();
    queue.pending.push({});
    queue.scheduleCheckPendingRequests();
    expect(queue.throttleCheckTimeoutId).not.toBeNull();
    queue.destroy();
  });
});
