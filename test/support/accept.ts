import { systemClock } from '../../src/clock.ts';
import type { Pool } from '../../db/client.ts';
import type { Accepted } from '../../src/consumer/accepted.ts';
import { acceptMessages } from '../../src/consumer/handle.ts';
import { createLog } from '../../src/log.ts';
import { createMetrics } from '../../src/metrics.ts';
import { bundledCarriers } from '../../src/shipment/carriers.ts';

const log = createLog({ level: 'silent' });
let offset = 0;

/** Events through the consumer's door, as if they had come from a topic; `publishedMs` is when they were put on it. */
export const acceptEvents = (
  pool: Pool,
  events: readonly object[],
  { publishedMs, acknowledgements = true }: { publishedMs?: number; acknowledgements?: boolean } = {},
): Promise<Accepted> =>
  acceptMessages(
    { pool, log, metrics: createMetrics() },
    events.map((event) => ({
      topic: 't',
      partition: 0,
      offset: offset++,
      key: null,
      value: Buffer.from(JSON.stringify(event)),
      headers: { 'content-type': Buffer.from('application/cloudevents+json') },
      ...(publishedMs === undefined ? {} : { timestampMs: publishedMs }),
    })),
    { carriers: bundledCarriers(), maskContacts: false, clock: systemClock, acknowledgements },
  );
