import { createRequire } from 'node:module';

type Queue = { pending: unknown[]; scheduleCheckPendingRequests: () => void };
type Connection = { connect: () => Promise<true>; disconnect: () => Promise<true> };
type Header = { key: string; value: Buffer | null };
type Decoder = { readVarIntArray: (read: unknown) => Header[] };
type Class<T> = { prototype: T };

/** What is wrong with kafkajs 2.2.4 and is felt here. The version is pinned; remove this with the library. */
export function patchKafkajs(): void {
  if (patched) return;
  patched = true;
  const require = createRequire(import.meta.url);
  calmTimers((require('kafkajs/src/network/requestQueue') as Class<Queue>).prototype);
  shareConnects((require('kafkajs/src/network/connection') as Class<Connection>).prototype);
  foldHeaders(
    (require('kafkajs/src/protocol/decoder') as Class<Decoder>).prototype,
    require('kafkajs/src/protocol/recordBatch/header/v0/decoder'),
  );
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

/**
 * kafkajs copies all headers of a message once more for each of them: 8,000 headers, 47 kB, kept the process busy for 40 s,
 * and every role of it. With the patch each is put down once. A name that stands twice has an array, as before.
 */
function foldHeaders(decoder: Decoder, readHeader: unknown): void {
  const { readVarIntArray } = decoder;
  decoder.readVarIntArray = function (this: Decoder, read: unknown): Header[] {
    const found = readVarIntArray.call(this, read);
    return read === readHeader ? Object.assign(found, { reduce: () => folded(found) }) : found;
  };
}

function folded(headers: readonly Header[]): Record<string, Header['value'] | Header['value'][]> {
  const byName = new Map<string, Header['value'][]>();
  for (const { key, value } of headers) {
    const before = byName.get(key);
    if (before === undefined) byName.set(key, [value]);
    else before.push(value);
  }
  return Object.fromEntries(
    Array.from(byName, ([name, values]) => [name, values.length === 1 ? (values[0] ?? null) : values]),
  );
}
