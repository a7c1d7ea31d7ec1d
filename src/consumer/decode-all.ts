import type { Received } from '../kafka/message.ts';
import type { CarrierIds } from '../shipment/combinations.ts';
import type { AcceptOptions } from './accepted.ts';
import { decode, type Decoded } from './decode.ts';

/** Messages to events or dead letters. A carrier that nobody knows is asked for before its message becomes a dead letter. */
export async function decodeAll(
  messages: readonly Received[],
  options: AcceptOptions,
): Promise<readonly Decoded[]> {
  const { askCarriers } = options;
  if (askCarriers === undefined) return messages.map((message) => decode(message, options));
  const unknown: string[] = [];
  const watching = { ...options, carriers: watch(options.carriers, unknown) };
  const decoded = messages.map((message) => {
    const before = unknown.length;
    const one = decode(message, watching);
    if (one.kind === 'event') unknown.length = before; // its carrier was taken by another name
    return one;
  });
  if (unknown.length === 0 || !(await askCarriers([...new Set(unknown)]))) return decoded;
  return decoded.map((one) => (one.kind === 'dead' ? decode(one.received, options) : one));
}

const watch = (carriers: CarrierIds, unknown: string[]): CarrierIds => ({
  ...carriers,
  has: (id) => {
    const known = carriers.has(id);
    if (!known) unknown.push(id);
    return known;
  },
});
