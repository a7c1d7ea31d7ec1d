import { expect, it } from 'vitest';
import {
  ACKNOWLEDGED,
  CORRECTED,
  eventTopics,
  RECEIVED,
  SETTLED,
  SHIPPED,
} from '../../../src/shipment/events.ts';

it('carries what is enqueued on the topic of events, and answers on the topic of acknowledgements', () => {
  expect([...eventTopics]).toEqual([
    [SHIPPED, 'events'],
    [CORRECTED, 'events'],
    [RECEIVED, 'events'],
    [ACKNOWLEDGED, 'acks'],
    [SETTLED, 'acks'],
  ]);
});
