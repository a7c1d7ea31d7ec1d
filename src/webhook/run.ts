import { createDoorbell } from '../loop.ts';
import { runSend, type SendDeps, type SendOptions } from './send.ts';
import { runTake, type TakeDeps, type TakeOptions } from './take.ts';

/**
 * The webhook. Reads the ack topic in a group of its own, writes fahuo.webhook_delivery, posts to the shop's address.
 *
 * I1 An offset is committed only when every answer below it is in the table; an answer is there once, by its webhook id.
 * I2 An answer stays until the address took it (2xx), a person dropped the database, or its retention is over, counted.
 * I3 Of one payment one request is on the wire, and the older answer is taken before the newer one is sent.
 * I4 A payment whose answer is refused holds up no other; an address that fails as a whole gets one probe a wait.
 * I5 A request is made again with the same id and body, and a new time and signature.
 */
export async function runWebhook(
  deps: Omit<TakeDeps & SendDeps, 'doorbell'>,
  options: TakeOptions & SendOptions,
  signal: AbortSignal,
): Promise<void> {
  const both = { ...deps, doorbell: createDoorbell() };
  await Promise.all([runTake(both, options, signal), runSend(both, options, signal)]);
}
