import { bundledCarriers } from '../shipment/carriers.ts';
import { FahuoError } from '../errors.ts';
import { checkEvent, describeProblems, type ContractOptions } from '../shipment/contract.ts';
import { maskContacts } from '../shipment/mask.ts';
import { insertEvent, type OutboxTransaction } from './store.ts';

export type EnqueueOptions = Partial<ContractOptions> & {
  /** Mask phone numbers of `contact` before they are stored; off, an unmasked number is refused. */
  maskContacts?: boolean;
};

/**
 * Writes a shipping event into the outbox, in the caller's transaction: it is sent if that commits, and only then
 * (P2). Returns the outbox id.
 * @throws FahuoError EVENT_INVALID naming field, value, rule and remedy; nothing is written then.
 */
export async function enqueue(
  tx: OutboxTransaction,
  event: unknown,
  options: EnqueueOptions = {},
): Promise<number> {
  const candidate = options.maskContacts === true ? maskContacts(event) : event;
  const checked = checkEvent(candidate, { carriers: options.carriers ?? bundledCarriers() });
  if (checked.kind === 'invalid') throw new FahuoError('EVENT_INVALID', describeProblems(checked.problems));
  return insertEvent(tx, JSON.stringify(candidate));
}
