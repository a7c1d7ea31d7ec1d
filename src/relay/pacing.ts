/**
 * How long the relay leaves the writers alone after it has caught up. A round costs a machine about the same whether it
 * finds one event or five hundred, and Postgres, Kafka and the writers pay for it. One writer at a time does not feel
 * it: there is no wait, and an event is published within milliseconds. When many stand at the outbox at once, the
 * relay comes less often and finds their events in one batch. Pure.
 */

/**
 * How many writers stand at the outbox, smoothed over time. Seconds of many count; a stall of a fraction of a second, in
 * which any number piles up, hardly does: beyond what the longest back-off is for, they are not counted.
 */
export type Writers = { writers: number; atMs: number };

export function writersAfter(before: Writers, seen: Writers): Writers {
  const weight = 1 - Math.exp((before.atMs - seen.atMs) / timeConstantMs);
  const counted = Math.min(seen.writers, mostCounted);
  return { writers: before.writers + (counted - before.writers) * weight, atMs: seen.atMs };
}
const timeConstantMs = 2_000;
const mostCounted = 4;

export const backOffMs = (seen: Writers, maxMs: number): number =>
  Math.min(maxMs, Math.max(0, seen.writers - 1) * perWriterMs);
const perWriterMs = 100;
