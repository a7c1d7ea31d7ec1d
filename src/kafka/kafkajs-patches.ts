import { createRequire } from 'node:module';
import { patchFetch } from './kafkajs-fetch.ts';

type Queue = { pending: unknown[]; scheduleCheckPendingRequests: () => void };
type Connection = { connect: () => Promise<true>; disconnect: () => Promise<true> };
type Class<T> = { prototype: T };

/** What is wrong with kafkajs 2.2.4 and is felt here. The version is pinned; remove this with the library. */
export function patchKafkajs(): void {
  if (patched) return;
  patched = true;
  const require = createRequire(import.meta.url);
  calmTimers((require('kafkajs/src/network/requestQueue') as Class<Queue>).prototype);
  shareConnects((require('kafkajs/src/network/connection') as Class<Connection>).prototype);
  patchFetch(require);
}
let patched = false;

/**
 * kafkajs schedules the next check of pending requests after each check, also when none is pending: a timer of a negative
 * time, which fires after a millisecond, for ever, on every connection. An idle member took 3 % of a core, and Node 24
 * warned. With the patch a check is scheduled while a request is pending.
 */
function calmTimers(queue: Queue): void {
  const schedule = queue.scheduleCheckPendingRequests;
  queue.scheduleCheckPendingRequests = function (this: Queue): void {
    if (this.pending.length > 0) schedule.call(this);
  };
}

/**
 * Two requests that find a connection closed (the heartbeats of two batches after the broker was away) open a socket each,
 * and the first is forgotten: nobody closes it, and a process that has done all its work does not end. With the patch the
 * two share one socket; a connection that was ended in between begins anew.
 */
function shareConnects(connection: Connection): void {
  const { connect, disconnect } = connection;
  const connecting = new WeakMap<Connection, Promise<true>>();
  connection.connect = function (this: Connection): Promise<true> {
    const begun = connecting.get(this);
    if (begun !== undefined) return begun;
    const fresh = connect.call(this).finally(() => {
      if (connecting.get(this) === fresh) connecting.delete(this);
    });
    connecting.set(this, fresh);
    return fresh;
  };
  connection.disconnect = function (this: Connection): Promise<true> {
    connecting.delete(this);
    return disconnect.call(this);
  };
}
