import { bundledCarriers } from '../shipment/carriers.ts';
import { FahuoError } from '../errors.ts';
import { checkEvent, type ContractOptions } from '../shipment/contract.ts';
import { maskContacts } from '../shipment/mask.ts';
import { describeProblems } from '../shipment/problems.ts';
import { insertEvent } from './store.ts';
import { recognise, type OutboxTransaction } from './transaction.ts';

export type { OutboxTransaction } from './transaction.ts';

export type EnqueueOptions = Partial<ContractOptions> & {
  /** Mask phone numbers of `contact` before they are stored; off, an unmasked number is refused. */
  maskContacts?: boolean;
};

/**
 * Writes a shipping event (a `ShippingEvent`) into the outbox, in the caller's transaction: it is sent if that
 * commits, and only then (P2). Returns the outbox id. `tx` is a pg client after `begin`, or the transaction of drizzle,
 * postgres.js, PGlite, Kysely, Knex, TypeORM or Prisma.
 * @throws FahuoError TRANSACTION_INVALID where `tx` is none of these, or is seen to be outside of a transaction;
 * EVENT_INVALID naming field, value, rule and remedy. Nothing is sent to the database then.
 */
export async function enqueue(
  tx: OutboxTransaction,
  event: unknown,
  options: EnqueueOptions = {},
): Promise<number> {
  const recognised = recognise(tx);
  if (recognised.kind === 'refused')
    throw new FahuoError('TRANSACTION_INVALID', recognised.message, { remedy: recognised.remedy });
  const candidate = options.maskContacts === true ? maskContacts(event) : event;
  const checked = checkEvent(candidate, { carriers: options.carriers ?? bundledCarriers() });
  if (checked.kind === 'invalid') throw new FahuoError('EVENT_INVALID', describeProblems(checked.problems));
  return insertEvent(recognised.run, JSON.stringify(candidate));
}
