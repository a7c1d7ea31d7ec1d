import { createRequire } from 'node:module';

type Queue = { pending: unknown[] };
type QueueClass = { prototype: { scheduleCheckPendingRequests: (this: Queue) => void } };

/**
 * kafkajs 2.2.4 looks after requests that wait whenever it has looked, also when none does: a timer of a negative time,
 * which fires after a millisecond, for ever, on every connection. An idle member took 3 % of a core that way, and
 * Node 24 warned. Now it looks again while something waits. The version is pinned; remove this with the library.
 */
export function calmKafkajs(): void {
  if (calm) return;
  calm = true;
  const require = createRequire(import.meta.url);
  const { prototype } = require('kafkajs/src/network/requestQueue') as QueueClass;
  const schedule = prototype.scheduleCheckPendingRequests;
  prototype.scheduleCheckPendingRequests = function (this: Queue): void {
    if (this.pending.length > 0) schedule.call(this);
  };
}
let calm = false;
